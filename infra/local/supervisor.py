"""Keep the server up while anybody uses it, and stop it with the last of them.

A user is a process that holds a shared lock on `users.lock`; the system gives the lock back however that process
ends, SIGKILL included. The supervisor is one background process: it starts the server, waits until it can lock the
same file for itself alone, and stops the server.

    acquire(directory)                            in the user's process
    python -m infra.local.supervisor DIR TOKEN    the supervisor; it answers with one line that begins with TOKEN

    users.lock           held by every user, shared           start.lock   held by the user who starts a supervisor
    supervisor.lock      held by the supervisor while it lives
    ready                which run of the server is set up    supervisor.log   what the supervisor wrote to stderr
"""

import atexit
import errno
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fasteners
import psycopg2

from infra.config import ROOT
from infra.errors import ServerError, explain_limit
from infra.local import credentials, server, system_tables
from infra.local.binaries import check_owner, environment
from infra.local.connection_info import PATIENCE, SILENT, ConnectionInfo
from infra.progress import notice

READY, ANOTHER, FAILED = "ready", "another", "failed"  # what a supervisor answers

_held: dict[Path, fasteners.InterProcessReaderWriterLock] = {}  # this process's shared locks, kept until it ends
_one_at_a_time = threading.RLock()  # the locks of files are this process's, not its threads'


def acquire(directory: Path) -> ConnectionInfo:
    """Register this process as a user, start the server if needed, and return psycopg2.connect's arguments.

    Raises ServerError.
    """
    with _one_at_a_time:
        known = directory in _held
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not known:
                check_owner(directory)
                _register(directory)
            start = fasteners.InterProcessLock(directory / "start.lock")
            wait_for(start.acquire, f"{directory} to be started by another run")
            try:
                _make_ready(directory)
            finally:
                start.release()
            return server.connection_info(directory)
        except BaseException as error:
            if not known:
                release(directory)
            if isinstance(error, OSError | ValueError | RuntimeError):  # NUL in a path, say; a lock, or no thread left
                raise ServerError(_explain(directory, error)) from None
            raise


def _explain(directory: Path, error: Exception) -> str:
    """The sentence for what keeps the directory, or a file in it, from being used, or the server from being set up."""
    if limit := explain_limit(error):
        return limit
    if isinstance(error, ServerError | psycopg2.Error):
        begin = f"The embedded PostgreSQL in {directory} cannot be set up: " * isinstance(error, psycopg2.Error)
        return begin + " ".join(str(error).split())
    place = os.fsdecode(getattr(error, "filename", None) or directory)
    reason = getattr(error, "strerror", None) or str(error)
    advice = "" if getattr(error, "errno", None) in (errno.EACCES, errno.EROFS) else "move that away, or "
    return (
        f"The embedded warehouse cannot use {place} ({reason}): {advice}"
        "give it a directory of its own with [LOCAL] PATH in dwh.cfg."
    )


def _register(directory: Path) -> None:
    """Take a share of `users.lock`; waits while a supervisor is stopping the server."""
    lock = fasteners.InterProcessReaderWriterLock(directory / "users.lock")
    wait_for(lock.acquire_read_lock, f"the server in {directory} to stop after its last use")
    _held[directory] = lock
    atexit.register(release, directory)


def wait_for(acquire_lock: Callable[..., bool], what: str) -> None:
    """Acquire a lock; say so if that takes long. Raises ServerError if it takes too long."""
    if acquire_lock(timeout=SILENT):
        return
    notice(f"Waiting for {what}.")
    if not acquire_lock(timeout=PATIENCE):
        raise ServerError(f"Waited {PATIENCE:.0f} s in vain for {what}: end the other programs that use it.")


def release(directory: Path) -> None:
    """Give up this process's use of the server; one whose supervisor was killed gets a new one, which will stop it."""
    with _one_at_a_time:
        if lock := _held.pop(directory, None):
            with suppress(OSError, ServerError):  # the directory is gone, say
                if server.running(directory) and not _is_supervised(directory):
                    _launch(directory, secrets.token_hex(8), subprocess.DEVNULL).returncode = 0
            lock.release_read_lock()


def _is_supervised(directory: Path) -> bool:
    """Whether a supervisor is alive: it holds supervisor.lock as long as it lives."""
    lock = fasteners.InterProcessLock(directory / "supervisor.lock")
    if lock.acquire(blocking=False):
        lock.release()
        return False
    lock.lockfile.close()  # fasteners leaves it open
    return True


def _is_ready(directory: Path) -> bool:
    """Whether the server runs, has been set up in this run, and will be stopped."""
    run = server.run_id(directory)
    try:
        return bool(run) and (directory / "ready").read_text(encoding="utf-8") == run and _is_supervised(directory)
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _make_ready(directory: Path) -> None:
    """Return when the server is ready; start a supervisor if there is none. Raises ServerError.

    There may be one that is not ready: started by a user that was killed meanwhile, or about to end.
    """
    begin = time.monotonic()
    while not _is_ready(directory):
        if not _is_supervised(directory) and _start_supervisor(directory):
            return
        if time.monotonic() - begin > PATIENCE:
            raise ServerError(f"The supervisor of {directory} does not answer: end it (infra.local.supervisor).")
        time.sleep(0.05)


def _launch(directory: Path, token: str, answers: int) -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process."""
    apart: dict[str, Any] = {"start_new_session": True}  # Ctrl-C in the user's terminal is not for the server
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with open(directory / "supervisor.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local.supervisor", str(directory), token],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=answers, stderr=log, **apart,
        )  # fmt: skip


def _start_supervisor(directory: Path) -> bool:
    """Start a supervisor and wait for its answer: True if its server is ready, False if another was quicker.

    Raises ServerError with the sentence it answered if there is no server.
    """
    token = secrets.token_hex(8)
    process = _launch(directory, token, subprocess.PIPE)
    answer: dict[str, Any] = {"state": FAILED, "sentences": []}
    ended = threading.Event()
    threading.Thread(target=_listen, args=(process, token, answer, ended), daemon=True).start()
    end = time.monotonic() + 2 * PATIENCE
    while not ended.wait(0.1):  # a wait without a limit would not notice Ctrl-C on Windows
        if time.monotonic() > end:
            raise ServerError(f"The supervisor of {directory} (process {process.pid}) does not answer: end it.")
    if answer["state"] == READY:
        process.returncode = 0  # it outlives this process on purpose; nobody is to wait for it
        for sentence in answer["sentences"]:
            notice(f"The embedded PostgreSQL in {directory} has been mended. {sentence}")
        return True
    with suppress(subprocess.TimeoutExpired):
        process.wait(SILENT)
    if answer["state"] == FAILED:
        raise ServerError(" ".join(answer["sentences"]) or _last_words(directory))
    return False


def _listen(process: "subprocess.Popen[bytes]", token: str, answer: dict[str, Any], ended: threading.Event) -> None:
    """Take the line of a supervisor's output that begins with its token; there may be others, of other programs."""
    assert process.stdout
    with process.stdout:
        line = next((line for line in process.stdout if line.startswith(token.encode())), b"")
    answer.update(json.loads(line[len(token) :] or "{}"))
    ended.set()


def _last_words(directory: Path) -> str:
    """The sentence for a supervisor that ended without an answer."""
    log = directory / "supervisor.log"
    last = (log.read_text(encoding="utf-8", errors="replace").strip() or "it did not say why").split("\n")[-1].strip()
    return f"The supervisor of {directory} ended without an answer: {last}. Run again; what it wrote is in {log}."


def _answer(token: str, state: str, *sentences: str) -> None:
    """Tell whoever started the supervisor, then point standard output at nothing."""
    with suppress(OSError):  # killed meanwhile; supervise() goes on and stops the server if nobody else uses it
        os.write(1, f"\n{token}{json.dumps({'state': state, 'sentences': sentences})}\n".encode("ascii"))
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)


def supervise(directory: Path, token: str) -> None:
    """Be the supervisor: start the server, answer, wait for the last user to go, stop the server."""
    alone = fasteners.InterProcessLock(directory / "supervisor.lock")
    if not alone.acquire(blocking=False):
        _answer(token, ANOTHER)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the machine is shut down, say: the server is stopped
    try:
        try:
            healed = _set_up(directory)
        except (ServerError, OSError, psycopg2.Error) as error:
            server.stop(directory)
            _answer(token, FAILED, _explain(directory, error))
            return
        _answer(token, READY, *healed)
        users = fasteners.InterProcessReaderWriterLock(directory / "users.lock")
        while not users.acquire_write_lock(delay=0.1, timeout=0.2):
            if server.running(directory) is None:  # it was killed: the next user starts it anew, with a new supervisor
                return
        with suppress(ServerError, OSError, psycopg2.Error):  # a full disk, say, must not keep the server up
            system_tables.vacuum(server.connection_info(directory))
    finally:
        server.stop(directory)


def _set_up(directory: Path) -> list[str]:
    """Start the server and give it what Redshift has; a sentence for each thing that had to be mended."""
    healed = server.start(directory)
    info = server.connection_info(directory)
    try:
        system_tables.install(info)
    except psycopg2.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        server.stop(directory)
        credentials.reset_password(directory)
        healed += ["Its password file was wrong; there is a new password.", *server.start(directory)]
        info = server.connection_info(directory)
        system_tables.install(info)
    credentials.install_reader(directory, info)
    (directory / "ready").write_text(server.run_id(directory), encoding="utf-8")
    return healed


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), sys.argv[2])

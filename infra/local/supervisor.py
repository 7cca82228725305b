"""Keep the server up while anybody uses it, and stop it with the last of them.

A user is a process that holds a shared lock on `users.lock`; the system gives the lock back however that process
ends, SIGKILL included. The keeper is one background process: it starts the server, waits until it can lock the same
file for itself alone, and stops the server.

    acquire(directory)                    in the user's process
    python -m infra.local.supervisor DIR      the keeper; it prints `ready`, or one sentence, and goes on
"""

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import fasteners
import psycopg2

from infra.config import ROOT
from infra.errors import ServerError
from infra.local import server, system_tables

_held: dict[Path, fasteners.InterProcessReaderWriterLock] = {}  # this process's shared locks, kept until it ends


def acquire(directory: Path) -> dict[str, str | int]:
    """Register this process as a user, start the server if needed, and return psycopg2.connect's arguments.

    Raises ServerError.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if directory not in _held:
            lock = fasteners.InterProcessReaderWriterLock(directory / "users.lock")
            lock.acquire_read_lock()  # waits while a keeper is stopping the server
            _held[directory] = lock
            atexit.register(release, directory)
        with fasteners.InterProcessLock(directory / "start.lock"):
            if not (_is_kept(directory) and server.running(directory)):
                _start_keeper(directory)
    except OSError as error:
        raise ServerError(
            f"The embedded warehouse cannot use {directory} ({error.strerror}): "
            "give it a directory of its own with [LOCAL] PATH in dwh.cfg."
        ) from None
    return server.credentials(directory)


def release(directory: Path) -> None:
    """Give up this process's use of the server before the process ends."""
    if lock := _held.pop(directory, None):
        lock.release_read_lock()


def _is_kept(directory: Path) -> bool:
    """Whether a keeper is alive: it holds keeper.lock as long as it lives."""
    lock = fasteners.InterProcessLock(directory / "keeper.lock")
    if lock.acquire(blocking=False):
        lock.release()
        return False
    lock.lockfile.close()  # fasteners leaves it open
    return True


def _start_keeper(directory: Path) -> None:
    """Start a keeper and wait until its server answers. Raises ServerError with the sentence it printed if not."""
    if os.name == "nt":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        apart = {"start_new_session": True}  # Ctrl-C in the user's terminal is not for the server
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.supervisor", str(directory)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", **apart,
    )  # fmt: skip
    said = process.stdout.readline().strip()
    if said == "ready":
        process.stdout.close()
        process.returncode = 0  # it outlives this process on purpose; nobody is to wait for it
        return
    said += process.stdout.read()
    process.stdout.close()
    process.wait()
    raise ServerError(said.strip() or f"The keeper of {directory} ended without a word.")


def keep(directory: Path) -> None:
    """Be the keeper: start the server, report, wait for the last user to go, stop the server."""
    with fasteners.InterProcessLock(directory / "keeper.lock"):
        try:
            server.start(directory)
            system_tables.install(server.credentials(directory))
        except (ServerError, OSError, psycopg2.Error) as error:
            _report(" ".join(str(error).split()))
            return
        _report("ready")
        users = fasteners.InterProcessReaderWriterLock(directory / "users.lock")
        while not users.acquire_write_lock(timeout=1):
            if server.running(directory) is None:  # it was killed: the next user starts it anew, with a new keeper
                return
        try:
            with suppress(ServerError, OSError, psycopg2.Error):  # a full disk, say, must not keep the server up
                system_tables.vacuum(server.credentials(directory))
            server.stop(directory)
        finally:
            users.release_write_lock()


def _report(sentence: str) -> None:
    """Tell whoever started the keeper, then point standard output and error at nothing."""
    try:
        print(sentence, flush=True)
    except OSError:  # killed meanwhile; keep() goes on and stops the server if nobody else uses it
        sys.stdout = None
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nothing, stream)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))

"""The PostgreSQL server of the embedded warehouse: made, started and stopped with the programs of a wheel.

Everything lives in one directory (`.local/`), and nothing outside it is touched:

    postgres/      the database files      port              the port used last, tried first the next time
    server.log     PostgreSQL's log        password, ...     see credentials.py
    command.log    what the last program of PostgreSQL printed
    *.lock, ready, supervisor.log          see supervisor.py

The functions here run in the supervisor's process (see supervisor.py), which starts the server and stops it with its
last user.
"""

import os
import secrets
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from infra.errors import ServerError
from infra.local.binaries import MAJOR, call, run
from infra.local.connection_info import PATIENCE, ConnectionInfo
from infra.local.credentials import OWNER, PASSWORD_FILES, read_password, reset_password, write_secret

DATABASE, HOST = "dwh", "127.0.0.1"
SHARED = 512  # MB of memory that the server's processes share
LEAST = SHARED + 512  # MB of memory with which a load ends: what else the server, DuckDB and threads reserve
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may be 107 bytes long, a project's may be longer
    "default_transaction_isolation": "repeatable read",  # Redshift's SNAPSHOT isolation
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": f"{SHARED}MB",
    "work_mem": "8MB",
    "hash_mem_multiplier": "1",  # large sets are sorted: the tables are in their sort key's order, or nearly
    "wal_buffers": "64MB",
    "max_wal_size": "4GB",
    "autovacuum_vacuum_insert_threshold": "-1",  # after a large load nothing is dead; its rows are frozen in time
    "default_statistics_target": "30",  # ANALYZE of a load reads 9,000 rows of a table
    "jit": "off",
    "enable_nestloop": "off",  # Redshift joins by hash and merge; a loop over a zone map would read it for each row
    "io_method": "sync",
}
REFUSES = 1  # pg_isready's exit code for a server that starts, recovers or stops
SILENCE = 10  # seconds after which a server that says nothing is taken to hang
ATTEMPTS = 3  # to start, each with another port
STOP = (("fast", 60), ("immediate", 20))  # how to stop, and seconds that it may take before the next, harder way


def check_memory() -> None:
    """Raise ServerError for a limit (ulimit -v) under which the server does not start, and DuckDB's import crashes."""
    if sys.platform == "win32":
        return
    import resource  # POSIX only

    limit = resource.getrlimit(resource.RLIMIT_AS)[0] >> 20  # -1 or very large for none
    if 0 <= limit < LEAST:
        raise ServerError(f"The embedded warehouse needs {LEAST} MB of memory; ulimit -v allows {limit} MB: raise it.")


def running(directory: Path) -> int | None:
    """The port of a live server on this directory, or None. Reads postmaster.pid, whose process may be long gone."""
    lines = _pid_file(directory)
    return int(lines[3]) if lines else None


def run_id(directory: Path) -> str:
    """What tells this run of the server from any other: its process and the time it started; "" if there is none."""
    return " ".join(lines[:3:2]) if (lines := _pid_file(directory)) else ""


def _pid_file(directory: Path) -> list[str]:
    """The lines of postmaster.pid if it is a live server's."""
    data = directory / "postgres"
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, _ = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):  # absent, or half written by a server that is starting
        return []
    return lines if _works_in(pid, data) else []


def _works_in(pid: int, data: Path) -> bool:
    """Whether `pid` is a live PostgreSQL on these files: no zombie, no other program or server with its number."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and process.name().startswith("postgres")
            and Path(process.cwd()) == data.resolve()
        )
    except (psutil.Error, OSError, OverflowError, ValueError):  # gone, another user's, or no process number
        return False


def start(directory: Path) -> list[str]:
    """Make the database files if there are none and start the server; a sentence for each thing it had to mend.

    Raises ServerError. A server that runs already, because its supervisor was killed, is taken over if it answers.
    """
    data = directory / "postgres"
    healed = []
    if running(directory) is not None:
        if _wait_until_it_answers(directory, SILENCE):
            return ["It ran on without its supervisor, which was killed; it has a new one."]
        _kill(data)
        healed.append("It did not answer any more; it was ended and started anew.")
    if not data.exists():
        _initialise(directory)
    _check_version(directory)
    _kill(data)
    if (data / "postmaster.pid").exists():
        (data / "postmaster.pid").unlink()  # the process it names is dead or somebody else's
        healed = healed or ["It was not stopped properly the last time; it has recovered what was committed."]
    if not read_password(directory):
        reset_password(directory)
        healed.append("Its password file was missing or damaged; there is a new password.")
    for attempt in range(1, ATTEMPTS + 1):
        (directory / "server.log").unlink(missing_ok=True)
        port = _free_port(directory)
        try:
            run(
                directory, "pg_ctl", "start", "-w", "-t", int(PATIENCE), "-s", "-D", data.name, "-l", "server.log",
                "-o", f"-p {port}",
            )  # fmt: skip
            break
        except ServerError as error:
            _kill(data)
            if attempt == ATTEMPTS or "TCP/IP sockets" not in str(error):  # somebody took the port in between
                raise
    (directory / "port").write_text(str(port), encoding="ascii")
    return healed


def _check_version(directory: Path) -> None:
    """Raise ServerError for database files that this PostgreSQL cannot read."""
    data = directory / "postgres"
    try:
        version = (data / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise ServerError(f"{data} holds no database: delete {directory} and load again.") from None
    if version != MAJOR:
        raise ServerError(
            f"{data} was made by PostgreSQL {version}, this is {MAJOR}: delete {directory} and load again."
        )


def _wait_until_it_answers(directory: Path, seconds: float) -> bool:
    """Whether the server takes connections; one that recovers from a crash refuses them, so that is waited for."""
    end = time.monotonic() + seconds
    while (port := running(directory)) is not None and time.monotonic() < end:
        code, _ = call(directory, "pg_isready", "-q", "-t", SILENCE, "-h", HOST, "-p", port)
        if code != REFUSES:
            return code == 0
        time.sleep(0.1)
    return False


def _kill(data: Path) -> None:
    """Kill what is at work on `data`: two servers on the same files would destroy them. What was committed stays."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # gone already, or another user's
            if process.name().startswith("postgres") and Path(process.cwd()) == data.resolve():
                process.kill()
                process.wait(10)


def stop(directory: Path) -> None:
    """Stop the server; connections that are still there are ended.

    PostgreSQL 18 never ends when it is asked to in the middle of a recovery, so that is waited for. A stop that takes
    too long is followed by a harder one.
    """
    with suppress(OSError):  # no other program can be started, say: it is killed
        if _wait_until_it_answers(directory, PATIENCE):
            for mode, seconds in STOP:
                with suppress(ServerError):  # it does not end in time, or it has ended by itself meanwhile
                    run(directory, "pg_ctl", "stop", "-w", "-s", "-t", seconds, "-m", mode, "-D", "postgres")
                    break
    _kill(directory / "postgres")


def _initialise(directory: Path) -> None:
    """Make the database files aside and move them into place whole. UTF-8, ordered by bytes as Redshift does."""
    password = write_secret(directory, PASSWORD_FILES[OWNER], secrets.token_urlsafe(24))
    fresh = directory / "postgres.new"
    if fresh.is_dir():
        shutil.rmtree(fresh)
    fresh.unlink(missing_ok=True)
    settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
    run(
        directory, "initdb", "-D", fresh, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={password}",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",  # LOWER('É') is 'é'
        "--no-sync", "--no-data-checksums", *settings,  # with them the first to read a new page logs all of it
    )  # fmt: skip
    os.replace(fresh, directory / "postgres")


def _free_port(directory: Path) -> int:
    """The port used last if it is free, so that a BI tool's bookmark stays right; else any free one."""
    wanted = [0]
    with suppress(FileNotFoundError, ValueError):  # none yet, or damaged: not needed
        wanted.insert(0, int((directory / "port").read_text(encoding="ascii")))
    for port in wanted:
        with socket.socket() as probe, suppress(OSError, OverflowError):  # taken, or no port: 0 takes any
            if os.name != "nt":  # as PostgreSQL does: connections that just ended do not keep the port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise ServerError(f"No free port on {HOST}.")


def connection_info(directory: Path) -> ConnectionInfo:
    """What psycopg2.connect needs to reach the server as its owner. Raises ServerError if it does not run."""
    port = running(directory)
    if port is None:
        raise ServerError(f"The embedded PostgreSQL in {directory} is not running.")
    password = read_password(directory)
    if not password:
        raise ServerError(
            f"{directory / PASSWORD_FILES[OWNER]} is missing or damaged while the server runs: end the programs that "
            "use it and run again; the next start makes a new password."
        )
    return {"host": HOST, "port": port, "user": OWNER, "password": password, "dbname": DATABASE}

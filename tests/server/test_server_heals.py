"""What the embedded server survives: the next run works and sees what was committed, or says in a sentence why not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest

from infra import warehouse
from infra.config import load_settings
from infra.errors import ServerError, WarehouseError
from infra.local import credentials, server, supervisor
from infra.local.connection_info import open_plain
from tests.fixtures.server import (
    ROOT,
    copy_of,
    finish,
    posix,
    postgres_pid,
    python,
    supervisor_pid,
    wait_until_gone,
)

pytestmark = pytest.mark.server
LIBPQ = {  # what each would do to a connection to the embedded server
    "PGSSLMODE": "require", "PGSERVICE": "nowhere", "PGOPTIONS": "-c nonsense=1", "PGHOST": "nowhere.invalid",
    "PGPORT": "1", "PGDATABASE": "nothing", "PGUSER": "nobody", "PGPASSWORD": "wrong", "PGREQUIREAUTH": "none",
    "PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require", "PGCONNECT_TIMEOUT": "x", "PGDATA": "/nowhere",
    "PGCLIENTENCODING": "LATIN1", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German",
}  # fmt: skip


def keep(directory: Path) -> None:
    """Commit a row that no fault may lose."""
    with closing(open_plain(supervisor.acquire(directory))) as connection, connection:
        connection.cursor().execute("CREATE TABLE kept (a integer); INSERT INTO kept VALUES (1)")
    supervisor.release(directory)


def kept(directory: Path) -> list[tuple]:
    """The rows that are there, seen by a new user of the server, which is stopped again."""
    try:
        with closing(open_plain(supervisor.acquire(directory))) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT a FROM kept")
            return cursor.fetchall()
    finally:
        supervisor.release(directory)
        wait_until_gone(directory)


@pytest.fixture(scope="module")
def kept_template(server_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a server with that row."""
    directory = tmp_path_factory.mktemp("kept") / "local"
    shutil.copytree(server_template, directory)
    keep(directory)
    wait_until_gone(directory)
    return directory


@pytest.fixture
def kept_directory(kept_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of them."""
    yield from copy_of(kept_template, tmp_path / "local")


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor takes a server that says nothing to hang after a second, not after ten."""
    (tmp_path / "sitecustomize.py").write_text("from infra.local import server\nserver.SILENCE = 1\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")


def wait_for_the_disk(directory: Path) -> None:
    """Let a stopped server wait for the disk from its next start on, so that a recovery takes its time."""
    (directory / "postgres" / "postgresql.auto.conf").write_text("fsync = on\n")


def kill_supervisor(directory: Path) -> None:
    """Kill the supervisor and wait until its lock is free."""
    process = psutil.Process(supervisor_pid(directory))
    process.kill()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def refusal(directory: Path) -> str:
    """The one sentence of the ServerError that acquire raises, with nothing left running."""
    with pytest.raises(ServerError) as caught:
        supervisor.acquire(directory)
    wait_until_gone(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@posix
def test_killed_backend(directory, capsys):
    """As by an out-of-memory killer: PostgreSQL recovers by itself, whoever connects meanwhile waits."""
    info = supervisor.acquire(directory)
    keep_alive = open_plain(info)
    with closing(open_plain(info)) as connection, connection:
        connection.cursor().execute("CREATE TABLE kept (a integer); INSERT INTO kept VALUES (1)")
    os.kill(keep_alive.info.backend_pid, signal.SIGKILL)
    for _ in range(20):  # in the recovery, and after it
        with closing(open_plain(supervisor.acquire(directory))) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT a FROM kept")
            assert cursor.fetchall() == [(1,)]
    with pytest.raises(psycopg2.OperationalError):
        keep_alive.cursor().execute("SELECT 1")
    keep_alive.close()
    supervisor.release(directory)
    wait_until_gone(directory)


@posix
def test_last_user_goes_in_the_middle_of_a_recovery(directory):
    """PostgreSQL 18 never ends when it is stopped then: the supervisor waits, and the next run has what was written."""
    wait_for_the_disk(directory)
    crash = """cursor.execute("CREATE TABLE kept AS SELECT a, repeat('x', 400) FROM generate_series(1, 500000) AS a")
    connection.commit()
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    os._exit(0)"""
    assert finish(python(directory, crash), timeout=120)[0] == 0
    wait_until_gone(directory, 120)
    assert len(kept(directory)) == 500_000


@posix
def test_server_that_is_asked_to_stop_in_a_recovery_is_ended(kept_directory, impatient, capsys):
    """What an older program left behind: a server that is shutting down for ever and that nobody supervises."""
    wait_for_the_disk(kept_directory)
    info = supervisor.acquire(kept_directory)
    victim = open_plain(info)
    kill_supervisor(kept_directory)
    with victim.cursor() as cursor:
        cursor.execute("CREATE TABLE big AS SELECT i, repeat('x', 400) FROM generate_series(1, 500000) AS i")
    victim.commit()
    os.kill(victim.info.backend_pid, signal.SIGKILL)
    while "database system was interrupted" not in (kept_directory / "server.log").read_text():  # the recovery begins
        time.sleep(0.005)
    os.kill(postgres_pid(kept_directory), signal.SIGINT)  # a fast stop
    victim.close()
    assert kept(kept_directory) == [(1,)]
    assert "has been mended" in capsys.readouterr().err


@posix
def test_server_that_does_not_answer(kept_directory, impatient, capsys):
    """A postmaster that hangs, without a supervisor: it is ended and started anew, and the run says so."""
    supervisor.acquire(kept_directory)
    kill_supervisor(kept_directory)
    os.kill(postgres_pid(kept_directory), signal.SIGSTOP)
    assert kept(kept_directory) == [(1,)]
    assert capsys.readouterr().err.splitlines() == [
        f"The embedded PostgreSQL in {kept_directory} has been mended. "
        "It did not answer any more; it was ended and started anew.",
    ]


@posix
def test_stop_that_takes_too_long_is_followed_by_a_harder_one(directory, monkeypatch):
    """A backend that hangs holds up a fast stop; an immediate one ends it."""
    monkeypatch.setattr(server, "STOP", (("fast", 1), ("immediate", 20)))
    info = supervisor.acquire(directory)
    with closing(open_plain(info)) as hanging:
        pid, harder = hanging.info.backend_pid, "received immediate shutdown request"

        def go_on():
            """Let the backend go on at the harder stop: PostgreSQL would kill it after another five seconds."""
            end = time.monotonic() + 30
            while time.monotonic() < end and harder not in (directory / "server.log").read_text():
                time.sleep(0.05)
            os.kill(pid, signal.SIGCONT)

        os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor() as other:
            going_on = other.submit(go_on)
            server.stop(directory)
            going_on.result()
        assert server.running(directory) is None
    assert harder in (directory / "server.log").read_text()
    supervisor.release(directory)
    wait_until_gone(directory)


@posix
@pytest.mark.parametrize("others", [1, 4])
def test_several_supervisors_started_at_once(directory, others):
    """The runs that started them were killed: one supervisor stays, and nobody waits for another."""
    started = [supervisor._launch(directory, f"token{number}", subprocess.DEVNULL) for number in range(others)]
    begin = time.monotonic()
    with closing(open_plain(supervisor.acquire(directory))) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM redshift.last_copy")  # it is set up, not only started
        assert cursor.fetchall() == [(0,)]
    assert time.monotonic() - begin < 30
    supervisor.release(directory)
    wait_until_gone(directory)
    for process in started:
        process.wait(10)


@pytest.mark.parametrize(
    "noise",
    [
        {"PYTHONPROFILEIMPORTTIME": "1"},
        {"PYTHONVERBOSE": "1"},
        pytest.param({"LD_PRELOAD": "/nowhere/spy.so"}, marks=posix),
        {"PYTHONPATH": "{noisy}"},
    ],
    ids=lambda noise: next(iter(noise)),
)
def test_noise_on_the_supervisors_output(directory, tmp_path, noise):
    """Anything that Python, the linker or a site's own module prints before the supervisor answers."""
    (tmp_path / "sitecustomize.py").write_text("print('hello ' * 20000, flush=True)\n")
    environment = os.environ | {name: value.format(noisy=tmp_path) for name, value in noise.items()}
    code, out, _ = finish(python(directory, env=environment))
    assert (code, out.split()[-1]) == (0, "1")
    wait_until_gone(directory)


def test_libpq_variables_do_not_reach_the_embedded_server(directory):
    """Neither a connection nor the server; and they are left as they were for others."""
    then = "cursor.execute('SHOW timezone'); print(cursor.fetchone()[0], sum(n[:2] == 'PG' for n in os.environ))"
    done = finish(python(directory, then, env=os.environ | LIBPQ))
    assert done == (0, f"1\nUTC {len(LIBPQ)}\n", "")
    wait_until_gone(directory)


def test_each_libpq_variable_alone(directory, monkeypatch):
    for name, value in LIBPQ.items():
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with closing(open_plain(supervisor.acquire(directory))) as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT current_user, current_database()")
                assert cursor.fetchall() == [("sparkify", "dwh")]
            assert os.environ[name] == value


def test_set_up_that_fails_leaves_no_server(directory):
    with closing(open_plain(supervisor.acquire(directory))) as connection, connection:
        connection.cursor().execute(
            "DROP TABLE redshift.last_copy CASCADE; CREATE VIEW redshift.last_copy AS SELECT 1 AS a;"
            "DO $$ BEGIN EXECUTE format('COMMENT ON SCHEMA redshift IS %L',"  # functions of an older version
            "split_part(obj_description('redshift'::regnamespace), ' ', 1) || ' older'); END $$"
        )
    supervisor.release(directory)
    wait_until_gone(directory)
    assert f"{directory} cannot be set up: column" in refusal(directory)
    assert server.running(directory) is None


@pytest.mark.parametrize("found", [None, b"", b"\xff\xfe" * 20, b"short", b"wrong-but-long-enough-to-be-one"])
def test_password_file_missing_or_wrong(kept_directory, capsys, found):
    """There is a new password, and the run says so; nothing else has changed."""
    (kept_directory / "password").unlink()
    if found is not None:
        (kept_directory / "password").write_bytes(found)
    assert kept(kept_directory) == [(1,)]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "there is a new password" in said
    assert kept(kept_directory) == [(1,)]
    assert capsys.readouterr().err == ""
    if os.name != "nt":
        assert (kept_directory / "password").stat().st_mode & 0o777 == 0o600


def test_password_file_lost_while_the_server_runs(directory):
    """A sentence then, for a server in use cannot be given a new one; the next start mends it."""
    with python(directory, "sys.stdin.read()", stdin=subprocess.PIPE) as user:
        assert user.stdout.readline() == "1\n"
        (directory / "password").unlink()
        with pytest.raises(ServerError, match="the next start makes a new password"):
            supervisor.acquire(directory)
        assert finish(user)[0] == 0
    wait_until_gone(directory)
    assert credentials.read_password(directory) == ""
    keep(directory)
    assert kept(directory) == [(1,)]


@posix
def test_killed_supervisor_leaves_no_server_when_its_user_ends(directory):
    then = "os.kill(int(sys.stdin.readline()), signal.SIGKILL); time.sleep(0.5)"
    with python(directory, then, stdin=subprocess.PIPE) as user:
        assert user.stdout.readline() == "1\n"
        user.stdin.write(f"{supervisor_pid(directory)}\n")
        assert finish(user) == (0, "", "")
    wait_until_gone(directory)


@posix
def test_supervisor_that_is_asked_to_end_stops_the_server(kept_directory):
    """As when the machine is shut down; what was committed is there without a recovery."""
    with python(kept_directory, "sys.stdin.read()", stdin=subprocess.PIPE) as user:
        assert user.stdout.readline() == "1\n"
        os.kill(supervisor_pid(kept_directory), signal.SIGTERM)
        while server.running(kept_directory):
            time.sleep(0.05)
        assert finish(user)[0] == 0
    assert kept(kept_directory) == [(1,)]


@posix
def test_stale_pid_file_that_names_another_server(kept_directory, another_directory, capsys):
    """Its number was taken by the PostgreSQL of another directory, which is left alone."""
    other = supervisor.acquire(another_directory)
    pid = postgres_pid(another_directory)
    lines = (another_directory / "postgres" / "postmaster.pid").read_text()
    (kept_directory / "postgres" / "postmaster.pid").write_text(lines)
    assert kept(kept_directory) == [(1,)]
    assert "was not stopped properly" in capsys.readouterr().err
    assert psutil.pid_exists(pid) and server.connection_info(another_directory) == other
    supervisor.release(another_directory)
    wait_until_gone(another_directory)


def a_file(path: Path) -> None:
    """Put a file where a folder is expected."""
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text("something else")


def a_folder(path: Path) -> None:
    """Put a folder that holds something where a file is expected."""
    path.unlink(missing_ok=True)
    (path / "something").mkdir(parents=True)


def an_empty_folder(path: Path) -> None:
    """Empty a folder."""
    shutil.rmtree(path)
    path.mkdir()


def holds(content: bytes):
    """Put these bytes into a file."""
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("port", holds(b"\xff\xfe")),
        ("port", holds(b"70000")),
        ("ready", holds(b"\xff")),
        ("postgres/postmaster.pid", holds(b"")),
        ("postgres/postmaster.pid", holds(b"99999999999999999999\n/x\n1\n5\n")),
        ("postgres.new", a_folder),
        ("password.new", holds(b"half")),
        *(
            pytest.param(name, damage, marks=pytest.mark.slow)
            for name, damage in (
                ("port", holds(b"")),
                ("port", holds("５４３２".encode())),
                ("port", holds(b"9" * 5000)),
                ("port", holds(b"-1")),
                ("ready", holds(b"")),
                ("postgres/postmaster.pid", holds(b"\xff\n\xfe")),
                ("postgres.new", a_file),
                ("reader_password", holds(b"\xff")),
                ("pgpass", holds(b"")),
                ("supervisor.log", holds(b"\xff" * 100)),
                ("command.log", holds(b"\xff" * 100)),
                ("server.log", holds(b"\xff" * 100)),
            )
        ),
    ],
)
def test_damaged_file_is_mended(kept_directory, name, damage):
    damage(kept_directory / name)
    assert kept(kept_directory) == [(1,)]


@pytest.mark.parametrize(
    ("name", "damage", "sentence"),
    [
        ("", a_file, "give it a directory of its own with [LOCAL] PATH in dwh.cfg."),
        ("postgres", a_file, "holds no database: delete {directory} and load again."),
        ("postgres", an_empty_folder, "holds no database: delete {directory} and load again."),
        ("postgres/PG_VERSION", Path.unlink, "holds no database: delete {directory} and load again."),
        ("postgres/PG_VERSION", holds(b"\xff"), "delete {directory} and load again."),
        ("postgres/global/pg_control", Path.unlink, "failed (pg_ctl)"),
        *(
            pytest.param(name, a_folder, f"cannot use {{directory}}/{name} (Is a directory): move that away", marks=how)
            for how, names in (
                ([], ("port", "users.lock")),
                (
                    [pytest.mark.slow],
                    (
                        *("password", "server.log", "command.log", "supervisor.log"),
                        *("start.lock", "supervisor.lock", "ready"),
                    ),
                ),
            )
            for name in names
        ),
    ],
)  # fmt: skip
@posix
def test_damage_that_is_told(directory, name, damage, sentence):
    """What only its owner can decide on; nothing is deleted, nothing left running."""
    damage(directory / name)
    assert sentence.format(directory=directory) in refusal(directory)


def test_file_in_place_of_the_simulated_data(directory, tmp_path):
    """A path below a file: a sentence, for warehouse.connect too."""
    config = tmp_path / "dwh.cfg"
    config.write_text(f"[LOCAL]\nPATH={directory}\n")
    (directory / "simulated").write_text("something else")
    with pytest.raises(WarehouseError) as caught:
        warehouse.connect(load_settings(config))
    assert str(directory / "simulated") in str(caught.value)


@posix
def test_port_that_is_taken_in_between(directory, monkeypatch):
    """Another program takes the free port before PostgreSQL does: the next one is tried."""
    import socket

    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        ports = [taken.getsockname()[1], server._free_port(directory)]
        monkeypatch.setattr(server, "_free_port", lambda _: ports.pop(0))
        server.start(directory)
        assert ports == []
    server.stop(directory)
    wait_until_gone(directory)


@posix
def test_user_id_without_a_name(tmp_path):
    """As in `docker run --user 12345`."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    needed = [Path(sys.executable).resolve(), Path(os.__file__)]
    if closed := [parent for path in needed for parent in path.parents if not parent.stat().st_mode & 0o001]:
        pytest.skip(f"another user cannot reach {closed[0]}, where the interpreter is")
    base = Path("/var/tmp") / f"sparkify-uid-{os.getpid()}"
    base.mkdir()
    os.chown(base, 54322, 54322)
    try:
        user = {"user": 54322, "group": 54322, "extra_groups": [], "env": {**os.environ, "HOME": str(base)}}
        assert finish(python(base / "local", **user))[:2] == (0, "1\n")
        wait_until_gone(base)
    finally:
        shutil.rmtree(base)

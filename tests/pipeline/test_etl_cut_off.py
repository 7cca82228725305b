"""A load that is cut off: Ctrl-C, kill -9 at many points. The tables are the old ones or the new ones."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from infra import simulate_data
from infra.errors import ServerError
from infra.local import server, supervisor
from tests.fixtures import processes
from tests.fixtures.etl import STAR, TABLES, plain_connection
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.server

no_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT or SIGKILL for one process")


def start(config: Path) -> processes.Process:
    """An etl.py that runs beside the test."""
    return processes.start(ROOT / "etl.py", "--config", config, cwd=ROOT)


def digests(plain, tables: tuple[str, ...]) -> list[tuple]:
    """Each table's rows and a digest of all their values, as one snapshot."""
    union = " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {table} AS t"
        for table in tables
    )
    with plain, plain.cursor() as cursor:
        cursor.execute(union)
        return sorted(cursor.fetchall())


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    """A simulated data set of 15 days whose load takes a second or two."""
    folder = tmp_path_factory.mktemp("log") / "data"
    simulate_data.simulate(folder, songs=300, users=300, events=15_000, days=15)
    return folder


def config_of(place: Path, log: Path, logs: Path) -> str:
    """A dwh.cfg for the warehouse in `place` and the data set in `log`, of which `logs` are to be loaded."""
    return (
        f"[LOCAL]\nPATH={place}\n[S3]\nLOG_DATA={logs}\nSONG_DATA={log / 'song_data'}\n"
        f"LOG_JSONPATH={log / 'log_json_path.json'}\n"
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory, server_template, log) -> Path:
    """The files of a warehouse with the first day's log loaded; its server has stopped."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(server_template, folder / "own")
    first = sorted((log / "log_data").rglob("*.json"))[0]
    (folder / "own.cfg").write_text(config_of(folder / "own", log, first))
    for script in ("create_tables.py", "etl.py"):
        run = processes.run(ROOT / script, "--config", folder / "own.cfg", cwd=ROOT)
        assert (run.returncode, run.stderr) == (0, "")
    wait_for_stop(folder / "own")
    return folder / "own"


@pytest.fixture
def own(tmp_path, log, template) -> Path:
    """A dwh.cfg for a warehouse of the test's own, with the first day's log loaded and the whole log to load next."""
    shutil.copytree(template, tmp_path / "own")
    file = tmp_path / "own.cfg"
    file.write_text(config_of(tmp_path / "own", log, log / "log_data"))
    return file


def connect_when_up(path: Path) -> psycopg2.extensions.connection:
    """A plain connection to a warehouse that a script is starting."""
    for _ in range(200):
        with suppress(ServerError, psycopg2.OperationalError):
            return plain_connection(path)
        time.sleep(0.05)
    raise AssertionError("the server does not come up")


def look(path: Path, tables: tuple[str, ...]) -> list[tuple]:
    """The digests of a warehouse that nobody need keep up."""
    supervisor.acquire(path)
    try:
        with closing(plain_connection(path)) as plain:
            return digests(plain, tables)
    finally:
        supervisor.release(path)


def wait_until(plain, query: str) -> None:
    """Return when the query finds a row."""
    plain.autocommit = True
    cursor = plain.cursor()
    for _ in range(600):
        cursor.execute(query)
        if cursor.fetchone():
            plain.autocommit = False
            return
        time.sleep(0.02)
    raise AssertionError(f"never: {query}")


def wait_for_stop(path: Path) -> None:
    """Return when the server has stopped, as it does some seconds after its last user."""
    for _ in range(300):
        if server.running(path) is None:
            return
        time.sleep(0.05)
    raise AssertionError("the server runs on")


COPY = "SELECT 1 FROM redshift.stv_load_state"
TRANSFORM = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM songplays%'"


@no_windows
@pytest.mark.parametrize("moment", [COPY, TRANSFORM], ids=["COPY", "transform"])
def test_ctrl_c(own, tmp_path, moment):
    """Ctrl-C in the middle: one sentence, nothing changed, and the server stops."""
    watched = TABLES
    before = look(tmp_path / "own", watched)
    wait_for_stop(tmp_path / "own")
    load = start(own)
    with closing(connect_when_up(tmp_path / "own")) as plain:  # noqa: SIM117 - the second needs the server up
        with closing(plain_connection(tmp_path / "own")) as obstacle:
            if moment == TRANSFORM:  # what the transform must wait for, so that it is in the middle when Ctrl-C comes
                obstacle.cursor().execute("LOCK TABLE songplays IN SHARE MODE")
            wait_until(plain, moment)
            load.send_signal(signal.SIGINT)
            _, error = load.communicate(timeout=30)
    assert error == f"etl: interrupted. The star schema is as it was; run etl.py --config {own} again.\n"
    assert load.returncode == 1
    wait_for_stop(tmp_path / "own")
    assert look(tmp_path / "own", watched) == before


@no_windows
@pytest.mark.slow
def test_ctrl_c_twice_where_the_server_does_not_answer(own, tmp_path):
    """The first one waits for the statement's end; the second one breaks the connection."""
    before = look(tmp_path / "own", TABLES)
    wait_for_stop(tmp_path / "own")
    load = start(own)
    with closing(connect_when_up(tmp_path / "own")) as plain, plain.cursor() as cursor:
        cursor.execute("LOCK TABLE songplays IN SHARE MODE")
        with closing(plain_connection(tmp_path / "own")) as onlooker, onlooker.cursor() as looks:
            wait_until(onlooker, TRANSFORM)
            looks.execute(TRANSFORM.replace("1", "pid"))
            backend = looks.fetchall()[0][0]
        os.kill(backend, signal.SIGSTOP)
        try:
            load.send_signal(signal.SIGINT)
            time.sleep(1)
            assert load.poll() is None
            load.send_signal(signal.SIGINT)
            _, error = load.communicate(timeout=10)
        finally:
            os.kill(backend, signal.SIGCONT)
    assert error == f"etl: interrupted. The star schema is as it was; run etl.py --config {own} again.\n"
    wait_for_stop(tmp_path / "own")
    assert look(tmp_path / "own", TABLES) == before


def kill_at_points(own: Path, place: Path, reset: Callable, points: int) -> None:
    """Kill a load at so many points spread over its run, and check the tables after each and after a whole run."""
    with closing(plain_connection(place)) as plain:
        old = digests(plain, STAR)
        begin = time.monotonic()
        whole = start(own)
        assert whole.communicate() and whole.returncode == 0
        duration = time.monotonic() - begin
        new = digests(plain, STAR)
        counts = [row[:2] for row in new]
        assert old != new
        seen = []
        for point in range(1, points + 1):
            reset(plain)
            assert digests(plain, STAR) == old
            load = start(own)
            time.sleep(duration * point / (points + 1))
            load.kill()
            load.communicate()
            found = digests(plain, STAR)
            seen.append(found == old)
            if found != old:  # committed just before: all of it, then
                assert [row[:2] for row in found] == counts
            again = start(own)
            _, error = again.communicate()
            assert (again.returncode, error) == (0, "")
            assert [row[:2] for row in digests(plain, STAR)] == counts
            assert digests(plain, STAR[1:]) == [row for row in new if row[0] != "songplays"]
            if found != old:
                assert digests(plain, STAR) == found
        assert any(seen)


def resetter(plain) -> Callable:
    """Keep the rows of star schema and ledger; the function that is returned brings them back."""
    with plain, plain.cursor() as cursor:
        for table in (*STAR, "loaded_files"):
            cursor.execute(f"CREATE TABLE saved.{table} AS SELECT * FROM {table}")

    def reset(plain) -> None:
        """Put the saved rows in place of what is there, the songplay_ids included."""
        with plain, plain.cursor() as cursor:
            for table in (*STAR, "loaded_files"):
                cursor.execute(f"TRUNCATE {table}")
                cursor.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM saved.{table}")

    return reset


@no_windows
@pytest.mark.slow
def test_kill_9_at_20_points(own, tmp_path):
    """The long form of the kills of etl.py in tests/faults, on more data."""
    supervisor.acquire(tmp_path / "own")  # keeps the server up, so that the runs are alike
    try:
        with closing(plain_connection(tmp_path / "own")) as plain:
            with plain, plain.cursor() as cursor:
                cursor.execute("CREATE SCHEMA saved")
            kill_at_points(own, tmp_path / "own", resetter(plain), points=20)
    finally:
        supervisor.release(tmp_path / "own")
    wait_for_stop(tmp_path / "own")


@no_windows
def test_kill_9_leaves_nothing_running(own, tmp_path):
    wait_for_stop(tmp_path / "own")
    load = start(own)
    with closing(connect_when_up(tmp_path / "own")) as plain:
        wait_until(plain, COPY)
        load.kill()
        load.communicate()
    wait_for_stop(tmp_path / "own")

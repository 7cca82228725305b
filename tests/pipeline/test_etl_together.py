"""Two loads at once, and readers meanwhile."""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial

import pytest

import create_tables
import etl
import sql_queries
from infra import warehouse
from infra.errors import LoadError, LockedError
from infra.load import copy_monitor
from infra.load.copy_monitor import LoadRun
from tests.fixtures.etl import STAR, TABLES, TS, Case, answers_of, at, event, load, song
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.long

PLAYS = "SELECT user_id, song_id FROM songplays"


@pytest.fixture
def other(case: Case, tmp_path):
    """A second load's settings and data: the same warehouse, a log of its own with a play of user 2."""
    folder = tmp_path / "data" / "other_logs"
    folder.mkdir()
    case.load([event(userId="2")])  # for the file's text
    (case.data / "log_data" / "log.json").rename(folder / "log.json")
    case.clear()
    file = tmp_path / "other.cfg"
    file.write_text(case.config.read_text().replace(str(case.data / "log_data"), str(folder)))
    return file


def start(config) -> subprocess.Popen:
    """An etl.py that runs beside the test."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", ROOT / "etl.py", "--config", config],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_waiting(onlooker, sessions: int = 1) -> None:
    """Return when so many sessions wait for a lock."""
    cursor = onlooker.cursor()
    for _ in range(200):
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        if cursor.fetchone()[0] >= sessions:
            return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


LOCK = "LOCK loaded_files"  # as a load does first


def test_a_second_load_waits_for_the_first(case, onlooker):
    case.write([event(), event(userId="2")])
    case.connection.cursor().execute(LOCK)
    with start(case.config) as second:
        wait_for_waiting(onlooker)
        assert second.poll() is None
        case.connection.rollback()
        assert second.wait(60) == 0, second.stderr.read()
    assert case.execute(PLAYS) == [(1, "S1"), (2, "S1")]


def test_loads_started_together_take_turns_and_the_first_leaves_the_others_nothing(case, onlooker):
    case.write([event(userId=str(user), sessionId=session) for user in range(1, 6) for session in range(5)])
    case.connection.cursor().execute(LOCK)
    with start(case.config) as one, start(case.config) as two, start(case.config) as three:
        wait_for_waiting(onlooker, sessions=3)
        case.connection.rollback()
        ends = [(*load.communicate(timeout=60), load.returncode) for load in (one, two, three)]
    assert [(error, code) for _, error, code in ends] == [("", 0)] * 3
    assert sorted("Nothing new: 2 files loaded before" in out for out, *_ in ends) == [False, True, True]
    assert case.execute("SELECT user_id, session_id FROM songplays") == [(u, s) for u in range(1, 6) for s in range(5)]
    assert [row[0] for row in case.tables()["users"]] == [1, 2, 3, 4, 5]


def test_loads_of_different_logs_at_once_lose_nothing(case, other, onlooker):
    case.write([event()])
    case.connection.cursor().execute(LOCK)
    with start(case.config) as one, start(other) as two:
        wait_for_waiting(onlooker, sessions=2)
        case.connection.rollback()
        assert [(load.communicate(timeout=60)[1], load.returncode) for load in (one, two)] == [("", 0)] * 2
    assert case.execute(PLAYS) == [(1, "S1"), (2, "S1")]


def test_a_wait_says_for_whom_and_since_when_and_ends(case, onlooker, monkeypatch, capsys):
    """Somebody's open transaction holds the lock, then a table that the load drops."""
    case.load([event()])
    case.write([event(userId="2")])
    before = case.everything()
    monkeypatch.setattr(copy_monitor, "LIMIT", 1.2)
    monkeypatch.setattr(copy_monitor, "TELL_AFTER", 0.0)
    cursor = case.connection.cursor()
    for held in (LOCK, "SELECT * FROM staging_events"):
        cursor.execute(held)
        assert etl.main(["--config", str(case.config)]) == 1
        case.connection.rollback()
        told, error = capsys.readouterr().err.splitlines()
        pid = case.connection.info.backend_pid
        holder = rf"session {pid} of sparkify, whose transaction is open since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.fullmatch(rf"Waiting for {holder}: another load, or somebody who uses these tables\.", told)
        advice = rf"Run again when it has ended, or end it: SELECT pg_terminate_backend\({pid}\)\."
        assert re.fullmatch(rf"etl: Waited 1 s for {holder}\. {advice}", error)
    assert case.everything() == before
    assert etl.main(["--config", str(case.config), "--quiet"]) == 0


def test_a_transaction_that_ends_while_its_locks_are_read_holds_nothing(connection):
    """The view reads the locks first and the transactions then, where the start may be gone."""
    cursor = connection.cursor()
    cursor.execute("CREATE SCHEMA looks")
    cursor.execute("SET search_path TO looks, public")
    cursor.execute(
        "CREATE TABLE svv_transactions (pid INT, txn_owner TEXT, txn_start TIMESTAMP, relation INT, granted CHAR(1))"
    )
    waiting, ending = "(1, 'analyst', '2018-11-01', 5, 'f')", "(2, 'analyst', NULL, 5, 't')"
    cursor.execute(f"INSERT INTO svv_transactions VALUES {waiting}, {ending}")
    monitor = copy_monitor.LockMonitor(copy_monitor.Views(connection), session=1, limit=0)
    monitor.look()
    cursor.execute("UPDATE svv_transactions SET txn_start = '2018-11-01' WHERE pid = 2")
    with pytest.raises(LockedError, match="session 2 of analyst"):
        monitor.look()


def test_create_tables_lets_readers_in_while_it_waits_for_one(case, onlooker, monkeypatch, capsys):
    case.load([event()])
    before = case.everything()
    monkeypatch.setattr(create_tables, "PATIENCE", 0.6)
    monkeypatch.setattr(create_tables, "PAUSE", 0.5)
    monkeypatch.setattr(create_tables, "TRIES", 3)
    case.connection.cursor().execute("SELECT * FROM songplays")  # an analyst's transaction, left open
    with ThreadPoolExecutor() as administrator:
        reset = administrator.submit(create_tables.main, ["--config", str(case.config)])
        wait_for_waiting(onlooker)
        cursor = onlooker.cursor()
        cursor.execute("SET statement_timeout = '5s'")
        while not reset.done():
            cursor.execute("SELECT count(*) FROM songplays")  # waits for one try at most
            assert cursor.fetchone() == (1,)
            time.sleep(0.05)
        assert reset.result() == 1
    case.connection.rollback()
    error = capsys.readouterr().err
    pid = case.connection.info.backend_pid
    assert f"Waited 1 s for session {pid} of sparkify" in error
    assert error.endswith("Nothing was changed.\n")
    assert case.everything() == before
    assert create_tables.main(["--config", str(case.config)]) == 0
    assert case.everything() == {table: [] for table in TABLES}


def test_readers_are_not_locked_out_while_a_load_is_in_its_transaction(case, onlooker, monkeypatch):
    case.load([event()], [song()])
    before, answers = case.tables(), answers_of(case.config)
    case.write([event(userId="2", ts=TS + 1)], [song(title="New"), song(song_id="S2")])
    seen, answered = {}, {}
    check = etl.check_quality

    def read_meanwhile(connection, checks, *arguments):
        """Everything is done and not committed: an analyst reads all tables, and may wait for no lock."""
        if checks is sql_queries.staging_checks:
            return
        with closing(warehouse.connect(case.settings)) as reader:
            cursor = reader.cursor()
            reader.cursor().execute("BEGIN")
            for table in STAR:
                onlooker.cursor().execute("SET statement_timeout = '2s'")
                cursor.execute(f"SELECT * FROM {table}")
                seen[table] = sorted(cursor.fetchall(), key=repr)
                onlooker.cursor().execute(f"SELECT * FROM {table}")
        with ThreadPoolExecutor() as analyst:
            answered.update(analyst.submit(answers_of, case.config).result(timeout=60))
        check(connection, checks, *arguments)

    monkeypatch.setattr(etl, "check_quality", read_meanwhile)
    load(case.connection, case.settings)
    assert (seen, answered) == (before, answers)
    assert case.execute("SELECT user_id, start_time FROM songplays") == [(1, at(TS)), (2, at(TS + 1))]


def test_a_reader_in_a_long_transaction_does_not_hold_a_load_up_and_keeps_its_view(case):
    case.load([event()], [song()])
    before = case.tables()
    with closing(warehouse.connect(case.settings)) as reader, reader.cursor() as cursor:
        seen = []
        for _ in range(2):
            for table in STAR:
                cursor.execute(f"SELECT * FROM {table}")
                seen.append(sorted(cursor.fetchall(), key=repr))
            case.load([event(userId="2")])
        assert seen == [before[table] for table in STAR] * 2
    assert case.execute(PLAYS) == [(1, "S1"), (2, "S1")]


def test_a_lost_connection_is_told_with_its_cause_alone(case, onlooker):
    """In the middle of a COPY, whose transaction is then over: psycopg2's own words are left out."""
    case.load([event()])
    before = case.everything()
    with closing(warehouse.connect(case.settings)) as second, closing(warehouse.connect(case.settings)) as observer:
        run = LoadRun(second, observer, case.settings)
        copy = run.copy

        def end_session(query):
            """Somebody ends the session before the COPY."""
            onlooker.cursor().execute("SELECT pg_terminate_backend(%s)", (second.info.backend_pid,))
            time.sleep(0.2)
            copy(query)

        run.copy = end_session
        with pytest.raises(LoadError) as raised:
            etl.load(run, everything=True)
    name = "staging_events: COPY"
    assert str(raised.value) in (
        f"{name}: terminating connection due to administrator command.",
        f"{name}: The server closed the connection unexpectedly.",
    )
    assert case.everything() == before


def test_the_server_is_lost_after_the_commit(case, onlooker, monkeypatch, capsys, caplog):
    """The load is there, and etl.py says so: exit code 0."""
    case.write([event()])

    def end_session(connection):
        """Commit, and lose the connection before the answer comes."""
        connection.commit()
        onlooker.cursor().execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        time.sleep(0.2)
        connection.cursor().execute("SELECT 1")

    monkeypatch.setattr(etl, "transaction", partial(commit_by, end_session))
    assert etl.main(["--config", str(case.config)]) == 0
    assert capsys.readouterr().err == ""
    assert "The load is complete. Then the connection was lost: " in caplog.text
    assert case.execute(PLAYS) == [(1, "S1")]


def test_the_server_is_lost_before_the_commit(case, onlooker, monkeypatch, capsys):
    case.write([event()])

    def end_session(connection):
        """Lose the connection, then commit."""
        onlooker.cursor().execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        time.sleep(0.2)
        connection.commit()

    monkeypatch.setattr(etl, "transaction", partial(commit_by, end_session))
    assert etl.main(["--config", str(case.config)]) == 1
    assert capsys.readouterr().err in (
        f"etl: {cause} The load was not committed: run etl.py --config {case.config} again.\n"
        for cause in (
            "terminating connection due to administrator command.", "The server closed the connection unexpectedly."
        )
    )  # fmt: skip
    assert case.tables() == {table: [] for table in STAR}


@pytest.mark.parametrize("committed", [True, False])
def test_ctrl_c_at_the_commit(case, monkeypatch, capsys, caplog, committed):
    case.write([event()])

    def interrupt(connection):
        """Ctrl-C before or after the commit."""
        if committed:
            connection.commit()
        raise KeyboardInterrupt

    monkeypatch.setattr(etl, "transaction", partial(commit_by, interrupt))
    assert etl.main(["--config", str(case.config)]) == (0 if committed else 1)
    assert ("Interrupted, but the load was complete." in caplog.text) == committed
    again = f"run etl.py --config {case.config} again"
    told = "" if committed else f"etl: interrupted. The star schema is as it was; {again}.\n"
    assert capsys.readouterr().err == told
    assert len(case.execute(PLAYS)) == committed


@contextmanager
def commit_by(commit, connection):
    """A transaction that ends with a call of `commit`."""
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    commit(connection)

"""Two loads at once, and readers meanwhile."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

import etl
from infra import warehouse
from tests.fixtures.etl import STAR, TS, Case, answers_of, at, event, song
from tests.fixtures.warehouse import ROOT

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


def test_a_second_load_waits_for_the_first(case, onlooker):
    case.write([event(), event(userId="2")])
    cursor = case.connection.cursor()
    cursor.execute("LOCK staging_events, staging_songs")  # as the first load does
    with start(case.config) as second:
        wait_for_waiting(onlooker)
        assert second.poll() is None
        case.connection.rollback()
        assert second.wait(60) == 0, second.stderr.read()
    assert case.execute(PLAYS) == [(1, "S1"), (2, "S1")]


def test_two_loads_of_the_same_logs_double_nothing(case, onlooker):
    case.write([event(userId=str(user), sessionId=session) for user in range(1, 6) for session in range(5)])
    cursor = case.connection.cursor()
    cursor.execute("LOCK staging_events, staging_songs")
    with start(case.config) as one, start(case.config) as two:
        wait_for_waiting(onlooker, sessions=2)
        case.connection.rollback()
        ends = sorted((load.communicate(timeout=60)[1], load.returncode) for load in (one, two))
    replaced = "etl: Another load replaced the staging tables before this one could use them. Run again.\n"
    assert ends in ([("", 0), ("", 0)], [("", 0), (replaced, 1)])
    assert case.execute("SELECT user_id, session_id FROM songplays") == [(u, s) for u in range(1, 6) for s in range(5)]
    assert [row[0] for row in case.tables()["users"]] == [1, 2, 3, 4, 5]


def test_a_load_whose_staging_was_replaced_says_run_again_and_loses_nothing(case, other, monkeypatch, capsys):
    case.write([event()])
    transform = etl.insert_tables

    def after_the_other(connection, load_id):
        """The other load runs from beginning to end between the two halves of this one."""
        monkeypatch.setattr(etl, "insert_tables", transform)
        assert etl.main(["--config", str(other), "--quiet"]) == 0
        transform(connection, load_id)

    monkeypatch.setattr(etl, "insert_tables", after_the_other)
    assert etl.main(["--config", str(case.config)]) == 1
    assert capsys.readouterr().err == (
        "etl: Another load replaced the staging tables before this one could use them. Run again.\n"
    )
    assert case.execute(PLAYS) == [(2, "S1")]
    assert etl.main(["--config", str(case.config), "--quiet"]) == 0
    assert case.execute(PLAYS) == [(1, "S1"), (2, "S1")]


def test_a_load_whose_rows_another_staged_over_in_part_notices_it(case, other):
    """The other load stands between its halves when this one wants to go on; it goes on itself."""
    case.write([event()])
    with closing(warehouse.connect(case.settings)) as second:
        case_two = etl.load_settings(other)
        etl.load_staging_tables(case.connection, case.settings, 0, "one")
        etl.load_staging_tables(second, case_two, 0, "two")
        with pytest.raises(etl.LoadError, match="Another load replaced the staging tables"):
            etl.insert_tables(case.connection, "one")
        assert case.tables() == {table: [] for table in STAR}
        etl.insert_tables(second, "two")
    assert case.execute(PLAYS) == [(2, "S1")]


def test_a_failed_load_of_another_does_not_disturb(case, other):
    case.write([event()])
    with closing(warehouse.connect(case.settings)) as second:
        etl.load_staging_tables(case.connection, case.settings, 0, "one")
        case.write_text("other_logs/bad.json", "{oops}")
        with pytest.raises(etl.LoadError, match="rejected"):
            etl.load_staging_tables(second, etl.load_settings(other), 0, "two")
        etl.insert_tables(case.connection, "one")
    assert case.execute(PLAYS) == [(1, "S1")]


def test_readers_are_not_locked_out_while_a_load_is_in_its_transaction(case, onlooker, monkeypatch):
    case.load([event()], [song()])
    before, answers = case.tables(), answers_of(case.config)
    case.write([event(userId="2", ts=TS + 1)], [song(title="New"), song(song_id="S2")])
    case.stage()
    seen, answered = {}, {}
    check = etl.check_quality

    def read_meanwhile(connection):
        """Everything is done and not committed: an analyst reads all tables, and may wait for no lock."""
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
        check(connection)

    monkeypatch.setattr(etl, "check_quality", read_meanwhile)
    case.transform()
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


def test_a_lost_connection_is_told_as_such(case, onlooker):
    case.load([event()])
    before = case.everything()
    with closing(warehouse.connect(case.settings)) as second:
        cursor = onlooker.cursor()
        cursor.execute("SELECT pg_terminate_backend(%s)", (second.info.backend_pid,))
        with pytest.raises((etl.LoadError, psycopg2.Error), match="terminat|closed the connection unexpectedly"):
            etl.insert_tables(second, None)
    assert case.everything() == before

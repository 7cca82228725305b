"""Redshift Serverless: the nodes' system tables are closed, missing or empty, and the others tell of a COPY."""

import threading
from collections import Counter
from contextlib import closing

import pytest
from psycopg2.extensions import cursor as PlainCursor

import etl
from infra import progress, warehouse
from infra.errors import LoadError, RejectedRecordsError
from infra.load import copy_monitor
from infra.load.copy_monitor import CopyMonitor, LoadRun, Views
from sql_queries import stl_load_errors_select, stv_load_state_select, sys_load_history_select
from tests.fixtures.copying import stop_before_the_third_batch
from tests.fixtures.etl import event

pytestmark = pytest.mark.long

# What a session may not read of the embedded warehouse's system tables.
KINDS = {
    "closed": """
        CREATE ROLE serverless; GRANT USAGE ON SCHEMA redshift TO serverless;
        GRANT SELECT ON redshift.sys_load_history, redshift.sys_load_error_detail TO serverless; SET ROLE serverless
    """,
    "missing": """
        CREATE SCHEMA serverless;
        CREATE FUNCTION serverless.errors() RETURNS SETOF redshift.stl_load_errors LANGUAGE plpgsql AS
            'BEGIN RAISE undefined_table USING MESSAGE = ''relation "stl_load_errors" does not exist''; END';
        CREATE FUNCTION serverless.state() RETURNS SETOF redshift.stv_load_state LANGUAGE plpgsql AS
            'BEGIN RAISE undefined_table USING MESSAGE = ''relation "stv_load_state" does not exist''; END';
        CREATE VIEW serverless.stl_load_errors AS SELECT * FROM serverless.errors();
        CREATE VIEW serverless.stv_load_state AS SELECT * FROM serverless.state();
        SET search_path = public, serverless, redshift, pg_catalog
    """,
    "empty": """
        CREATE SCHEMA serverless;
        CREATE TABLE serverless.stl_load_errors (LIKE redshift.stl_load_errors);
        CREATE TABLE serverless.stv_load_state (LIKE redshift.stv_load_state);
        SET search_path = public, serverless, redshift, pg_catalog
    """,
}
CLEAN = "RESET ROLE; DROP SCHEMA IF EXISTS serverless CASCADE"
CLEAN_ROLE = "DROP OWNED BY serverless; DROP ROLE serverless"


@pytest.fixture(params=KINDS)
def observer(case, request):
    """A session that sees what one sees on Serverless."""
    with closing(warehouse.connect(case.settings)) as other:
        other.autocommit = True
        with closing(other.open_another()) as plain:
            plain.autocommit = True
            definitions, _, mine = KINDS[request.param].strip().rpartition(";")
            plain.cursor().execute(definitions)
            other.cursor(cursor_factory=PlainCursor).execute(mine)
            yield other
            plain.cursor().execute(CLEAN)
            if request.param == "closed":
                plain.cursor().execute(CLEAN_ROLE)


@pytest.fixture
def asked(monkeypatch) -> Counter:
    """How often each statement was asked of the views."""
    counted: Counter = Counter()
    execute = copy_monitor.execute

    def count(connection, query, *arguments):
        """Count it, and ask."""
        counted[query] += 1
        return execute(connection, query, *arguments)

    monkeypatch.setattr(copy_monitor, "execute", count)
    return counted


def test_rejected_records_are_told(case, observer):
    case.load([event()])
    before = case.everything()
    file = case.write_text("log_data/log.json", '{"page": "Home", "ts": 1}\n{"itemInSession": "x"}')
    with pytest.raises(RejectedRecordsError) as raised:
        etl.load(LoadRun(case.connection, observer, case.settings), everything=True)
    first, record, _ = str(raised.value).splitlines()
    assert first == "staging_events: COPY: rejected records:"
    assert record.startswith(f"{file}, line 2, column item_in_session: ")
    assert record.endswith("(error 1207)")
    assert case.everything() == before


def test_rejected_records_are_counted_and_left_out(case, observer, asked, caplog, request):
    case.write([])
    case.write_text("log_data/log.json", '{"ts": 1, "page": "Home"}\n{"itemInSession": "x"}\n{oops}')
    result = etl.load(LoadRun(case.connection, observer, case.settings, max_errors=5), everything=True)
    assert (result.staged_events, result.rejected) == (1, 2)
    assert caplog.text.count("rejected and left out") == 2
    assert asked[stl_load_errors_select] == (6 if "empty" in request.node.name else 1)  # before and after three COPYs


def test_progress_is_told_and_a_view_that_cannot_be_read_is_asked_once(case, observer, asked, monkeypatch, request):
    case.write({f"{number}.json": [event()] for number in range(4)})
    waiting, goes_on = stop_before_the_third_batch(monkeypatch)
    query = "COPY staging_events FROM %s IAM_ROLE default FORMAT JSON %s TIMEFORMAT 'epochmillisecs'"
    cursor, settings = case.connection.cursor(), case.settings
    thread = threading.Thread(target=cursor.execute, args=(query, (settings.log_data, settings.log_jsonpath)))
    monitor = CopyMonitor(Views(observer), case.connection.info.backend_pid)
    step = progress.Step("COPY")
    thread.start()
    try:
        assert waiting.wait(30)
        for _ in range(4):
            monitor.look(step)
    finally:
        goes_on.set()
        thread.join(30)
    case.connection.rollback()
    assert step.detail.endswith("/4 files")
    assert step.total == sum(file.stat().st_size for file in (case.data / "log_data").iterdir()) / 1e6
    assert asked[sys_load_history_select] == 4
    assert asked[stv_load_state_select] == (4 if "empty" in request.node.name else 1)


@pytest.mark.parametrize(
    ("number", "detail", "advice"),
    [
        ("1018", "Relation does not exist.", ""),
        ("1020", "Could not open relation with OID 108325.", ""),
        (
            "1023",
            "Serializable isolation violation on table - 108325, transactions forming the cycle are: 1, 2 (pid:3)",
            " Another load changed the same rows: run again.",
        ),
    ],
)
def test_detail_is_told_where_the_message_is_a_number(case, onlooker, capsys, number, detail, advice):
    onlooker.cursor().execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = "
        f"'{number}', DETAIL = '{detail}'; END $$; CREATE TRIGGER fail BEFORE INSERT ON users EXECUTE FUNCTION fail()"
    )
    try:
        case.write([event()])
        assert etl.main(["--config", str(case.config)]) == 1
    finally:
        onlooker.cursor().execute("DROP FUNCTION fail() CASCADE")
    assert capsys.readouterr().err == f"etl: users: add new ones: {detail.rstrip('.')} (error {number}).{advice}\n"


def test_a_number_without_detail_is_told_as_it_is(case, onlooker):
    onlooker.cursor().execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '1018'; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON users EXECUTE FUNCTION fail()"
    )
    try:
        with pytest.raises(LoadError, match=r"^users: add new ones: error 1018\.$"):
            case.load([event()])
    finally:
        onlooker.cursor().execute("DROP FUNCTION fail() CASCADE")

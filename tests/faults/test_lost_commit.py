"""The connection is lost at a commit: exit code and sentence are true, whatever became of it."""

import pytest

import create_tables
import etl
from infra.load import outcome, source_files
from infra.local import supervisor
from tests.fixtures.etl import STAR, TABLES, event
from tests.fixtures.faults import CommitProxy

pytestmark = pytest.mark.long

PLAYS = "SELECT user_id, song_id FROM songplays"
LOST = "The server closed the connection unexpectedly."
UNKNOWN = (
    " The answer to the commit was lost, and nobody can say whether it is complete. "
    "Run the same again: it repeats safely.\n"
)
SLOW_COMMIT = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION dawdle()
"""


@pytest.fixture(params=["ledger", "no ledger"])
def ready(case, monkeypatch, request):
    """A case with a play to load; without a ledger as on a cluster whose dwh.cfg has no [S3] WORK."""
    if request.param == "no ledger":
        monkeypatch.setattr(source_files, "work_place", lambda settings: "")
    case.write([event()])
    return case


@pytest.fixture
def cut(monkeypatch, warehouse_path):
    """`cut(lost, comes_back)` puts a CommitProxy before the warehouse."""
    proxies = []

    def put(lost: str, comes_back: bool = True) -> None:
        """Let every new connection go through it."""
        acquire = supervisor.acquire
        proxies.append(CommitProxy(acquire(warehouse_path)["port"], lost, comes_back))
        monkeypatch.setattr(supervisor, "acquire", lambda path: {**acquire(path), "port": proxies[0].port})
        monkeypatch.setattr(outcome, "PAUSE", 0.1)

    yield put
    assert [proxy.done for proxy in proxies] == [True]
    proxies[0].close()


def test_the_answer_is_lost(ready, cut, caplog, capsys):
    cut("answer")
    assert etl.main(["--config", str(ready.config)]) == 0
    assert "The load is complete. Then the connection was lost: " in caplog.text
    assert capsys.readouterr().err == ""
    assert ready.execute(PLAYS) == [(1, "S1")]


def test_the_request_is_lost(ready, cut, capsys):
    cut("request")
    assert etl.main(["--config", str(ready.config)]) == 1
    again = f"run etl.py --config {ready.config} again"
    assert capsys.readouterr().err == f"etl: {LOST} The load was not committed: {again}.\n"
    assert ready.tables() == {table: [] for table in STAR}


def test_the_warehouse_is_still_committing_when_it_is_asked(ready, onlooker, cut, caplog):
    onlooker.cursor().execute(SLOW_COMMIT)
    try:
        cut("sent")
        assert etl.main(["--config", str(ready.config)]) == 0
    finally:
        onlooker.cursor().execute("DROP FUNCTION dawdle() CASCADE")
    assert "The load is complete." in caplog.text
    assert ready.execute(PLAYS) == [(1, "S1")]


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_nobody_can_be_asked(ready, cut, capsys, monkeypatch, lost):
    """It says that it does not know; run again, it is complete in either case."""
    monkeypatch.setattr(outcome, "PATIENCE", 0.5)
    cut(lost, comes_back=False)
    assert etl.main(["--config", str(ready.config)]) == 1
    assert capsys.readouterr().err.endswith(f"etl: {LOST}{UNKNOWN}")  # a notice of a server that starts may precede
    assert len(ready.execute(PLAYS)) == (lost == "answer")
    monkeypatch.undo()
    assert etl.main(["--config", str(ready.config), "--quiet"]) == 0
    assert ready.execute(PLAYS) == [(1, "S1")]


def test_ctrl_c_while_it_asks(ready, cut, capsys, monkeypatch):
    def interrupt(run):
        """Ctrl-C."""
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "_ask", interrupt)
    cut("answer")
    assert etl.main(["--config", str(ready.config)]) == 1
    assert capsys.readouterr().err.endswith(f"etl: {LOST}{UNKNOWN}")  # a notice of a server that starts may precede


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_create_tables_does_not_say_that_nothing_was_changed(case, cut, capsys, monkeypatch, lost):
    case.load([event()])
    monkeypatch.setattr("tests.fixtures.faults.COMMITTING", b"DROP TABLE IF EXISTS loaded_files")
    cut(lost)
    assert create_tables.main(["--config", str(case.config)]) == 1
    assert capsys.readouterr().err == f"create_tables: {LOST}{UNKNOWN}"
    case.connection.rollback()
    assert (case.everything() == {table: [] for table in TABLES}) == (lost == "answer")


def test_ctrl_c_as_create_tables_commits(case, capsys, monkeypatch):
    class Committing:
        """A connection at whose commit Ctrl-C is noticed, after it."""

        def __init__(self, connection):
            """The real connection."""
            self.real = connection

        def commit(self):
            """Commit, then Ctrl-C."""
            self.real.commit()
            raise KeyboardInterrupt

        def __getattr__(self, name):
            """Everything else is the real one's."""
            return getattr(self.real, name)

    case.load([event()])
    change = create_tables.change
    monkeypatch.setattr(create_tables, "change", lambda connection: change(Committing(connection)))
    assert create_tables.main(["--config", str(case.config)]) == 1
    assert capsys.readouterr().err == "create_tables: interrupted, but what was under way is complete.\n"
    assert case.everything() == {table: [] for table in TABLES}

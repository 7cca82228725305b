"""Run a COPY: fast where the data are clean, exactly where they are not.

A batch of objects is shredded by DuckDB into text columns, checked there for what PostgreSQL would read more kindly
than Redshift, and typed by PostgreSQL's own COPY; the next batch is shredded meanwhile. A batch that either of them
rejects is read again object by object (exact_path.py), which finds each fault and loads the rest.
"""

import io
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import cursor as PlainCursor

from infra.config import Settings
from infra.errors import CopyError
from infra.local.copy_command.batches import Batch
from infra.local.copy_command.batches import batches as read_batches
from infra.local.copy_command.exact_path import Record, Rejected, convert, find, members, plain, records
from infra.local.copy_command.fast_path import Shredder, is_simple, quote_name
from infra.local.copy_command.files import find as find_files
from infra.local.copy_command.load_log import Journal
from infra.local.copy_command.plan import Plan, make_plan
from infra.local.copy_command.statement import parse

SHREDDERS = 2  # threads; DuckDB gives up Python's lock while it works


def run(connection: psycopg2.extensions.connection, text: str) -> None:
    """Run a COPY statement on a stand-in connection, in its transaction.

    Raises CopyError for a fault of the statement or its source and for more rejected records than MAXERROR allows;
    what was rejected is in stl_load_errors then.
    """
    statement = parse(text)
    with connection.cursor(cursor_factory=PlainCursor) as cursor, _transaction(cursor):
        plan = make_plan(cursor, statement, connection.settings)
        cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {statement.table})")
        analyze = cursor.fetchone()[0] if statement.analyze is None else statement.analyze
        files = find_files(statement, connection.settings)
        with closing(Journal(connection, plan.table, files)) as journal:
            rows = _load(cursor, plan, files, journal, connection.settings)
            journal.loaded(rows)
            for name, value in (("last_copy_count", rows), ("last_copy_id", journal.query)):
                cursor.execute(f"SET redshift.{name} = '{value}'")
        if analyze:
            cursor.execute(f"ANALYZE {statement.table}")


@contextmanager
def _transaction(cursor: PlainCursor) -> Iterator[None]:
    """The transaction that is open, or one for this COPY alone where the connection commits by itself."""
    connection = cursor.connection
    if not connection.autocommit or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        yield
        return
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def _load(cursor: PlainCursor, plan: Plan, files: list, journal: Journal, settings: Settings) -> int:
    """Load every file and return the rows loaded. Raises CopyError if more records are rejected than allowed."""
    folder = settings.local_path / "tmp"
    folder.mkdir(exist_ok=True)
    loader = Loader(cursor, plan, journal)
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        closing(read_batches(files, plan.statement, journal.progress, is_simple(plan))) as batches,
        ThreadPoolExecutor(SHREDDERS) as pool,
    ):
        shredder = Shredder(plan, batches, Path(scratch))
        ahead = deque(pool.submit(shredder.next) for _ in range(SHREDDERS))
        while shredded := ahead.popleft().result():
            ahead.append(pool.submit(shredder.next))
            batch, csv = shredded
            if loader.load_fast(csv):
                continue
            if batch.whole is None:
                loader.load_exact(batch)
                continue
            for piece in read_batches([batch.whole], plan.statement, lambda *_: None, in_place=False):
                if not loader.load_fast(pool.submit(shredder.shred, piece).result()):
                    loader.load_exact(piece)
    return loader.rows


class Loader:
    """Gives batches to PostgreSQL's own COPY and counts what it took."""

    def __init__(self, cursor: PlainCursor, plan: Plan, journal: Journal):
        """Start with no rows loaded and none rejected."""
        self._cursor, self._plan, self._journal = cursor, plan, journal
        self.rows = self.rejected = 0
        names = ", ".join(quote_name(column.name) for column in plan.columns)
        self._target = f"COPY {plan.statement.table} ({names}) FROM STDIN (FORMAT csv)"

    def load_fast(self, csv: Path | None) -> bool:
        """Load what DuckDB made of a batch; False if it could not, or PostgreSQL rejects a value."""
        if csv is None:
            return False
        self._cursor.execute("SAVEPOINT fast")
        try:
            with open(csv, "rb") as file:
                self._cursor.copy_expert(self._target, file, size=1 << 18)
            rows = self._cursor.rowcount
        except (psycopg2.DataError, psycopg2.IntegrityError):
            self._cursor.execute("ROLLBACK TO fast")
            return False
        finally:
            csv.unlink()
        self._cursor.execute("RELEASE fast")
        self.rows += rows
        return True

    def load_exact(self, batch: Batch) -> None:
        """Load a batch object by object; what is rejected goes to the journal. Raises CopyError at one too many."""
        lines = []
        for segment in batch.segments:
            for record in records(segment, self._plan.statement.replacement):
                try:
                    lines.append(_row(record, self._plan))
                except Rejected as fault:
                    self._reject(record, fault)
        self._cursor.copy_expert(self._target, io.StringIO("".join(lines)))
        self.rows += len(lines)

    def _reject(self, record: Record, fault: Rejected) -> None:
        """Note a rejected record. Raises CopyError if MAXERROR allows no more."""
        self._journal.note(record, fault)
        self.rejected += 1
        if self.rejected >= max(1, self._plan.statement.max_errors):  # MAXERROR N fails at the Nth error
            table = self._plan.statement.table.replace('"', "")
            raise CopyError(f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details.")


def _row(record: Record, plan: Plan) -> str:
    """A record's line of CSV, in which NULL is nothing and a text is quoted. Raises Rejected."""
    if record.fault:
        raise record.fault
    is_object = record.text[0] == "{"
    if not is_object and all(isinstance(path[0], str) for path in plan.paths):
        raise Rejected(1216, "Invalid JSON: an array at the root needs a jsonpaths file with $[0]")
    wanted = {str(path[0]) for path in plan.paths if isinstance(path[0], str) == is_object}
    found = members(record.text, wanted, plan.ignore_case)
    fields = []
    for path, column in zip(plan.paths, plan.columns, strict=True):
        value = found.get(str(path[0])) if isinstance(path[0], str) == is_object else None
        value = find(value, path[1:]) if value is not None else None
        text = convert(plain(value), column, plan.statement)
        fields.append("" if text is None else '"' + text.replace('"', '""') + '"')
    return ",".join(fields) + "\n"

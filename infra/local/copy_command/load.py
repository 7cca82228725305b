"""Run a COPY: fast where the data are clean, exactly where they are not.

DuckDB takes a batch of objects apart into text columns and checks there what PostgreSQL would read more kindly than
Redshift; PostgreSQL's own COPY types them. The next batches are taken apart meanwhile. A batch that either of them
rejects is read again object by object (exact_path.py), which finds each fault and loads the rest.
"""

import io
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import cursor as PlainCursor

from infra.errors import CopyError, Interrupted, SourceError
from infra.local.copy_command.batches import BatchReader
from infra.local.copy_command.exact_path import make_line, read_records
from infra.local.copy_command.fast_path import CsvMaker, is_simple
from infra.local.copy_command.file_list import FileList, file_list
from infra.local.copy_command.files import Source
from infra.local.copy_command.load_log import LoadLog
from infra.local.copy_command.model import Batch, Plan, Record, RecordError, WarehouseConnection, quote_name
from infra.local.copy_command.plan import make_plan
from infra.local.copy_command.statement import parse

WORKERS = 2  # threads that make CSV while PostgreSQL loads what they made; more take more memory


def run(connection: WarehouseConnection, text: str) -> None:
    """Run a COPY statement on a connection to the embedded warehouse, in its transaction.

    Raises CopyError for a fault of the statement or its source and for more rejected records than MAXERROR allows;
    what was rejected is in stl_load_errors then. Whatever stops a COPY, its transaction can only be rolled back.
    """
    statement = parse(text)
    connection.cancelled.clear()
    with connection.cursor(cursor_factory=PlainCursor) as cursor, _transaction(connection, cursor):
        source = Source(statement, connection.settings, connection.cancelled)
        plan = make_plan(cursor, statement, source)
        cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {statement.table.sql})")
        [(is_empty,)] = cursor.fetchall()
        scratch = connection.settings.local_path / "tmp"
        scratch.mkdir(exist_ok=True)
        with file_list(source.find(), scratch) as files, closing(LoadLog(connection, plan.table, files)) as log:
            loader = Loader(cursor, plan, log)
            loader.load(source, files, scratch)
            log.loaded(loader.rows)
            for name, value in (("last_copy_count", loader.rows), ("last_copy_id", log.query)):
                cursor.execute("SELECT set_config(%s, %s, false)", (f"redshift.{name}", str(value)))
        if is_empty if statement.analyze is None else statement.analyze:
            cursor.execute(f"ANALYZE {statement.table.sql}")


@contextmanager
def _transaction(connection: WarehouseConnection, cursor: PlainCursor) -> Iterator[None]:
    """The transaction that is open, or one for this COPY alone where the connection commits by itself.

    Ctrl-C, which can come between two commands of a COPY, aborts it: a part of a load must not be committed.
    """
    own = connection.autocommit and connection.info.transaction_status == TRANSACTION_STATUS_IDLE
    if own:
        cursor.execute("BEGIN")
    try:
        yield
    except BaseException as error:
        if own:
            cursor.execute("ROLLBACK")
        elif isinstance(error, KeyboardInterrupt):
            with suppress(psycopg2.Error):
                cursor.execute("DO $$ BEGIN RAISE query_canceled; END $$")
        if isinstance(error, SourceError):
            raise CopyError(f"S3ServiceException: {error}") from None
        if isinstance(error, Interrupted):
            raise CopyError("canceling statement due to user request") from None
        raise
    if own:
        cursor.execute("COMMIT")


class Loader:
    """Gives batches to PostgreSQL's own COPY and counts what it took."""

    def __init__(self, cursor: PlainCursor, plan: Plan, log: LoadLog):
        """Start with no rows loaded and none rejected."""
        self._cursor, self._plan, self._log = cursor, plan, log
        self.rows = self.rejected = 0
        names = ", ".join(quote_name(column.name) for column in plan.columns)
        self._target = f"COPY {plan.statement.table.sql} ({names}) FROM STDIN (FORMAT csv)"

    def load(self, source: Source, files: FileList, folder: Path) -> None:
        """Load every file, by way of others in `folder`. Raises CopyError if more records are rejected than allowed."""
        statement = self._plan.statement
        with (
            tempfile.TemporaryDirectory(dir=folder) as scratch,
            closing(BatchReader(source, statement, is_simple(self._plan)).read(files, self._log.progress)) as batches,
            ThreadPoolExecutor(WORKERS) as pool,
        ):
            maker = CsvMaker(self._plan, batches, Path(scratch))
            ahead = deque(pool.submit(maker.next) for _ in range(WORKERS + 1))
            while ahead:
                made = ahead.popleft().result()
                if made is None:  # the last batch may have gone to one of those behind
                    continue
                ahead.append(pool.submit(maker.next))
                batch, csv = made
                if self.load_fast(csv):
                    continue
                if not batch.files:
                    self.load_exact(batch)
                    continue
                for piece in BatchReader(source, statement, in_place=False).read(batch.files, lambda *_: None):
                    if not self.load_fast(pool.submit(maker.to_csv, piece).result()):
                        self.load_exact(piece)

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
        """Load a batch object by object; what is rejected goes to the log. Raises CopyError at one too many."""
        lines = []
        for segment in batch.segments:
            for record in read_records(segment, self._plan.statement.replacement):
                try:
                    lines.append(make_line(record, self._plan))
                except RecordError as fault:
                    self._reject(record, fault)
        self._cursor.copy_expert(self._target, io.StringIO("".join(lines)))
        self.rows += len(lines)

    def _reject(self, record: Record, fault: RecordError) -> None:
        """Note a rejected record. Raises CopyError if MAXERROR allows no more."""
        self._log.note(record, fault)
        self.rejected += 1
        if self.rejected >= max(1, self._plan.statement.max_errors):  # MAXERROR N fails at the Nth error
            table = self._plan.statement.table
            raise CopyError(f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details.")

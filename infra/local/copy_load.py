"""Run a COPY: fast where the data are clean, exactly where they are not.

A batch of objects is shredded by DuckDB into text columns, checked there for what PostgreSQL would read more kindly
than Redshift, and typed by PostgreSQL's own COPY; the next batch is shredded meanwhile. A batch that either of them
rejects is read again object by object (copy_values.py), which finds each fault and loads the rest.
"""

import io
import itertools
import json
import re
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import psycopg2
from psycopg2.extensions import cursor as PlainCursor

from infra.local import copy_files, copy_statement, copy_values
from infra.local.copy_files import Batch
from infra.local.copy_statement import CopyError, CopyStatement
from infra.local.copy_values import Column, Record, Rejected

Path_ = list[str | int]  # a jsonpath: keys and array positions
SHREDDERS = 2  # threads; DuckDB gives up Python's lock while it works
_SPACE = b" \t\r\n"
_TRAILING_COMMA = re.compile(rb",\s*[}\]]")
_STEP = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]|\.([A-Za-z_][A-Za-z0-9_]*)""")


@dataclass(frozen=True)
class Plan:
    """What to load where: the table, its columns, and the path of each column's value in an object."""

    statement: CopyStatement
    columns: list[Column]
    paths: list[Path_]
    ignore_case: bool

    @property
    def is_simple(self) -> bool:
        """Whether DuckDB and PostgreSQL can load clean data of this plan without help."""
        keys = [path[0].lower() if len(path) == 1 and isinstance(path[0], str) else "" for path in self.paths]
        options = self.statement
        changes_values = options.empty_as_null or options.blanks_as_null or self.ignore_case
        return all(keys) and not changes_values and all(_shred_as(column, options) for column in self.columns) and (
            len({path[0] for path in self.paths}) == len(set(keys))  # DuckDB's names ignore case
        )  # fmt: skip


def run(connection: psycopg2.extensions.connection, text: str) -> None:
    """Run a COPY statement on a stand-in connection, in its transaction.

    Raises CopyError for a fault of the statement or its source and for more rejected records than MAXERROR allows;
    what was rejected is in stl_load_errors then.
    """
    statement = copy_statement.parse(text)
    with connection.cursor(cursor_factory=PlainCursor) as cursor:
        plan = _plan(cursor, statement, connection.settings)
        cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {statement.table})")
        analyze = cursor.fetchone()[0] if statement.analyze is None else statement.analyze
        files = copy_files.find(statement, connection.settings)
        with closing(Journal(connection, statement.table, files)) as journal:
            rows = _load(cursor, plan, files, journal, connection.settings)
            for name, value in (("last_copy_count", rows), ("last_copy_id", journal.query)):
                cursor.execute(f"SET redshift.{name} = '{value}'")
        if analyze:
            cursor.execute(f"ANALYZE {statement.table}")


def _plan(cursor: PlainCursor, statement: CopyStatement, settings) -> Plan:
    """Look the columns up in the catalog and match them with paths. Raises CopyError."""
    cursor.execute(
        """SELECT attname, format_type(atttypid, NULL), atttypmod, attnotnull, attidentity <> ''
        FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (statement.table,),
    )
    known: dict[str, Column] = {}
    for name, kind, modifier, not_null, identity in cursor.fetchall():
        if identity and statement.columns is None:
            continue
        length, scale = modifier - 4, None
        if kind == "numeric":
            length, scale = (18, 0) if modifier < 0 else (length >> 16, length & 0xFFFF)
        known[name] = Column(name, kind, length, scale, not_null)
    for name in statement.columns or ():
        if name not in known:
            raise CopyError(f'column "{name}" of relation {statement.table} does not exist')
    columns = [known[name] for name in statement.columns or known]
    for column in columns:
        if column.kind not in copy_values.KINDS:
            raise CopyError(f"The stand-in does not cover COPY into {column.name}, a column of type {column.kind}")
    if statement.json in ("auto", "auto ignorecase"):
        paths = [[column.name] for column in columns]
        return Plan(statement, columns, paths, statement.json != "auto")
    paths = _jsonpaths(statement, settings)
    if paths is None:  # any other key than jsonpaths silently means auto
        return Plan(statement, columns, [[column.name] for column in columns], False)
    if len(paths) != len(columns):
        raise CopyError(
            f"Number of jsonpaths and the number of columns should match. {statement.json} has {len(paths)} paths, "
            f"{statement.table} has {len(columns)} columns to load."
        )
    return Plan(statement, columns, paths, False)


def _jsonpaths(statement: CopyStatement, settings) -> list[Path_] | None:
    """The paths of a jsonpaths file, None where its key has another name. Raises CopyError."""
    where = statement.json
    try:
        content = json.loads(copy_files.read(where, statement, settings))
    except ValueError as error:
        raise CopyError(f"Invalid jsonpaths file {where}: {error}") from None
    if not (isinstance(content, dict) and len(content) == 1):
        raise CopyError(f"Invalid jsonpaths file {where}: it must be one object with the single key jsonpaths")
    if "jsonpaths" not in content:
        return None
    if not isinstance(content["jsonpaths"], list):
        raise CopyError(f"Invalid jsonpaths file {where}: jsonpaths must be an array of paths")
    return [_jsonpath(path, where) for path in content["jsonpaths"]]


def _jsonpath(path: object, where: str) -> Path_:
    """The steps of one path in bracket or dot notation. Raises CopyError."""
    steps: Path_ = []
    text = path if isinstance(path, str) else ""
    at, notations = 1, set()
    while text.startswith("$") and at < len(text) and (match := _STEP.match(text, at)):
        single, double, position, dotted = match.groups()
        steps.append(int(position) if position else next(s for s in (single, double, dotted) if s is not None))
        if not position:
            notations.add(dotted is None)
        at = match.end()
    if not steps or at < len(text) or len(notations) > 1:
        raise CopyError(f"Invalid JSONPath format in {where}: {path!r}; write $['key'] or $.key, not both, no wildcard")
    return steps


def _load(cursor: PlainCursor, plan: Plan, files: list, journal: "Journal", settings) -> int:
    """Load every file and return the rows loaded. Raises CopyError if more records are rejected than allowed."""
    folder = settings.local_path / "tmp"
    folder.mkdir(exist_ok=True)
    loader = Loader(cursor, plan, journal)
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        closing(duckdb.connect(config={"threads": 1, "memory_limit": "200MB"})) as duck,
        ThreadPoolExecutor(SHREDDERS) as pool,
    ):
        batches = copy_files.batches(files, plan.statement, journal.progress, plan.is_simple)
        shredder = Shredder(plan, batches, Path(scratch), duck)
        ahead = deque(pool.submit(shredder.next) for _ in range(SHREDDERS))
        while shredded := ahead.popleft().result():
            ahead.append(pool.submit(shredder.next))
            batch, csv = shredded
            if loader.load_fast(csv):
                continue
            if batch.whole is None:
                loader.load_exact(batch)
                continue
            for piece in copy_files.batches([batch.whole], plan.statement, lambda *_: None, in_place=False):
                if not loader.load_fast(shredder.shred(piece)):
                    loader.load_exact(piece)
    return loader.rows


class Loader:
    """Gives batches to PostgreSQL's own COPY and counts what it took."""

    def __init__(self, cursor: PlainCursor, plan: Plan, journal: "Journal"):
        """Start with no rows loaded and none rejected."""
        self._cursor, self._plan, self._journal = cursor, plan, journal
        self.rows = self.rejected = 0
        names = ", ".join(_name(column.name) for column in plan.columns)
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
            for record in copy_values.records(segment, self._plan.statement.replacement):
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
        if self.rejected > self._plan.statement.max_errors:
            table = self._plan.statement.table.replace('"', "")
            raise CopyError(f"Load into table '{table}' failed.  Check 'stl_load_errors' system table for details.")


def _row(record: Record, plan: Plan) -> str:
    """A record's line of CSV, in which NULL is nothing and a text is quoted. Raises Rejected."""
    if record.fault:
        raise record.fault
    members = copy_values.members(record.text)
    if plan.ignore_case:
        members = {key.lower(): value for key, value in members.items()}
    elif record.text[0] == "[" and all(isinstance(path[0], str) for path in plan.paths):
        raise Rejected(1216, "Invalid JSON: an array at the root needs a jsonpaths file with $[0]")
    fields = []
    for path, column in zip(plan.paths, plan.columns, strict=True):
        value = members.get(str(path[0])) if isinstance(path[0], str) == (record.text[0] == "{") else None
        value = copy_values.find(value, path[1:]) if value is not None else None
        text = copy_values.convert(copy_values.plain(value), column, plan.statement)
        fields.append("" if text is None else '"' + text.replace('"', '""') + '"')
    return ",".join(fields) + "\n"


class Shredder:
    """Turns batches of objects into CSV with DuckDB; several threads may ask for the next one."""

    def __init__(self, plan: Plan, batches: Iterator[Batch], folder: Path, duck: duckdb.DuckDBPyConnection):
        """The query is the same for every batch but for the two files."""
        self._plan, self._batches, self._folder, self._duck = plan, batches, folder, duck
        self._lock, self._numbers = threading.Lock(), itertools.count()
        keys = dict.fromkeys(str(path[0]) for path in plan.paths)
        fields = ", ".join(f"{_quote(key)}: 'VARCHAR'" for key in keys)
        pairs = zip(plan.columns, plan.paths, strict=True)
        values, odd = zip(*(_shred_as(column, plan.statement, str(path[0])) or ("", "") for column, path in pairs))
        nothing = " AND ".join(f"{_name(key)} IS NULL" for key in keys)  # null at the root, or {}
        self._query = f"""COPY (
            SELECT {", ".join(values)}
            FROM read_json($source, format = 'unstructured', columns = {{{fields}}},
                maximum_object_size = {copy_values.LARGEST_OBJECT})
            WHERE CASE WHEN ({") OR (".join((nothing, *odd))}) THEN error('odd') ELSE true END
        ) TO $csv (FORMAT csv, HEADER false)"""

    def next(self) -> tuple[Batch, Path | None] | None:
        """The next batch with its CSV, or with None where it is to be loaded exactly; None after the last batch."""
        with self._lock:
            batch = next(self._batches, None)
        return None if batch is None else (batch, self.shred(batch))

    def shred(self, batch: Batch) -> Path | None:
        """The batch as CSV, None where it looks odd or DuckDB finds what Redshift would not load as it is."""
        if not self._plan.is_simple:
            return None
        name = self._folder / f"{next(self._numbers)}"
        source, csv = name.with_suffix(".json"), name.with_suffix(".csv")
        if batch.whole:
            with batch.whole.open() as stream:
                if not _looks_sound(stream):
                    return None
        else:
            if not all(_looks_sound(io.BytesIO(segment.data)) for segment in batch.segments):
                return None
            source.write_bytes(b"\n".join(segment.data for segment in batch.segments))
        try:
            path = batch.whole.name if batch.whole else str(source)
            query = self._query.replace("$source", _quote(path), 1).replace("$csv", _quote(str(csv)), 1)
            self._duck.cursor().execute(query)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException):
            csv.unlink(missing_ok=True)
            return None
        finally:
            source.unlink(missing_ok=True)
        return csv


def _looks_sound(stream: BinaryIO) -> bool:
    """Whether a file begins and ends with a brace and has no comma before one, which DuckDB would forgive."""
    first, last, tail = b"", b"", b""
    while block := stream.read(copy_files.BLOCK):
        if _TRAILING_COMMA.search(tail + block):
            return False
        stripped = block.strip(_SPACE)
        first, last = first or stripped[:1], stripped[-1:] or last
        tail = b"," if (stripped or tail)[-1:] == b"," else b""
    return first == b"{" and last == b"}"


def _shred_as(column: Column, statement: CopyStatement, key: str = "") -> tuple[str, str] | None:
    """DuckDB's expression for a column's text, and its condition for a value that it may not read as Redshift would.

    None for a column that only the slow path can fill.
    """
    name = _name(key)
    if column.kind == "character varying":
        # A number with a fraction or an exponent may have been written otherwise, and so may an object or an array.
        number = r"-?[0-9]+([.][0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
        return name, (
            f"({name} < ':' AND {name} >= '-' AND regexp_full_match({name}, '{number}'))"
            f" OR ({name} >= '[' AND {name} < '\\' AND json_valid({name})) OR ({name} >= '{{' AND json_valid({name}))"
            f" OR {name} = 'NaN' OR {name} = 'Infinity' OR {name} = '-Infinity'"
        )
    value = f"nullif({name}, '')"
    if column.kind in copy_values.INTEGER_LIMITS:
        pattern = copy_values.INTEGER
    elif column.kind in ("real", "double precision"):
        pattern = copy_values.FLOAT
    elif column.kind == "timestamp without time zone" and statement.time_format == "epochmillisecs":
        pattern, value = copy_values.EPOCH, f"make_timestamp_ms(CAST({value} AS BIGINT))"
    else:
        return None
    return value, f"{name} <> '' AND NOT regexp_full_match({name}, '{pattern}')"


def _quote(text: str) -> str:
    """A string literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    """A quoted name for DuckDB."""
    return '"' + text.replace('"', '""') + '"'


def _printable(text: str) -> str:
    """The first 1,024 characters without what PostgreSQL cannot store."""
    return text[:1024].encode(errors="replace").decode().replace("\0", "")


class Journal:
    """What a COPY tells about itself while it runs and after it fails, over a connection of its own.

    Its rows in stl_load_errors survive the rollback; its row in stv_load_state is there while the COPY runs.
    """

    INTERVAL = 0.2  # seconds between two rows of progress at least

    def __init__(self, connection: psycopg2.extensions.connection, table: str, files: list):
        """Open the connection and announce the COPY."""
        self._connection = psycopg2.connect(**connection.reach)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._pid = connection.info.backend_pid
        self._table = table
        self._files = files
        self._last = 0.0
        self._cursor.execute("SELECT nextval('redshift.query_id')")
        self.query = self._cursor.fetchone()[0]
        total = sum(file.size for file in files)
        self._cursor.execute(
            """INSERT INTO redshift.stv_load_state VALUES
            (100, %s, %s, 0, %s, now(), %s, 0, %s, 0, 0, %s, 0, '', 0)""",
            (self._pid, self.query, self._pid, total, total, len(files)),
        )

    def progress(self, files: int, size: int) -> None:
        """Note the files and bytes read so far, now and then."""
        if time.monotonic() - self._last < self.INTERVAL:
            return
        self._last = time.monotonic()
        self._cursor.execute(
            """UPDATE redshift.stv_load_state SET recordtime = now(), num_files_complete = %s, bytes_loaded = %s,
            bytes_loaded_compressed = %s, current_file = %s, pct_complete = %s WHERE query = %s""",
            (files, size, size, self._files[files - 1].name, 100 * files // len(self._files), self.query),
        )

    def note(self, record: Record, fault: Rejected) -> None:
        """Write a rejected record to stl_load_errors."""
        column = fault.column
        kinds = {"character varying": "varchar", "character": "char", "integer": "int4", "bigint": "int8"}
        self._cursor.execute(
            """INSERT INTO redshift.stl_load_errors VALUES
            (100, 0, %s::regclass::oid, now(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                self._table, self._pid, self.query, record.file, record.line,
                column.name if column else "",
                kinds.get(column.kind, column.kind) if column else "",
                str(column.length) if column and column.length is not None and column.length > 0 else "",
                fault.position, _printable(record.text), _printable(fault.value), fault.code, fault.reason,
            ),
        )  # fmt: skip

    def close(self) -> None:
        """Take the row in stv_load_state back and close the connection."""
        self._cursor.execute("DELETE FROM redshift.stv_load_state WHERE query = %s", (self.query,))
        self._connection.close()

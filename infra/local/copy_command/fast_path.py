"""Turn clean JSON into CSV with DuckDB, and tell what is not clean enough for it."""

import io
import itertools
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb

from infra.errors import CopyError
from infra.local.copy_command import batches, exact_path, files
from infra.local.copy_command.batches import LARGEST_OBJECT, Batch
from infra.local.copy_command.exact_path import Column
from infra.local.copy_command.plan import Plan
from infra.local.copy_command.statement import CopyStatement

_SPACE = b" \t\r\n"
# What DuckDB forgives, each found by its rarest character first: that is what makes the search fast. It also forgives
# NaN, Infinity and -0, which are found in the columns that are loaded.
_SUSPECT = [re.compile(pattern) for pattern in (rb"\}(?:\{|(?<=[\s,]\}))", rb"\](?<=[\s,]\])")]
_TRAILING_COMMA_OR_TOUCHING = re.compile(rb",\s*[}\]]|\}\{")
# What DuckDB says of data; the last, or no message, where it quotes the data and cuts a character in two.
_REFUSED = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException, UnicodeDecodeError)
_WINDOW = LARGEST_OBJECT // 2  # a larger object than COPY takes fills one such block of its file at least


def is_simple(plan: Plan) -> bool:
    """Whether DuckDB and PostgreSQL can load clean data of this plan without help."""
    keys = [path[0].lower() if len(path) == 1 and isinstance(path[0], str) else "" for path in plan.paths]
    options = plan.statement
    changes_values = options.empty_as_null or options.blanks_as_null or plan.ignore_case
    return all(keys) and not changes_values and all(_shred_as(column, options) for column in plan.columns) and (
        len({path[0] for path in plan.paths}) == len(set(keys))  # DuckDB's names ignore case
    )  # fmt: skip


class Shredder:
    """Turns batches of objects into CSV with DuckDB; several threads may ask for the next one."""

    def __init__(self, plan: Plan, batches: Iterator[Batch], folder: Path):
        """All that is known at first is the plan; `_typed` are the keys whose values are read with their JSON types."""
        self._plan, self._batches, self._folder = plan, batches, folder
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._typed: set[str] = set()
        self._in_lines = True  # until a file has objects over several lines, or several on one
        self._own = threading.local()  # a database for each thread: in a shared one, they have been seen to hang

    def _query(self, source: Path, csv: Path) -> str:
        """DuckDB's statement that turns the objects in `source` into `csv`, or fails at the first odd value."""
        keys = dict.fromkeys(str(path[0]) for path in self._plan.paths)
        types = ", ".join(f"{quote_text(key)}: '{'JSON' if key in self._typed else 'VARCHAR'}'" for key in keys)
        layout = "newline_delimited" if self._in_lines else "unstructured"
        values = []
        nothing = " AND ".join(f"{quote_name(key)} IS NULL" for key in keys)  # null at the root, or {}
        odd = [f"WHEN {nothing} THEN error('odd')"]
        for column, path in zip(self._plan.columns, self._plan.paths, strict=True):
            key = str(path[0])
            value, condition = _shred_as(column, self._plan.statement, key, key in self._typed)
            values.append(value)
            odd.append(f"WHEN {condition} THEN error({quote_text(f'odd {column.name}')})")
        return f"""COPY (
            SELECT {", ".join(values)}
            FROM read_json({quote_text(str(source))}, format = '{layout}', columns = {{{types}}},
                compression = 'uncompressed', hive_partitioning = false, maximum_object_size = {LARGEST_OBJECT})
            WHERE CASE {" ".join(odd)} ELSE true END
        ) TO {quote_text(str(csv))} (FORMAT csv, HEADER false)"""

    def next(self) -> tuple[Batch, Path | None] | None:
        """The next batch with its CSV, or with None where it is to be loaded exactly; None after the last batch."""
        with self._lock:
            batch = next(self._batches, None)
        return None if batch is None else (batch, self.shred(batch))

    def shred(self, batch: Batch) -> Path | None:
        """The batch as CSV, None where it looks odd or DuckDB finds what Redshift would not load as it is."""
        if not is_simple(self._plan):
            return None
        try:
            return self._shred(batch)
        except (OSError, duckdb.IOException) as error:
            raise CopyError(files.explain(str(self._folder), error)) from None

    def _shred(self, batch: Batch) -> Path | None:
        """The same, without a word on what a full disk means."""
        name = self._folder / f"{next(self._numbers)}"
        source, csv = name.with_suffix(".json"), name.with_suffix(".csv")
        if batch.whole:
            source = Path(batch.whole.name)
            with batch.whole.open() as stream:
                sound = _looks_sound(stream)
        else:
            sound = all(_looks_sound(io.BytesIO(segment.data)) for segment in batch.segments)
            source.write_bytes(b"\n".join(segment.data for segment in batch.segments))
        try:
            while sound:
                known = (self._in_lines, len(self._typed))
                try:
                    self._duck().execute(self._query(source, csv))
                    return csv
                except _REFUSED as error:
                    csv.unlink(missing_ok=True)
                    self._learn(str(error))
                if (self._in_lines, len(self._typed)) == known:
                    break
            return None
        finally:
            if not batch.whole:
                source.unlink()

    def _duck(self) -> duckdb.DuckDBPyConnection:
        """This thread's connection."""
        if not hasattr(self._own, "duck"):
            self._own.duck = duckdb.connect(config={"threads": 1, "temp_directory": str(self._folder)})
        return self._own.duck

    def _learn(self, error: str) -> None:
        """Read the rest in another way, if that can help: a text column with JSON types, or objects across lines."""
        first = error.partition("\n")[0]
        if "odd" not in first:
            self._in_lines = False
        for column, path in zip(self._plan.columns, self._plan.paths, strict=True):
            if column.kind == "character varying" and first.endswith(f"odd {column.name}"):
                self._typed.add(str(path[0]))


def _looks_sound(stream: BinaryIO) -> bool:
    """Whether a file has nothing in it that DuckDB would forgive; a string that looks so makes it unsound, too."""
    first, last, tail = b"", b"", b""  # the tail is what a match across two blocks needs, long white space shortened
    while block := stream.read(_WINDOW):
        if len(block) == _WINDOW and not batches.BOUNDARY.search(block):
            return False
        text = tail + block
        if b"\v" in text or b"\f" in text:
            return False
        if any(pattern.search(text) for pattern in _SUSPECT) and _TRAILING_COMMA_OR_TOUCHING.search(text):
            return False
        if stripped := block.strip(_SPACE):
            first, last = first or stripped[:1], stripped[-1:]
            tail = stripped[-32:] + (b"" if block.endswith(stripped) else b" ")
    return first == b"{" and last == b"}"


def _shred_as(column: Column, statement: CopyStatement, key: str = "", typed: bool = False) -> tuple[str, str] | None:
    """DuckDB's expression for a column's text, and its condition for a value that it may not read as Redshift would.

    None for a column that only the slow path can fill. DuckDB spells numbers, objects and arrays its own way in a
    text (0.10 becomes 0.1). A text that could be one is odd, unless the column is `typed`: then one that is.
    """
    name = quote_name(key)
    if column.kind == "character varying" and typed:
        value = f"CASE WHEN starts_with({name}, '\"') THEN json_extract_string({name}, '$') ELSE {name}::VARCHAR END"
        strange = f"NOT starts_with({name}, '\"') AND NOT regexp_full_match({name}, '-?[1-9][0-9]*|true|false')"
        return value, f"({strange}) OR (strlen({name}) - 2 > {column.length} AND strlen({value}) > {column.length})"
    if column.kind == "character varying":
        number = r"-?[0-9]+([.][0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
        return name, (
            f"({name} < ':' AND {name} >= '-' AND regexp_full_match({name}, '{number}'))"
            f" OR ({name} >= '[' AND {name} < '\\' AND json_valid({name})) OR ({name} >= '{{' AND json_valid({name}))"
            f" OR {name} = '0' OR {name} = 'NaN' OR {name} = 'Infinity' OR {name} = '-Infinity'"  # '0' may be -0
            f" OR strlen({name}) > {column.length}"  # PostgreSQL would cut blanks off to make it fit
        )
    value, zero = f"nullif({name}, '')", ""
    if column.kind in exact_path.INTEGER_LIMITS:
        pattern = exact_path.INTEGER
    elif column.kind in ("real", "double precision"):
        pattern = exact_path.FLOAT
        zero = f" OR {name} IN ('0.0', '-0.0')"  # so it spells 1e-400, too, which is out of range
    elif column.kind == "timestamp without time zone" and statement.time_format == "epochmillisecs":
        pattern, value = exact_path.EPOCH, f"make_timestamp_ms(CAST({value} AS BIGINT))"
    else:
        return None
    return value, f"({name} <> '' AND NOT regexp_full_match({name}, '{pattern}')){zero}"


def quote_text(text: str) -> str:
    """A string literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(text: str) -> str:
    """A quoted name for DuckDB."""
    return '"' + text.replace('"', '""') + '"'

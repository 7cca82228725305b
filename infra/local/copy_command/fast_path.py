"""Turn clean JSON into CSV with DuckDB, and tell what is not clean enough for it."""

import io
import itertools
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import duckdb

from infra.errors import CopyError
from infra.local.copy_command import files, values
from infra.local.copy_command.batches import BOUNDARY
from infra.local.copy_command.model import DEEPEST_NESTING, LARGEST_OBJECT, Batch, Column, Plan, quote_name
from infra.local.copy_command.nesting import deepest, deepest_in_lines, is_too_deep, outlines

_SPACE = b" \t\r\n"
# What DuckDB forgives, each found by its rarest character first: that is what makes the search fast. It also forgives
# NaN, Infinity and -0, which are found in the columns that are loaded.
_SUSPECT = {end: re.compile(rb"\%b(?<=[\s,]\%b)" % (end, end)) for end in (b"}", b"]")}
_ENDS, _EDGE = re.compile(rb"\s*\{.*\}\s*\Z", re.DOTALL), 64  # of objects, and how many bytes tell it mostly
_TRAILING_COMMA = re.compile(rb",\s*[}\]]")
# What DuckDB says of data, or of memory that it lacks; the last, or no message, where it cuts a character in two.
_REFUSED = (duckdb.InvalidInputException, duckdb.DataError, duckdb.OutOfMemoryException, UnicodeDecodeError)
_WINDOW = LARGEST_OBJECT // 2  # a larger object than COPY takes fills one such block of its file at least
# A number as DuckDB writes one that it read as JSON, where that is what COPY makes of any spelling of it.
_WHOLE = "-?[1-9][0-9]*|-?[1-9][0-9]{0,14}[.]0"


def is_simple(plan: Plan) -> bool:
    """Whether DuckDB and PostgreSQL can load clean data of this plan without help."""
    options = plan.statement
    if options.empty_as_null or options.blanks_as_null or plan.ignore_case:
        return False
    keys = [path[0] if len(path) == 1 and isinstance(path[0], str) else "" for path in plan.paths]
    if not all(keys) or len({key.lower() for key in keys}) < len(set(keys)):  # DuckDB's names ignore case
        return False
    return all(_is_covered(column, options.time_format) for column in plan.columns)


class CsvMaker:
    """Turns batches of objects into CSV with DuckDB; several threads may ask for the next one."""

    def __init__(self, plan: Plan, batches: Iterator[Batch], folder: Path):
        """All that is known at first is the plan; `_typed` are the keys whose values are read with their JSON types."""
        self._plan, self._batches, self._folder = plan, batches, folder
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._typed: set[str] = set()
        self._in_lines = True  # until a file has objects over several lines, or several on one
        self._of_thread = threading.local()  # a DuckDB for each thread

    def _query(self, sources: list[str], csv: Path, in_lines: bool) -> str:
        """DuckDB's statement that turns the objects in `sources` into `csv`, or fails at the first odd value."""
        layout = "newline_delimited" if in_lines else "unstructured"
        keys = dict.fromkeys(str(path[0]) for path in self._plan.paths)
        types = ", ".join(f"{quote_text(key)}: '{'JSON' if key in self._typed else 'VARCHAR'}'" for key in keys)
        selected = []
        nothing = " AND ".join(f"{quote_name(key)} IS NULL" for key in keys)  # null at the root, or {}
        odd = [f"WHEN {nothing} THEN error('odd')"]
        for column, path in zip(self._plan.columns, self._plan.paths, strict=True):
            key = str(path[0])
            value, condition = _expression(column, key, key in self._typed)
            selected.append(value)
            odd.append(f"WHEN {condition} THEN error({quote_text(f'odd {column.name}')})")
        return f"""COPY (
            SELECT {", ".join(selected)}
            FROM read_json([{", ".join(map(quote_text, sources))}], format = '{layout}', columns = {{{types}}},
                compression = 'uncompressed', hive_partitioning = false, maximum_object_size = {LARGEST_OBJECT})
            WHERE CASE {" ".join(odd)} ELSE true END
        ) TO {quote_text(str(csv))} (FORMAT csv, HEADER false)"""

    def next(self) -> tuple[Batch, Path | None] | None:
        """The next batch with its CSV, or with None where it is to be loaded exactly; None after the last batch."""
        with self._lock:
            batch = next(self._batches, None)
        return None if batch is None else (batch, self.to_csv(batch))

    def to_csv(self, batch: Batch) -> Path | None:
        """The batch as CSV, None where it looks odd or DuckDB finds what Redshift would not load as it is.

        Raises CopyError where the disk is full.
        """
        if not is_simple(self._plan):
            return None
        name = self._folder / f"{next(self._numbers)}"
        source, csv = name.with_suffix(".json"), name.with_suffix(".csv")
        sources = [file.name for file in batch.files] or [str(source)]
        looked = None
        try:
            while True:
                known = (in_lines, _) = (self._in_lines, len(self._typed))
                if looked != in_lines and not self._look(batch, source, in_lines):
                    return None
                looked = in_lines
                if in_lines and not self._in_lines:  # that is what the look has told
                    continue
                try:
                    self._execute(self._query(sources, csv, in_lines))
                    return csv
                except _REFUSED as error:
                    csv.unlink(missing_ok=True)
                    self._learn(str(error))
                if (self._in_lines, len(self._typed)) == known:
                    return None
        except (OSError, duckdb.IOException) as error:
            raise CopyError(files.explain(str(self._folder), error)) from None
        finally:
            source.unlink(missing_ok=True)

    def _look(self, batch: Batch, source: Path, in_lines: bool) -> bool:
        """Tell whether a batch has nothing in it that DuckDB would forgive or crash at; see how its objects stand.

        Its segments are written to `source`. `in_lines`: DuckDB will not look past a line's end, nor nest past it.
        """
        if batch.segments:
            texts = [segment.data for segment in batch.segments]
            if not all(_ENDS.match(text[:_EDGE] + text[-_EDGE:]) or _ENDS.match(text) for text in texts):
                return False
            data = b"\n".join(texts)
            if not self._looks_sound(io.BytesIO(data), in_lines, texts):
                return False
            source.write_bytes(data)
        for file in batch.files:
            with open(file.name, "rb") as stream:
                if not self._looks_sound(stream, in_lines, None):
                    return False
        return True

    def _looks_sound(self, stream: BinaryIO, in_lines: bool, texts: list[bytes] | None) -> bool:
        """Tell whether DuckDB would forgive nothing in a file; a string that looks so makes it unsound, too.

        Where the nesting may be too deep, it is looked at in the `texts` that the file is made of, if they are there.
        """
        first, last = b"", b""
        tail = b""  # what a match across two blocks needs, long white space shortened
        brackets: deque[int] = deque(maxlen=3)  # of the blocks that one object can reach into
        while block := stream.read(_WINDOW):
            if len(block) == _WINDOW and not (BOUNDARY.search(block) or b"}{" in block):
                return False
            text = tail + block
            if b"\v" in text or b"\f" in text:
                return False
            if any(end in text and suspect.search(text) for end, suspect in _SUSPECT.items()) and (
                _TRAILING_COMMA.search(text)
            ):
                return False
            lines = outlines(block) if in_lines else set()
            brackets.append(deepest_in_lines(lines) if in_lines else deepest(block))
            if sum(brackets) > DEEPEST_NESTING:
                if texts is None or any(map(is_too_deep, texts)):
                    return False
                texts = []  # they are all right
            touch = any(b"}{" in line for line in lines) and b"}{" in block
            if touch or (tail.endswith(b"}") and block.startswith(b"{")):
                self._in_lines = False  # the first object of a line would be all that is read
            if stripped := block.strip(_SPACE):
                first, last = first or stripped[:1], stripped[-1:]
                tail = stripped[-32:] + (b"" if block.endswith(stripped) else b" ")
        return first == b"{" and last == b"}"

    def _execute(self, query: str) -> None:
        """Run a statement of DuckDB in this thread."""
        if not hasattr(self._of_thread, "duck"):
            self._of_thread.duck = duckdb.connect(
                config={"threads": 1, "temp_directory": str(self._folder), "preserve_insertion_order": False}
            )
        self._of_thread.duck.execute(query)

    def _learn(self, error: str) -> None:
        """Read the rest in another way, if that can help: a column with JSON types, or objects across lines."""
        first = error.partition("\n")[0]
        if "odd" not in first:
            self._in_lines = False
        for column, path in zip(self._plan.columns, self._plan.paths, strict=True):
            if column.kind in ("character varying", *values.INTEGER_LIMITS) and first.endswith(f"odd {column.name}"):
                self._typed.add(str(path[0]))


def _is_covered(column: Column, time_format: str) -> bool:
    """Tell whether the fast path can fill a column."""
    if column.kind == "timestamp without time zone":
        return time_format == "epochmillisecs"
    return column.kind in ("character varying", "real", "double precision", *values.INTEGER_LIMITS)


def _expression(column: Column, key: str, typed: bool) -> tuple[str, str]:
    """DuckDB's expression for a column's text, and its condition for a value that it may not read as Redshift would.

    DuckDB spells numbers, objects and arrays its own way in a text (0.10 becomes 0.1). A text that could be one is
    odd, unless the column is `typed`: then one that is.
    """
    name = quote_name(key)
    if typed:
        text = f"json_extract_string({name}, '$')"
        is_text = f"starts_with({name}, '\"')"
        number = f"regexp_replace({name}::VARCHAR, '[.]0$', '')"
        strange = f"NOT {is_text} AND NOT regexp_full_match({name}, '{_WHOLE}|true|false')"
        if column.kind == "character varying":
            value = f"CASE WHEN {is_text} THEN {text} ELSE {number} END"
            long = f"strlen({name}) - 2 > {column.length} AND strlen({value}) > {column.length}"
            return value, f"({strange}) OR ({long})"
        if column.kind in values.INTEGER_LIMITS:
            value = f"CASE WHEN {is_text} THEN nullif({text}, '') ELSE {number} END"
            return value, f"({strange}) OR ({is_text} AND {text} <> '' AND {_mismatch(text, values.INTEGER)})"
        name = f"CASE WHEN {is_text} THEN {text} ELSE {name}::VARCHAR END"  # shares its key with such a column
    if column.kind == "character varying":
        number = r"-?[0-9]+([.][0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)"
        return name, (
            f"({name} < ':' AND {name} >= '-' AND regexp_full_match({name}, '{number}'))"
            f" OR ({name} >= '[' AND {name} < '\\' AND json_valid({name})) OR ({name} >= '{{' AND json_valid({name}))"
            f" OR {name} = '0' OR {name} = 'NaN' OR {name} = 'Infinity' OR {name} = '-Infinity'"  # '0' may be -0
            f" OR strlen({name}) > {column.length}"  # PostgreSQL would cut blanks off to make it fit
        )
    value = f"nullif({name}, '')"
    if column.kind in values.INTEGER_LIMITS:
        return value, f"{name} <> '' AND {_mismatch(name, values.INTEGER)}"
    if column.kind in ("real", "double precision"):  # DuckDB spells 1e-400, which is out of range, 0.0, too
        return value, f"({name} <> '' AND {_mismatch(name, values.FLOAT)}) OR {name} IN ('0.0', '-0.0')"
    moment = f"make_timestamp_ms(CAST({value} AS BIGINT))"
    return moment, f"{name} <> '' AND {_mismatch(name, values.EPOCH)}"


def _mismatch(name: str, pattern: str) -> str:
    """DuckDB's condition for a text that is not of a pattern."""
    return f"NOT regexp_full_match({name}, '{pattern}')"


def quote_text(text: str) -> str:
    """A string literal for DuckDB."""
    return "'" + text.replace("'", "''") + "'"

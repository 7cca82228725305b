"""The exact reading of JSON as COPY does it: objects with their lines, values by type, and the codes of what fails.

This is the slow path: it runs on the batches that PostgreSQL or DuckDB reject, to say what is wrong or to load what
is right (MAXERROR), and on what only it can read (nested paths, DECIMAL, the options that change values).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from json.decoder import scanstring

from infra.local.copy_files import Segment
from infra.local.copy_statement import CopyStatement

LARGEST_OBJECT = 4 << 20  # bytes
INTEGER_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
INTEGER = r"[+-]?[0-9]+"
FLOAT = r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
EPOCH = r"-?[0-9]{1,15}"
BOOLEANS = {"true": "t", "t": "t", "yes": "t", "y": "t", "1": "t", "false": "f", "f": "f", "no": "f", "n": "f", "0": "f"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")
_SPACE = re.compile(r"[ \t\n\r]*")


class Rejected(Exception):
    """A record that COPY rejects: error code, reason, and (where one value is at fault) column and value."""

    def __init__(self, code: int, reason: str, column: "Column | None" = None, value: str = "", position: int = 0):
        super().__init__(reason)
        self.code, self.reason, self.column, self.value, self.position = code, reason, column, value, position


@dataclass(frozen=True)
class Column:
    """A column that COPY fills: `kind` is PostgreSQL's type name, `length` bytes or (precision, scale)."""

    name: str
    kind: str
    length: int | None
    scale: int | None
    not_null: bool


@dataclass(frozen=True)
class Record:
    """One JSON object as its text, or why it is none; `line` is its last line in `file`."""

    file: str
    line: int
    text: str
    fault: Rejected | None = None


def records(segment: Segment, replacement: str | None) -> Iterator[Record]:
    """The JSON values at the root of a segment. After a broken one, reading goes on at the next line."""
    text, bad_bytes = _decode(segment.data, replacement)
    decoder = _strict_decoder()
    at, line, counted = _SPACE.match(text).end(), segment.line, 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
            fault = None
            if text[at] not in "{[":
                fault = Rejected(1216, "Invalid JSON: a row must be an object")
            elif len(text[at:end].encode(errors="surrogateescape")) > LARGEST_OBJECT:
                fault = Rejected(1216, "JSON object exceeds the maximum size of 4 MB")
        except (ValueError, RecursionError) as error:
            found = text.find("\n", max(at, getattr(error, "pos", at)))
            end = len(text) if found < 0 else found
            fault = Rejected(1216, f"Invalid JSON: {getattr(error, 'msg', 'nested too deeply')}")
        line += text.count("\n", counted, end)
        counted = end
        if bad_bytes and re.search("[\udc80-\udcff]", text[at:end]):
            fault = Rejected(1220, "String contains invalid or unsupported UTF8 codepoints")
        yield Record(segment.file, line, text[at:end], fault)
        at = _SPACE.match(text, end).end()


def _decode(data: bytes, replacement: str | None) -> tuple[str, bool]:
    """The text, and whether bytes that are no UTF-8 are left in it (as lone surrogates)."""
    text = data.decode("utf-8", "surrogateescape")
    if replacement is not None:
        return re.sub("[\udc80-\udcff]", replacement, text), False
    return text, bool(re.search("[\udc80-\udcff]", text))


def _strict_decoder() -> json.JSONDecoder:
    """A JSON decoder that takes no NaN or Infinity."""

    def refuse(word: str):
        """Refuse what is no JSON."""
        raise json.JSONDecodeError(f"{word} is no JSON value", word, 0)

    return json.JSONDecoder(parse_constant=refuse)


def members(text: str) -> dict[str, str]:
    """The members of an object, or the elements of an array by number, each value as its own JSON text.

    The texts stay as they are in the file: 0.10 stays 0.10, and nested values keep their spacing.
    """
    scan = json.JSONDecoder().scan_once
    found: dict[str, str] = {}
    is_object = text[0] == "{"
    at = _SPACE.match(text, 1).end()
    while text[at] not in "}]":
        key = str(len(found))
        if is_object:
            key, at = scanstring(text, at + 1, True)
            at = _SPACE.match(text, _SPACE.match(text, at).end() + 1).end()
            if key in found:
                raise Rejected(1216, f'Invalid JSON: the key "{key}" is there twice')
        _, end = scan(text, at)
        found[key] = text[at:end]
        at = _SPACE.match(text, end).end()
        if text[at] == ",":
            at = _SPACE.match(text, at + 1).end()
    return found


def find(text: str, path: list[str | int]) -> str | None:
    """The JSON text at a path (keys and array positions), None where there is nothing."""
    for step in path:
        if text[0] != ("[" if isinstance(step, int) else "{"):
            return None
        if (text := members(text).get(str(step))) is None:
            return None
    return text


def plain(value: str | None) -> str | None:
    """A JSON text as COPY reads it: a string's contents, null as None, anything else as its text."""
    if value is None or value == "null":
        return None
    return json.loads(value) if value[0] == '"' else value


def convert(value: str | None, column: Column, statement: CopyStatement) -> str | None:
    """The value as PostgreSQL's COPY takes it for this column. Raises Rejected."""
    is_text = column.kind in ("character varying", "character")
    if value is not None:
        if statement.blanks_as_null and is_text and not value.strip():
            value = None
        elif value == "" and (statement.empty_as_null or not is_text):
            value = None
    if value is None:
        if column.not_null:
            raise Rejected(1213, "Missing data for not-null field", column)
        return None
    if is_text:
        return _text(value, column, statement)
    return _CONVERTERS[column.kind](value, column, statement)


def _text(value: str, column: Column, statement: CopyStatement) -> str:
    """A text that fits its length in bytes."""
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError:
        raise Rejected(1220, "String contains invalid or unsupported UTF8 codepoints", column, repr(value)) from None
    if "\0" in value:
        raise Rejected(1220, "String contains the NUL character", column, value.replace("\0", "\\u0000"))
    if column.kind == "character" and len(data) != len(value):
        raise Rejected(1204, "CHAR holds single-byte characters only", column, value)
    if len(data) > column.length:
        if not statement.truncate_columns:
            raise Rejected(1204, f"String length exceeds DDL length ({len(data)} bytes)", column, value)
        value = data[: column.length].decode("utf-8", "ignore")
    return value


def _integer(value: str, column: Column, statement: CopyStatement) -> str:
    """A whole number within its type's range."""
    if not re.fullmatch(INTEGER, value):
        at = next((i for i, digit in enumerate(value) if not digit.isdecimal() and not (i == 0 and digit in "+-")), 0)
        reason = f"Invalid digit, Value '{value[at]}', Pos {at}, Type: {column.kind.capitalize()}"
        raise Rejected(1207, reason, column, value, at)
    limit = INTEGER_LIMITS[column.kind]
    if not -limit <= int(value) < limit:
        raise Rejected(1204, f"Value out of range for {column.kind}", column, value)
    return value


def _float(value: str, column: Column, statement: CopyStatement) -> str:
    """A number with a fraction."""
    if not re.fullmatch(FLOAT, value):
        raise Rejected(1208, "Invalid floating-point number", column, value)
    largest = 3.4028234663852886e38 if column.kind == "real" else 1.7976931348623157e308
    if abs(float(value)) > largest:
        raise Rejected(1204, f"Value out of range for {column.kind}", column, value)
    return value


def _decimal(value: str, column: Column, statement: CopyStatement) -> str:
    """A decimal number cut to its column's scale, or rounded with ROUNDEC."""
    if not re.fullmatch(FLOAT, value):
        raise Rejected(1209, "Invalid decimal number", column, value)
    rounding = ROUND_HALF_UP if statement.round_decimals else ROUND_DOWN
    number = Decimal(value)
    if number.adjusted() >= column.length:
        raise Rejected(1204, f"Value out of range for numeric({column.length},{column.scale})", column, value)
    number = number.quantize(Decimal(1).scaleb(-column.scale), rounding)
    if number.adjusted() >= column.length - column.scale and number:
        raise Rejected(1204, f"Value out of range for numeric({column.length},{column.scale})", column, value)
    return f"{number:f}"


def _boolean(value: str, column: Column, statement: CopyStatement) -> str:
    """A truth value in one of its spellings."""
    if value.lower() not in BOOLEANS:
        raise Rejected(1210, "Invalid boolean", column, value)
    return BOOLEANS[value.lower()]


def _date(value: str, column: Column, statement: CopyStatement) -> str:
    """A day, YYYY-MM-DD."""
    try:
        return date.fromisoformat(value if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else "").isoformat()
    except ValueError:
        raise Rejected(1205, "Invalid date: expected YYYY-MM-DD", column, value) from None


def _timestamp(value: str, column: Column, statement: CopyStatement) -> str:
    """A moment: epoch seconds or milliseconds, or YYYY-MM-DD HH:MI:SS with up to six more digits."""
    try:
        if statement.time_format == "auto":
            moment, _, fraction = (value if _TIMESTAMP.fullmatch(value) else "").partition(".")
            moment = datetime.fromisoformat(moment).replace(microsecond=int(fraction.ljust(6, "0")))
            return moment.isoformat(" ")
        number = int(value) if re.fullmatch(EPOCH, value) else None
        unit = {"epochsecs": "seconds", "epochmillisecs": "milliseconds"}[statement.time_format]
        return (datetime(1970, 1, 1) + timedelta(**{unit: number})).isoformat(" ")
    except (ValueError, TypeError, OverflowError):
        raise Rejected(1206, f"Invalid timestamp for TIMEFORMAT '{statement.time_format}'", column, value) from None


_CONVERTERS = {
    **dict.fromkeys(INTEGER_LIMITS, _integer),
    **dict.fromkeys(("real", "double precision"), _float),
    "numeric": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp without time zone": _timestamp,
}
KINDS = {"character varying", "character", *_CONVERTERS}

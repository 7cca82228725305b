"""The exact reading of JSON as COPY does it: objects with their lines, values by type, and the codes of what fails.

This is the slow path: it runs on the batches that PostgreSQL or DuckDB reject, to say what is wrong or to load what
is right (MAXERROR), and on what only it can read (nested paths, DECIMAL, the options that change values).
"""

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from json.decoder import scanstring

from infra.local.copy_command.batches import LARGEST_OBJECT, Segment
from infra.local.copy_command.statement import CopyStatement

INTEGER_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
INTEGER = r"[+-]?[0-9]+"
FLOAT = r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
EPOCH = r"-?[0-9]{1,13}|[0-9]{14}"  # within the years 1 to 9999, in milliseconds
BOOLEANS = {
    "true": "t",
    "t": "t",
    "yes": "t",
    "y": "t",
    "1": "t",
    "false": "f",
    "f": "f",
    "no": "f",
    "n": "f",
    "0": "f",
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMESTAMP = re.compile(_DATE.pattern + r"([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)
_SPACE = re.compile(r"[ \t\n\r]*")
_DECIMAL = Context(prec=100)  # digits; more than a column can have


class Rejected(Exception):
    """A record that COPY rejects: error code, reason, and (where one value is at fault) column and value."""

    def __init__(self, code: int, reason: str, column: "Column | None" = None, value: str = "", position: int = 0):
        """`position` is where in the value the fault is."""
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
    at, end, line, counted = _SPACE.match(text).end(), -1, segment.line, 0
    while at < len(text):
        touches = at == end
        try:
            _, end = _DECODER.raw_decode(text, at)
            fault = None
            if text[at] not in "{[":
                fault = Rejected(1216, "Invalid JSON: a row must be an object")
            elif touches:
                fault = Rejected(1216, "Invalid JSON: no white space before the object")
        except (ValueError, RecursionError) as error:
            found = text.find("\n", max(at, getattr(error, "pos", at)))
            end = len(text) if found < 0 else found
            fault = Rejected(1216, f"Invalid JSON: {getattr(error, 'msg', 'nested too deeply')}")
        line += text.count("\n", counted, end)
        counted = end
        if (end - at) * 4 > LARGEST_OBJECT < len(text[at:end].encode(errors="surrogateescape")):
            fault = Rejected(1216, "JSON object exceeds the maximum size of 4 MB")
        elif bad_bytes and re.search("[\udc80-\udcff]", text[at:end]):
            fault = Rejected(1220, "String contains invalid or unsupported UTF8 codepoints")
        yield Record(segment.file, line, text[at:end], fault)
        at = _SPACE.match(text, end).end()


def _decode(data: bytes, replacement: str | None) -> tuple[str, bool]:
    """The text, and whether bytes that are no UTF-8 are left in it (as lone surrogates)."""
    text = data.decode("utf-8", "surrogateescape")
    if replacement is not None:
        return re.sub("[\udc80-\udcff]", replacement, text), False
    return text, bool(re.search("[\udc80-\udcff]", text))


def _refuse(word: str):
    """Refuse NaN and Infinity, which Python's decoder takes."""
    raise json.JSONDecodeError(f"{word} is no JSON value", word, 0)


# Of numbers only the text counts. A NaN or Infinity, which is no JSON, is let pass where no column takes it: to look
# for one everywhere would cost the fast path a tenth of its speed. Where a column takes it, it is refused.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=str, parse_float=str)


def members(text: str, wanted: set[str], ignore_case: bool = False) -> dict[str, str]:
    """The wanted members of an object, or elements of an array by number, each value as its own JSON text.

    The texts stay as they are in the file: 0.10 stays 0.10, and nested values keep their spacing.
    """
    found: dict[str, str] = {}
    is_object, number = text[0] == "{", 0
    at = _SPACE.match(text, 1).end()
    while text[at] not in "}]":
        key = str(number)
        number += 1
        if is_object:
            key, at = scanstring(text, at + 1, True)
            key = key.lower() if ignore_case else key
            at = _SPACE.match(text, _SPACE.match(text, at).end() + 1).end()
            if key in found:
                raise Rejected(1216, f'Invalid JSON: the key "{key}" is there twice')
        _, end = _DECODER.scan_once(text, at)
        if key in wanted:
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
        if (text := members(text, {str(step)}).get(str(step))) is None:
            return None
    return text


def plain(value: str | None) -> str | None:
    """A JSON text as COPY reads it: a string's contents, null as None, anything else as its text. Raises Rejected."""
    if value is None or value == "null":
        return None
    try:
        decoded = _STRICT.decode(value)
    except ValueError as error:
        raise Rejected(1216, f"Invalid JSON: {error.msg}") from None
    return decoded if value[0] == '"' else value


def convert(value: str | None, column: Column, statement: CopyStatement) -> str | None:
    """The value as PostgreSQL's COPY takes it for this column. Raises Rejected."""
    is_text = column.kind in ("character varying", "character")
    if value is not None:
        is_null = (
            statement.empty_as_null or not is_text
            if value == ""
            else (statement.blanks_as_null and is_text and not value.strip(" \t\r\n"))
        )
        value = None if is_null else value
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
        raise Rejected(1220, "Multibyte character not supported for CHAR (Hint: try using VARCHAR)", column, value)
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
    if not -limit <= Decimal(value) < limit:
        raise Rejected(1204, f"Value out of range for {column.kind}", column, value)
    return value


def _float(value: str, column: Column, statement: CopyStatement) -> str:
    """A number with a fraction."""
    if not re.fullmatch(FLOAT, value):
        raise Rejected(1208, "Invalid floating-point number", column, value)
    try:  # what the type cannot hold, and what it holds as 0 although it is not
        stored = struct.unpack("f", struct.pack("f", float(value)))[0] if column.kind == "real" else float(value)
    except OverflowError:
        stored = float("inf")
    if abs(stored) == float("inf") or (not stored and Decimal(value)):
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
    number = number.quantize(Decimal(1).scaleb(-column.scale), rounding, _DECIMAL)
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
        return date.fromisoformat(value if _DATE.fullmatch(value) else "").isoformat()
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

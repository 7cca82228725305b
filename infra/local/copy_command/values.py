"""How a JSON value becomes a column's, by the column's type, and the code of the error where it cannot."""

import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from infra.local.copy_command.model import Column, CopyStatement, RecordError

INTEGER_LIMITS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
INTEGER = r"[+-]?[0-9]+"
FLOAT = r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
EPOCH = r"-?[0-9]{1,13}|[0-9]{14}"  # within the years 1 to 9999, in milliseconds
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
BOOLEANS = {**dict.fromkeys(_TRUE, "t"), **dict.fromkeys(_FALSE, "f")}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMESTAMP = re.compile(_DATE.pattern + r"([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)
_UNITS = {"epochsecs": timedelta(seconds=1), "epochmillisecs": timedelta(milliseconds=1)}
_DECIMAL = Context(prec=100)  # digits; more than a column can have
_FARTHEST = 100_000  # an exponent beyond makes 0 or what is out of every range, and Decimal has a limit
WHOLE = 10**15  # a double below is printed with all its digits


def reformat(number: str) -> str:
    """Return a JSON number as COPY hands it to a column: a whole one written as a float loses its fraction.

    Seen in published output of clusters for `1541022995796.0`; of a number with an exponent and of one beyond 15
    digits nothing is published (unsure): they follow the same rule, or keep their text.
    """
    if not any(mark in number for mark in ".eE"):
        return number
    value = float(number)
    if not value.is_integer() or abs(value) >= WHOLE or (value == 0 and not _is_zero(number)):
        return number
    return str(int(value))


def _is_zero(number: str) -> bool:
    """Tell whether the digits before the exponent are all 0."""
    return not re.search("[1-9]", re.split("[eE]", number)[0])


def _exact(number: str) -> Decimal:
    """Return the number; an exponent that Decimal cannot hold is cut to one that means the same to every column."""
    mantissa, _, exponent = number.lower().partition("e")
    digits = exponent.lstrip("+-").lstrip("0") or "0"
    power = min(int(digits[:9]) if len(digits) < 9 else _FARTHEST, _FARTHEST)
    return Decimal(mantissa).scaleb(-power if exponent.startswith("-") else power, Context(prec=len(mantissa) + 1))


def convert(value: str | None, column: Column, statement: CopyStatement) -> str | None:
    """Return the value as PostgreSQL's COPY takes it for this column. Raises RecordError."""
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
            raise RecordError(1213, "Missing data for not-null field", column)
        return None
    if is_text:
        return _text(value, column, statement)
    return _CONVERTERS[column.kind](value, column, statement)


def _text(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a text that fits its length in bytes."""
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordError(1220, "String contains invalid or unsupported UTF8 codepoints", column, repr(value)) from None
    if "\0" in value:
        raise RecordError(1220, "String contains the NUL character", column, value.replace("\0", "\\u0000"))
    if column.kind == "character" and len(data) != len(value):
        raise RecordError(1220, "Multibyte character not supported for CHAR (Hint: try using VARCHAR)", column, value)
    if len(data) > column.length:
        if not statement.truncate_columns:
            raise RecordError(1204, f"String length exceeds DDL length ({len(data)} bytes)", column, value)
        value = data[: column.length].decode("utf-8", "ignore")
    return value


def _integer(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a whole number within its type's range."""
    kind = column.kind.capitalize()
    if not re.fullmatch(INTEGER, value):
        at = next((i for i, sign in enumerate(value) if sign not in "0123456789" and not (i == 0 and sign in "+-")), 0)
        raise RecordError(1207, f"Invalid digit, Value '{value[at]}', Pos {at}, Type: {kind}", column, value, at)
    limit = INTEGER_LIMITS[column.kind]
    if not -limit <= Decimal(value) < limit:
        raise RecordError(1207, f"Overflow ({kind} valid range {-limit} to {limit - 1})", column)
    return value


def _float(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a number with a fraction."""
    if not re.fullmatch(FLOAT, value):
        raise RecordError(1208, "Invalid floating-point number", column, value)
    try:  # what the type cannot hold, and what it holds as 0 although it is not
        stored = struct.unpack("f", struct.pack("f", float(value)))[0] if column.kind == "real" else float(value)
    except OverflowError:
        stored = float("inf")
    if abs(stored) == float("inf") or (not stored and not _is_zero(value)):
        raise RecordError(1204, f"Value out of range for {column.kind}", column, value)
    return value


def _decimal(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a decimal number cut to its column's scale, or rounded with ROUNDEC."""
    if not re.fullmatch(FLOAT, value):
        raise RecordError(1209, "Invalid decimal number", column, value)
    rounding = ROUND_HALF_UP if statement.round_decimals else ROUND_DOWN
    number = _exact(value)
    if not number.is_zero() and number.adjusted() < -column.scale - 1:  # far below the last digit
        number = Decimal(0)
    if number.adjusted() < column.length or number.is_zero():
        number = number.quantize(Decimal(1).scaleb(-column.scale), rounding, _DECIMAL)
    if number.adjusted() >= column.length - column.scale and number:
        raise RecordError(1204, f"Value out of range for numeric({column.length},{column.scale})", column, value)
    return f"{number:f}"


def _boolean(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a truth value that was in one of its spellings."""
    if value.lower() not in BOOLEANS:
        raise RecordError(1210, "Invalid boolean", column, value)
    return BOOLEANS[value.lower()]


def _date(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a day, YYYY-MM-DD."""
    try:
        return date.fromisoformat(value if _DATE.fullmatch(value) else "").isoformat()
    except ValueError:
        raise RecordError(1205, "Invalid date: expected YYYY-MM-DD", column, value) from None


def _timestamp(value: str, column: Column, statement: CopyStatement) -> str:
    """Return a moment: epoch seconds or milliseconds, or YYYY-MM-DD HH:MI:SS with up to six more digits."""
    try:
        if statement.time_format == "auto":
            second, _, fraction = (value if _TIMESTAMP.fullmatch(value) else "").partition(".")
            moment = datetime.fromisoformat(second).replace(microsecond=int(fraction.ljust(6, "0")))
        else:
            number = int(value if re.fullmatch(EPOCH, value) else "")
            moment = datetime(1970, 1, 1) + _UNITS[statement.time_format] * number
    except (ValueError, OverflowError):
        raise RecordError(1206, f"Invalid timestamp for TIMEFORMAT '{statement.time_format}'", column, value) from None
    return moment.isoformat(" ")


_CONVERTERS: dict[str, Callable[[str, Column, CopyStatement], str]] = {
    **dict.fromkeys(INTEGER_LIMITS, _integer),
    **dict.fromkeys(("real", "double precision"), _float),
    "numeric": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp without time zone": _timestamp,
}
KINDS = {"character varying", "character", *_CONVERTERS}

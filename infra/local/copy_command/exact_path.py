"""The exact reading of JSON as COPY does it: objects with their lines, their values by path, and what is wrong.

This is the slow path: it runs on the batches that PostgreSQL or DuckDB reject, to say what is wrong or to load what
is right (MAXERROR), and on what only it can read (nested paths, DECIMAL, the options that change values).
"""

import json
import re
from collections.abc import Iterator
from typing import NoReturn

from infra.local.copy_command.model import LARGEST_OBJECT, JsonPath, Plan, Record, RecordError, Segment
from infra.local.copy_command.nesting import end_of_value, is_too_deep
from infra.local.copy_command.values import convert, reformat

_SPACE = re.compile(r"[ \t\n\r]*")
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as Python decodes them with "surrogateescape"
_TOO_DEEP = "JSON is nested too deeply for the embedded warehouse"


def _refuse(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's decoder takes."""
    raise json.JSONDecodeError(f"{word} is no JSON value", word, 0)


# Of numbers only the text counts. A NaN or Infinity, which is no JSON, is let pass where no column takes it: to look
# for one everywhere would cost the fast path a tenth of its speed. Where a column takes it, it is refused.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=str, parse_float=str)


def read_records(segment: Segment, replacement: str | None) -> Iterator[Record]:
    """Yield the JSON values at the root of a segment. After a broken one, reading goes on at the next line."""
    text, bad_bytes = _decode(segment.data, replacement)
    at, line, counted = _after_space(text, 0), segment.line, 0
    while at < len(text):
        fault = None
        try:
            _, end = _DECODER.raw_decode(text, at)
            if text[at] not in "{[":
                fault = RecordError(1216, "Invalid JSON: a row must be an object")
        except RecursionError:
            end = end_of_value(text, at)
            end = text.find("\n", at) if end < 0 else end
            fault = RecordError(1216, _TOO_DEEP)
        except json.JSONDecodeError as error:
            end = _end_of_broken(text, at, error.pos)
            fault = RecordError(1216, f"Invalid JSON: {error.msg}")
        end = len(text) if end < 0 else end
        line += text.count("\n", counted, end)
        counted = end
        value = text[at:end]
        if len(value) * 4 > LARGEST_OBJECT < len(value.encode(errors="surrogateescape")):
            fault = RecordError(1216, "JSON object exceeds the maximum size of 4 MB")
        elif bad_bytes and _NO_UTF8.search(value):
            fault = RecordError(1220, "String contains invalid or unsupported UTF8 codepoints")
        elif fault is None and is_too_deep(value.encode(errors="surrogateescape")):
            fault = RecordError(1216, _TOO_DEEP)
        yield Record(segment.file, line, value, fault)
        at = _after_space(text, end)


def _end_of_broken(text: str, at: int, fault: int) -> int:
    """Return the end of the line of a fault, -1 for that of the text.

    An object at the start of a later line is no part of one that was cut off before it: then the line before ends it.
    """
    if text[fault - 1 : fault + 1] == "\n{" and fault - 1 > at:
        return fault - 1
    return text.find("\n", max(at, fault))


def _after_space(text: str, at: int) -> int:
    """Return where the white space that begins at `at` ends."""
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _decode(data: bytes, replacement: str | None) -> tuple[str, bool]:
    """Return the text, and whether bytes that are no UTF-8 are left in it (as lone surrogates)."""
    text = data.decode("utf-8", "surrogateescape")
    if replacement is not None:
        return _NO_UTF8.sub(replacement, text), False
    return text, bool(_NO_UTF8.search(text))


def make_line(record: Record, plan: Plan) -> str:
    """Return a record's line of CSV, in which NULL is nothing and a text is quoted. Raises RecordError."""
    if record.fault:
        raise record.fault
    is_object = record.text[0] == "{"
    if not is_object and all(isinstance(path[0], str) for path in plan.paths):
        raise RecordError(1216, "Invalid JSON: an array at the root needs a jsonpaths file with $[0]")
    fields = []
    try:
        wanted = {str(path[0]) for path in plan.paths if isinstance(path[0], str) == is_object}
        found = _members(record.text, wanted, plan.ignore_case)
        for path, column in zip(plan.paths, plan.columns, strict=True):
            value = found.get(str(path[0])) if isinstance(path[0], str) == is_object else None
            value = _find(value, path[1:]) if value is not None else None
            text = convert(_plain(value), column, plan.statement)
            fields.append("" if text is None else '"' + text.replace('"', '""') + '"')
    except RecursionError:  # the caller's own stack is nearly full
        raise RecordError(1216, _TOO_DEEP) from None
    return ",".join(fields) + "\n"


def _members(text: str, wanted: set[str], ignore_case: bool = False) -> dict[str, str]:
    """Return the wanted members of an object, or elements of an array by number, each value as its own JSON text.

    The texts stay as they are in the file: 0.10 stays 0.10, and nested values keep their spacing.
    """
    found: dict[str, str] = {}
    is_object, number = text[0] == "{", 0
    at = _after_space(text, 1)
    while text[at] not in "}]":
        key = str(number)
        number += 1
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            key = key.lower() if ignore_case else key
            at = _after_space(text, _after_space(text, at) + 1)
            if key in found:
                raise RecordError(1216, f'Invalid JSON: the key "{key}" is there twice')
        _, end = _DECODER.raw_decode(text, at)
        if key in wanted:
            found[key] = text[at:end]
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _find(text: str, path: JsonPath) -> str | None:
    """Return the JSON text at a path (keys and array positions), None where there is nothing."""
    found: str | None = text
    for step in path:
        if found is None or found[0] != ("[" if isinstance(step, int) else "{"):
            return None
        found = _members(found, {str(step)}).get(str(step))
    return found


def _plain(value: str | None) -> str | None:
    """Return a JSON text as COPY reads it: a string's contents, null as None, anything else as its text."""
    if value is None or value == "null":
        return None
    try:
        decoded = _STRICT.decode(value)
    except ValueError as error:
        raise RecordError(1216, f"Invalid JSON: {getattr(error, 'msg', error)}") from None
    if value[0] == '"':
        return str(decoded)
    return reformat(value) if value[0] in "-0123456789" else value

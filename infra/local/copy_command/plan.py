"""What a COPY loads where: the table's columns, and the path of each column's value in an object."""

import json
import re

from psycopg2.extensions import cursor as PlainCursor

from infra.errors import CopyError
from infra.local.copy_command import values
from infra.local.copy_command.files import Source
from infra.local.copy_command.model import LARGEST_OBJECT, Column, CopyStatement, JsonPath, Plan

_STEP = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]|\.([A-Za-z_][A-Za-z0-9_]*)""", re.ASCII)


def make_plan(cursor: PlainCursor, statement: CopyStatement, source: Source) -> Plan:
    """Look the columns up in the catalog and match them with paths. Raises CopyError."""
    cursor.execute("SELECT %s::regclass::oid", (statement.table.sql,))
    [(table,)] = cursor.fetchall()
    columns = _columns(cursor, statement, table)
    for column in columns:
        if column.kind not in values.KINDS:
            raise CopyError(
                f"The embedded warehouse does not cover COPY into {column.name}, a column of type {column.kind}"
            )
    ignore_case = statement.json == "auto ignorecase"
    paths = None if statement.json in ("auto", "auto ignorecase") else _jsonpaths(statement, source)
    if paths is None:
        paths = [[column.name] for column in columns]
    if len(paths) != len(columns):
        raise CopyError(
            f"Number of jsonpaths and the number of columns should match. {statement.json} has {len(paths)} paths, "
            f"{statement.table} has {len(columns)} columns to load."
        )
    return Plan(statement, table, columns, paths, ignore_case)


def _columns(cursor: PlainCursor, statement: CopyStatement, table: int) -> list[Column]:
    """Return the columns to fill: those that the statement lists, or all but the IDENTITY. Raises CopyError."""
    cursor.execute(
        """SELECT attname, format_type(atttypid, NULL), atttypmod, attnotnull, attidentity <> ''
        FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (table,),
    )
    known: dict[str, Column] = {}
    identities = set()
    for name, kind, modifier, not_null, identity in cursor.fetchall():
        if identity:
            identities.add(name)
            continue
        length, scale = max(0, modifier - 4), 0
        if kind == "numeric":
            length, scale = (18, 0) if modifier < 0 else (length >> 16, length & 0xFFFF)
        known[name] = Column(name, kind, length, scale, not_null)
    for name in statement.columns or ():
        if name in identities:
            raise CopyError(
                f'cannot load the identity column "{name}": the embedded warehouse does not cover EXPLICIT_IDS'
            )
        if name not in known:
            raise CopyError(f'column "{name}" of relation {statement.table} does not exist')
    return [known[name] for name in statement.columns or known]


def _jsonpaths(statement: CopyStatement, source: Source) -> list[JsonPath] | None:
    """Return the paths of a jsonpaths file, None where its key has another name, which means auto. Raises CopyError."""
    where = statement.json
    try:
        content = json.loads(source.read(where))
    except (ValueError, RecursionError) as error:
        raise CopyError(f"Invalid jsonpaths file {where}: {error}") from None
    if not (isinstance(content, dict) and len(content) == 1):
        raise CopyError(f"Invalid jsonpaths file {where}: it must be one object with the single key jsonpaths")
    if "jsonpaths" not in content:
        return None
    if not isinstance(content["jsonpaths"], list):
        raise CopyError(f"Invalid jsonpaths file {where}: jsonpaths must be an array of paths")
    return [_jsonpath(path, where) for path in content["jsonpaths"]]


def _jsonpath(path: object, where: str) -> JsonPath:
    """Return the steps of one path in bracket or dot notation. Raises CopyError."""
    steps: JsonPath = []
    text = path if isinstance(path, str) else ""
    at, notations = 1, set()
    while text.startswith("$") and at < len(text) and (match := _STEP.match(text, at)):
        single, double, position, dotted = match.groups()
        if position:
            steps.append(_position(position))
        else:
            steps.append(next(key for key in (single, double, dotted) if key is not None))
            notations.add(dotted is None)
        at = match.end()
    if not steps or at < len(text) or len(notations) > 1:
        shown = repr(path) if len(repr(path)) <= 100 else f"{repr(path)[:100]}..."
        raise CopyError(f"Invalid JSONPath format in {where}: {shown}; write $['key'] or $.key, not both, no wildcard")
    return steps


def _position(digits: str) -> int:
    """Return a position in an array; beyond what an object can hold, the first of those that no array has."""
    digits = digits.lstrip("0") or "0"
    return min(int(digits), LARGEST_OBJECT) if len(digits) < 10 else LARGEST_OBJECT

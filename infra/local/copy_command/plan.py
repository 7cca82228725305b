"""What a COPY loads where: the table's columns, and the path of each column's value in an object."""

import json
import re
from dataclasses import dataclass

from psycopg2.extensions import cursor as PlainCursor

from infra.config import Settings
from infra.errors import CopyError
from infra.local.copy_command import exact_path, files
from infra.local.copy_command.exact_path import Column
from infra.local.copy_command.statement import CopyStatement

Path_ = list[str | int]  # a jsonpath: keys and array positions
_STEP = re.compile(r"""\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]|\.([A-Za-z_][A-Za-z0-9_]*)""")


@dataclass(frozen=True)
class Plan:
    """The statement, the table's number in the catalog, and for each column to fill its path."""

    statement: CopyStatement
    table: int
    columns: list[Column]
    paths: list[Path_]
    ignore_case: bool


def make_plan(cursor: PlainCursor, statement: CopyStatement, settings: Settings) -> Plan:
    """Look the columns up in the catalog and match them with paths. Raises CopyError."""
    cursor.execute("SELECT %s::regclass::oid", (statement.table,))
    table = cursor.fetchone()[0]
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
        length, scale = modifier - 4, None
        if kind == "numeric":
            length, scale = (18, 0) if modifier < 0 else (length >> 16, length & 0xFFFF)
        known[name] = Column(name, kind, length, scale, not_null)
    for name in statement.columns or ():
        if name in identities:
            raise CopyError(f'cannot load the identity column "{name}": the stand-in does not cover EXPLICIT_IDS')
        if name not in known:
            raise CopyError(f'column "{name}" of relation {statement.table} does not exist')
    columns = [known[name] for name in statement.columns or known]
    for column in columns:
        if column.kind not in exact_path.KINDS:
            raise CopyError(f"The stand-in does not cover COPY into {column.name}, a column of type {column.kind}")
    ignore_case = statement.json == "auto ignorecase"
    paths = None if statement.json in ("auto", "auto ignorecase") else _jsonpaths(statement, settings)
    if paths is None:
        paths = [[column.name] for column in columns]
    if len(paths) != len(columns):
        raise CopyError(
            f"Number of jsonpaths and the number of columns should match. {statement.json} has {len(paths)} paths, "
            f"{statement.table} has {len(columns)} columns to load."
        )
    return Plan(statement, table, columns, paths, ignore_case)


def _jsonpaths(statement: CopyStatement, settings: Settings) -> list[Path_] | None:
    """The paths of a jsonpaths file, None where its key has another name, which means auto. Raises CopyError."""
    where = statement.json
    try:
        content = json.loads(files.read(where, statement, settings))
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

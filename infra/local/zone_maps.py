"""Zone maps: of each block Redshift knows the least and the greatest value of a column, and reads what may match.

PostgreSQL's BRIN indexes are the same for ranges of pages. A table gets one for each of its keys, and ANALYZE brings
them up to date, as Redshift's own are at any time. The SQL for ANALYZE is in system_sql/tables.sql.
"""

import re

from psycopg2.extensions import cursor as PlainCursor
from psycopg2.sql import SQL, Identifier

from infra.local.dialect.translate import Statement

PAGES = 16  # of 8 KB in a range


def is_needless(cursor: PlainCursor, statement: Statement) -> bool:
    """Whether the statement is an ANALYZE of a table of which little has changed since the last one."""
    table = _analyzed(statement)
    if table is None:
        return False
    cursor.execute("SELECT redshift.changed_little(to_regclass(%s))", (table,))
    return any(little for (little,) in cursor.fetchall())


def _analyzed(statement: Statement) -> str | None:
    """The table that an ANALYZE names; None: none, or another statement."""
    table = re.fullmatch(r"ANALYZE\s+([\w.\"]+)", statement.sql.strip(), re.IGNORECASE)
    return table[1] if table else None


def follow(cursor: PlainCursor, statement: Statement, needless: bool) -> None:
    """Do what belongs to a CREATE TABLE or ANALYZE that has just run, or been left out as `needless`."""
    if statement.verb == "ANALYZE":
        cursor.execute("SELECT redshift.note_analyzed(to_regclass(%s), %s)", (_analyzed(statement), needless))
        return
    created = re.search(r'TABLE (?:IF NOT EXISTS )?((?:[\w.]|"[^"]*")+)', statement.sql, re.IGNORECASE)
    if created is None:
        return
    cursor.execute(
        "SELECT relname, relnamespace::regnamespace::text FROM pg_class WHERE oid = %s::regclass", created.groups()
    )
    for name, schema in cursor.fetchall():
        for column in statement.sorted_by:
            command = SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING brin ({}) WITH (pages_per_range = %s)").format(
                Identifier(f"{name}_{column}_zones"), Identifier(schema, name), Identifier(column.lower())
            )
            cursor.execute(command, (PAGES,))

"""Zone maps: of each block Redshift knows the least and the greatest value of a column, and reads what may match.

PostgreSQL's BRIN indexes are the same for ranges of pages. A table gets one for each of its keys, and ANALYZE brings
them up to date, as Redshift's own are at any time.
"""

import re

from psycopg2.extensions import cursor as PlainCursor
from psycopg2.sql import SQL, Identifier

from infra.local.dialect.translate import Statement

PAGES = 16  # of 8 KB in a range

SUMMARIZE = """
SELECT brin_summarize_new_values(pg_index.indexrelid)
FROM pg_index
INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
INNER JOIN pg_am ON pg_class.relam = pg_am.oid AND pg_am.amname = 'brin'
WHERE pg_index.indrelid = coalesce(to_regclass(%(table)s), pg_index.indrelid)
"""

# Redshift's analyze_threshold_percent is 10: ANALYZE passes over a table of which less has changed (AWS, ANALYZE).
CHANGED_LITTLE = """
SELECT
    (before.n_mod_since_analyze + now.n_tup_ins + now.n_tup_upd + now.n_tup_del) * 10 < pg_class.reltuples
FROM pg_class
INNER JOIN pg_stat_user_tables AS before ON pg_class.oid = before.relid
INNER JOIN pg_stat_xact_user_tables AS now ON pg_class.oid = now.relid
WHERE pg_class.oid = to_regclass(%s)
"""


def is_needless(cursor: PlainCursor, statement: Statement) -> bool:
    """Whether the statement is an ANALYZE of a table of which little has changed since the last one."""
    table = _analyzed(statement)
    if table is None:
        return False
    cursor.execute(CHANGED_LITTLE, (table,))
    return any(little for (little,) in cursor.fetchall())


def _analyzed(statement: Statement) -> str | None:
    """The table that an ANALYZE names; None: none, or another statement."""
    table = re.fullmatch(r"ANALYZE\s+([\w.\"]+)", statement.sql.strip(), re.IGNORECASE)
    return table[1] if table else None


def follow(cursor: PlainCursor, statement: Statement) -> None:
    """Do what belongs to a CREATE TABLE or ANALYZE that has just run."""
    if statement.verb == "ANALYZE":
        cursor.execute(SUMMARIZE, {"table": _analyzed(statement)})
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

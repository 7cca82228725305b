"""Redshift's system tables and functions that PostgreSQL lacks, in a schema of their own on the search path."""

import hashlib
from contextlib import closing
from pathlib import Path

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from infra.errors import ServerError
from infra.local.connection_info import ConnectionInfo, open_plain
from infra.local.dialect.supported import SETTINGS

# The tables, functions and operators, by subject: what is made once, and what a newer version may replace.
DIRECTORY = Path(__file__).parent / "system_sql"
ONCE, REPLACEABLE = ("operators",), ("tables", "text", "dates", "numbers", "views")


def install(info: ConnectionInfo) -> None:
    """Create the database and these objects on the server."""
    name, database = info["dbname"], Identifier(info["dbname"])
    with closing(open_plain({**info, "dbname": "postgres"})) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(SQL("CREATE DATABASE {}").format(database))
        # New tables go to public; redshift comes before pg_catalog so that its functions are the ones found.
        path = "ALTER DATABASE {} SET search_path = public, redshift, pg_catalog"
        cursor.execute(SQL(path).format(database))
        # A backslash is an escape, so that psycopg2 doubles those of bound values.
        cursor.execute(SQL("ALTER DATABASE {} SET standard_conforming_strings = off").format(database))
        for setting, default in SETTINGS.items():
            cursor.execute(
                SQL("ALTER DATABASE {} SET {} = %s").format(database, Identifier("redshift", setting)), (default,)
            )
    with closing(open_plain(info)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute("CREATE SCHEMA IF NOT EXISTS redshift")
        _install_functions(cursor)
        cursor.execute("TRUNCATE redshift.stv_load_state, redshift.last_copy")  # of sessions of an earlier server
        cursor.execute(
            "DELETE FROM redshift.analyzed WHERE number NOT IN (SELECT max(number) FROM redshift.analyzed GROUP BY tbl)"
        )
        # As Redshift does:
        cursor.execute("DELETE FROM redshift.query_log WHERE start_time < now() - interval '7 days'")


def _install_functions(cursor: Cursor) -> None:
    """Make or replace the functions if they are not of this version: the schema's comment holds their fingerprint."""
    cursor.execute("SELECT obj_description('redshift'::regnamespace)")
    row = cursor.fetchone()
    once, replaceable = (_source(names) for names in (ONCE, REPLACEABLE))
    found = (row[0] if row and row[0] else "").split()
    wanted = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in (once, replaceable)]
    if found == wanted:
        return
    if found and found[0] != wanted[0]:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchall()[0][0]).parent
        raise ServerError(
            f"The embedded warehouse in {folder} was made by another version: delete that folder, create the "
            "tables and load again."
        )
    cursor.execute("SET LOCAL standard_conforming_strings = on; SET LOCAL search_path = pg_catalog")
    if not found:
        cursor.execute(once)
    cursor.execute(replaceable)
    cursor.execute("COMMENT ON SCHEMA redshift IS %s", (" ".join(wanted),))


def _source(names: tuple[str, ...]) -> str:
    """The SQL of these files."""
    return "".join((DIRECTORY / f"{name}.sql").read_text(encoding="utf-8") for name in names)


def vacuum(info: ConnectionInfo) -> None:
    """Make the room of deleted rows free for new ones, as Redshift does in the background, in the tables with many.

    A load deletes and refills its staging tables, and a server that runs for seconds never gets to its autovacuum.
    """
    with closing(open_plain(info)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT schemaname, relname FROM pg_stat_user_tables WHERE n_dead_tup > n_live_tup / 5")
        for names in cursor.fetchall():
            cursor.execute(SQL("VACUUM (SKIP_LOCKED) {}").format(Identifier(*names)))  # a BI tool may hold one

"""Redshift's system tables and functions that PostgreSQL lacks, in a schema of their own on the search path."""

import hashlib
from contextlib import closing
from pathlib import Path

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from infra.errors import ServerError
from infra.local.connection_info import ConnectionInfo, open_plain
from infra.local.dialect.supported import SETTINGS

# Columns as in AWS's reference for STL_LOAD_ERRORS and STV_LOAD_STATE. Rows are written over a connection of their
# own, so they survive the rollback of the COPY that they tell of.
TABLES = """
CREATE SCHEMA IF NOT EXISTS redshift;
CREATE SEQUENCE IF NOT EXISTS redshift.query_id;
CREATE TABLE IF NOT EXISTS redshift.stl_load_errors (
    userid integer, slice integer, tbl integer, starttime timestamp, session integer, query integer, filename text,
    line_number bigint, colname text, type text, col_length text, position integer, raw_line text,
    raw_field_value text, err_code integer, err_reason text
);
CREATE TABLE IF NOT EXISTS redshift.stv_load_state (
    userid integer, session integer, query integer, slice integer, pid integer, recordtime timestamp,
    bytes_to_load bigint, bytes_loaded bigint, bytes_to_load_compressed bigint, bytes_loaded_compressed bigint,
    lines integer, num_files integer, num_files_complete integer, current_file text, pct_complete integer
);
CREATE TABLE IF NOT EXISTS redshift.query_log (
    query bigint, session integer, label text, verb text, query_text text, start_time timestamptz, end_time timestamptz,
    fault text, returned_rows bigint
);
CREATE TABLE IF NOT EXISTS redshift.load_files (query integer, file_name text, end_time timestamp);
CREATE OR REPLACE VIEW redshift.svv_transactions AS SELECT
    activity.usename::text AS txn_owner, activity.datname::text AS txn_db, activity.backend_xid::text::bigint AS xid,
    locks.pid, activity.xact_start AT TIME ZONE 'UTC' AS txn_start, locks.mode AS lock_mode,
    locks.locktype AS lockable_object_type, locks.relation::bigint AS relation, locks.granted
FROM pg_locks AS locks INNER JOIN pg_stat_activity AS activity ON locks.pid = activity.pid
WHERE activity.datname = current_database();
CREATE TABLE IF NOT EXISTS redshift.last_copy (session integer PRIMARY KEY, query integer, rows_loaded bigint);
"""

# The functions and operators, by subject: what is made once in a database, and what may be replaced by a newer version.
DIRECTORY = Path(__file__).parent / "system_sql"
ONCE, REPLACEABLE = ("operators",), ("text", "dates", "numbers", "views")


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
        cursor.execute(TABLES)
        _install_functions(cursor)
        cursor.execute("TRUNCATE redshift.stv_load_state, redshift.last_copy")  # of sessions of an earlier server
        cursor.execute(
            "DELETE FROM redshift.query_log WHERE start_time < now() - interval '7 days'"
        )  # as Redshift does


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

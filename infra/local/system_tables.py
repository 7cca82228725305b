"""Redshift's system tables and functions that PostgreSQL lacks, in a schema of their own on the search path."""

from contextlib import closing

from psycopg2.sql import SQL, Identifier

from infra.local.connection_info import ConnectionInfo, open_plain

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
CREATE TABLE IF NOT EXISTS redshift.last_copy (session integer PRIMARY KEY, query integer, rows_loaded bigint);
"""

# The last COPY of a session is in its settings, which a rollback takes back, and in last_copy, which the transaction of
# the COPY does not see: the newer one of the two counts.
#
# AVG of integers is an integer in Redshift, of a DECIMAL it has that DECIMAL's scale (how its last digit comes about is
# not documented, so it is refused). ROUND gives what it takes, with a number of digits also for a DOUBLE PRECISION.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_id() RETURNS integer LANGUAGE sql AS $$
SELECT greatest(-1, nullif(current_setting('redshift.last_copy_id', true), '')::integer,
    (SELECT query FROM redshift.last_copy WHERE session = pg_backend_pid())) $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint LANGUAGE sql AS $$
SELECT CASE WHEN current_setting('redshift.last_copy_id', true) = redshift.pg_last_copy_id()::text
    THEN current_setting('redshift.last_copy_count')::bigint
    ELSE coalesce((SELECT rows_loaded FROM redshift.last_copy WHERE session = pg_backend_pid()), 0) END $$;
CREATE OR REPLACE FUNCTION redshift.round(double precision, integer) RETURNS double precision IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT pg_catalog.round($1::text::numeric, $2)::double precision $$;
CREATE OR REPLACE FUNCTION redshift.round(integer, integer) RETURNS integer IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT pg_catalog.round($1::numeric, $2)::integer $$;
CREATE OR REPLACE FUNCTION redshift.round(bigint, integer) RETURNS bigint IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT pg_catalog.round($1::numeric, $2)::bigint $$;
CREATE OR REPLACE FUNCTION redshift.round(integer) RETURNS integer IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION redshift.round(bigint) RETURNS bigint IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT $1 $$;
CREATE OR REPLACE FUNCTION redshift.avg_step(bigint[], bigint) RETURNS bigint[] IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT ARRAY[$1[1] + 1, $1[2] + $2] $$;
CREATE OR REPLACE FUNCTION redshift.avg_result(bigint[]) RETURNS bigint IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT $1[2] / nullif($1[1], 0) $$;
CREATE OR REPLACE AGGREGATE redshift.avg(smallint)
(SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE AGGREGATE redshift.avg(integer)
(SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE AGGREGATE redshift.avg(bigint)
(SFUNC = redshift.avg_step, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = redshift.avg_result);
CREATE OR REPLACE FUNCTION redshift.avg_refused(numeric, numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'syntax_error', MESSAGE =
'The stand-in does not cover AVG of a DECIMAL: cast it to DOUBLE PRECISION.'; END $$;
CREATE OR REPLACE AGGREGATE redshift.avg(numeric) (SFUNC = redshift.avg_refused, STYPE = numeric);
"""


def install(info: ConnectionInfo) -> None:
    """Create the database and these objects on the server."""
    name, database = info["dbname"], Identifier(info["dbname"])
    with closing(open_plain({**info, "dbname": "postgres"})) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(SQL("CREATE DATABASE {}").format(database))
        # New tables go to public; redshift comes before pg_catalog so that its AVG and ROUND are the ones found.
        path = "ALTER DATABASE {} SET search_path = public, redshift, pg_catalog"
        cursor.execute(SQL(path).format(database))
    with closing(open_plain(info)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(TABLES + FUNCTIONS)
        cursor.execute("TRUNCATE redshift.stv_load_state, redshift.last_copy")  # of sessions of an earlier server


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

"""Redshift's system tables and functions that PostgreSQL lacks, in a schema of their own on the search path."""

from contextlib import closing

import psycopg2

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
"""

# AVG of integers is an integer in Redshift, and ROUND takes a number of digits for a DOUBLE PRECISION too.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint LANGUAGE sql AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_id() RETURNS integer LANGUAGE sql AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_copy_id', true), ''), '-1')::integer $$;
CREATE OR REPLACE FUNCTION redshift.round(double precision, integer) RETURNS double precision IMMUTABLE STRICT
LANGUAGE sql AS $$ SELECT pg_catalog.round($1::numeric, $2)::double precision $$;
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
"""


def install(reach: dict[str, str | int]) -> None:
    """Create the database and these objects on the server that `reach` (psycopg2.connect's arguments) names."""
    database = reach["dbname"]
    with closing(psycopg2.connect(**{**reach, "dbname": "postgres"})) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {database}")
        # New tables go to public; redshift comes before pg_catalog so that its AVG and ROUND are the ones found.
        cursor.execute(f"ALTER DATABASE {database} SET search_path = public, redshift, pg_catalog")
    with closing(psycopg2.connect(**reach)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(TABLES + FUNCTIONS)
        cursor.execute("TRUNCATE redshift.stv_load_state")  # of a COPY that was killed with the server

-- The session's last COPY is in its settings, which a rollback takes back, and in last_copy, which the transaction of the
-- COPY does not see: the newer one of the two counts.
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_id() RETURNS integer STABLE
RETURN greatest(-1, nullif(current_setting('redshift.last_copy_id', true), '')::integer,
    (SELECT query FROM redshift.last_copy WHERE session = pg_backend_pid()));
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint STABLE
RETURN CASE WHEN current_setting('redshift.last_copy_id', true) = redshift.pg_last_copy_id()::text
    THEN current_setting('redshift.last_copy_count')::bigint
    ELSE coalesce((SELECT rows_loaded FROM redshift.last_copy WHERE session = pg_backend_pid()), 0) END;

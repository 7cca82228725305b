-- The session's last COPY is in its settings, which a rollback takes back, and in last_copy, which the transaction of the
-- COPY does not see: the newer one of the two counts.
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_id() RETURNS integer STABLE
RETURN greatest(-1, nullif(current_setting('redshift.last_copy_id', true), '')::integer,
    (SELECT query FROM redshift.last_copy WHERE session = pg_backend_pid()));
CREATE OR REPLACE FUNCTION redshift.pg_last_copy_count() RETURNS bigint STABLE
RETURN CASE WHEN current_setting('redshift.last_copy_id', true) = redshift.pg_last_copy_id()::text
    THEN current_setting('redshift.last_copy_count')::bigint
    ELSE coalesce((SELECT rows_loaded FROM redshift.last_copy WHERE session = pg_backend_pid()), 0) END;

-- Tables and columns. Distribution, sort keys and compression are ignored here, so what tells of them is NULL.
CREATE OR REPLACE VIEW redshift.pg_table_def AS
SELECT nspname AS schemaname, relname AS tablename, attname AS "column", format_type(atttypid, atttypmod) AS type,
    NULL::text AS encoding, NULL::boolean AS distkey, NULL::integer AS sortkey, attnotnull AS "notnull"
FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
    INNER JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relkind IN ('r', 'p') AND nspname = ANY (current_schemas(false)) AND nspname NOT IN ('redshift', 'pg_catalog')
ORDER BY nspname, relname, attnum;
CREATE OR REPLACE VIEW redshift.svv_tables AS
SELECT table_catalog, table_schema, table_name, table_type, NULL::text AS remarks FROM information_schema.tables
WHERE table_schema <> 'redshift';
CREATE OR REPLACE VIEW redshift.svv_columns AS
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
    character_maximum_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, interval_type,
    interval_precision, character_set_catalog, character_set_schema, character_set_name, collation_catalog,
    collation_schema, collation_name, domain_name, NULL::text AS remarks
FROM information_schema.columns WHERE table_schema <> 'redshift';
CREATE OR REPLACE FUNCTION redshift.row_count(regclass) RETURNS numeric STABLE LANGUAGE plpgsql AS $$
DECLARE rows numeric;
BEGIN
    EXECUTE 'SELECT count(*) FROM ' || $1 INTO rows;
    RETURN rows;
END $$;
CREATE OR REPLACE VIEW redshift.svv_table_info AS
SELECT current_database()::text AS database, nspname::text AS schema, pg_class.oid AS table_id, relname::text AS "table",
    NULL::text AS encoded, NULL::text AS diststyle, NULL::text AS sortkey1, NULL::integer AS max_varchar,
    NULL::text AS sortkey1_enc, NULL::integer AS sortkey_num, ceil(pg_total_relation_size(pg_class.oid) / 1048576.0)::bigint AS size,
    NULL::numeric AS pct_used, 0::numeric AS empty, NULL::numeric AS unsorted, NULL::numeric AS stats_off,
    redshift.row_count(pg_class.oid::regclass) AS tbl_rows
FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('redshift', 'pg_catalog', 'information_schema', 'pg_toast') AND nspname NOT LIKE 'pg_temp%';

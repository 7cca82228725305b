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
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tables', 'columns', 'views', 'schemata', 'table_constraints', 'key_column_usage'] LOOP
        EXECUTE format('CREATE OR REPLACE VIEW redshift.schema_%1$s AS SELECT * FROM information_schema.%1$s WHERE %2$s NOT IN (''redshift'', ''pg_toast'') %3$s', name,
            CASE name WHEN 'schemata' THEN 'schema_name' ELSE 'table_schema' END, CASE name WHEN 'table_constraints' THEN 'AND constraint_type <> ''CHECK''' END);
    END LOOP;
END $$;
-- The columns of those of these tables that there are, with their types: the dialect asks for them.
CREATE OR REPLACE FUNCTION redshift.columns_of(text[]) RETURNS TABLE (name text, names text[], types text[]) STABLE LANGUAGE sql AS $$
SELECT name, array_agg(attname::text ORDER BY attnum), array_agg(format_type(atttypid, atttypmod) ORDER BY attnum)
FROM unnest($1) AS n (name) INNER JOIN pg_attribute ON attrelid = to_regclass(name) AND attnum > 0 AND NOT attisdropped
GROUP BY name ORDER BY name
$$;
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
    redshift.row_count(pg_class.oid::regclass) AS tbl_rows, NULL::numeric AS skew_sortkey1, NULL::numeric AS skew_rows,
    redshift.row_count(pg_class.oid::regclass) AS estimated_visible_rows, NULL::text AS risk_event, NULL::numeric AS vacuum_sort_benefit
FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('redshift', 'pg_catalog', 'information_schema', 'pg_toast') AND nspname NOT LIKE 'pg_temp%';

-- COPYs: one row each in load_history, which the rows of stv_load_state (there while a COPY runs) begin and end.
CREATE TABLE IF NOT EXISTS redshift.load_history (
    query integer PRIMARY KEY, session integer, start_time timestamp, end_time timestamp, files integer, files_read integer,
    bytes bigint, bytes_read bigint, loaded_rows bigint
);
CREATE OR REPLACE FUNCTION redshift.note_load() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO redshift.load_history (query, session, start_time, files, bytes)
        VALUES (NEW.query, NEW.session, NEW.recordtime, NEW.num_files, NEW.bytes_to_load) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE redshift.load_history SET end_time = now(), files_read = OLD.num_files_complete, bytes_read = OLD.bytes_loaded,
            loaded_rows = (SELECT rows_loaded FROM redshift.last_copy WHERE query = OLD.query) WHERE query = OLD.query;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER note_load AFTER INSERT OR DELETE ON redshift.stv_load_state
FOR EACH ROW EXECUTE FUNCTION redshift.note_load();
CREATE OR REPLACE VIEW redshift.sys_load_history AS
SELECT 100 AS user_id, h.query::bigint AS query_id, h.session AS session_id, current_database()::text AS database_name,
    CASE WHEN h.end_time IS NULL THEN 'running' WHEN h.loaded_rows > 0 OR e.errors = 0 THEN 'completed' ELSE 'aborted' END AS status,
    h.start_time, h.end_time, (extract(epoch FROM coalesce(h.end_time, now()::timestamp) - h.start_time) * 1000000)::bigint AS duration,
    'json'::text AS file_format, h.loaded_rows, h.bytes_read AS loaded_bytes, h.files::bigint AS source_file_count,
    h.bytes AS source_file_bytes, coalesce(s.num_files_complete, h.files_read, 0)::bigint AS file_count_scanned,
    coalesce(s.bytes_loaded, h.bytes_read, 0) AS file_bytes_scanned, e.errors AS error_count,
    lower(substring(q.query_text, '(?i)\mcopy\s+([\w."]+)')) AS table_name, substring(q.query_text, '(?i)\mfrom\s+e?''([^'']+)''') AS data_source
FROM redshift.load_history AS h LEFT JOIN redshift.stv_load_state AS s ON s.query = h.query LEFT JOIN redshift.query_log AS q ON q.query = h.query
    CROSS JOIN LATERAL (SELECT count(*) AS errors FROM redshift.stl_load_errors AS e WHERE e.query = h.query) AS e;
CREATE OR REPLACE VIEW redshift.sys_load_error_detail AS
SELECT userid AS user_id, query::bigint AS query_id, session AS session_id, current_database()::text AS database_name, tbl AS table_id,
    starttime AS start_time, filename AS file_name, line_number, colname AS column_name, type AS column_type,
    col_length AS column_length, position, err_code AS error_code, err_reason AS error_message
FROM redshift.stl_load_errors;

-- Redshift's own parameters have a prefix here, and the path two schemas more.
CREATE OR REPLACE FUNCTION redshift.current_setting(text, boolean DEFAULT true) RETURNS text STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $1 <> 'search_path' THEN coalesce(pg_catalog.current_setting('redshift.' || $1, true), pg_catalog.current_setting($1, NOT $2))
    WHEN pg_catalog.current_setting($1) = 'public, redshift, pg_catalog' THEN '$user, public'
    ELSE replace(pg_catalog.current_setting($1), ', redshift, pg_catalog', '') END;
CREATE OR REPLACE FUNCTION redshift.set_config(text, text, boolean) RETURNS text VOLATILE STRICT
RETURN pg_catalog.set_config(CASE WHEN pg_catalog.current_setting('redshift.' || $1, true) IS NULL THEN '' ELSE 'redshift.' END || $1, $2, $3);

-- ALTER COLUMN ... TYPE: another length for a VARCHAR, which its CHECK holds.
CREATE OR REPLACE PROCEDURE redshift.widen(tab text, col text, size integer) LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
    SELECT conname, attnum, format_type(atttypid, atttypmod) AS kind INTO found
    FROM pg_attribute LEFT JOIN pg_constraint ON conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'c' AND conname ~ '^bytes_[0-9]+_[0-9]+$'
    WHERE attrelid = tab::regclass AND attname = lower(col);
    IF found.attnum IS NULL THEN
        PERFORM redshift.fail(format('column "%s" of relation "%s" does not exist', col, tab));
    ELSIF found.conname IS NULL THEN
        PERFORM redshift.fail(format('cannot alter type of a column: "%s" is not a VARCHAR', col));
    END IF;
    EXECUTE format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ALTER %3$I TYPE varchar(%4$s), ADD CONSTRAINT %5$I CHECK (octet_length(CAST(%3$I AS text)) <= %4$s)', tab::regclass, found.conname, lower(col), size, regexp_replace(found.conname, '[0-9]+', size::text));
END $$;

-- Statements: STL_QUERY has the queries, SYS_QUERY_HISTORY all of them and those that run. What is not known here is NULL.
CREATE OR REPLACE FUNCTION redshift.query_type(verb text, query_text text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN verb IN ('SELECT', 'WITH', '(', 'FETCH') THEN 'SELECT' WHEN verb IN ('INSERT', 'UPDATE', 'DELETE', 'MERGE', 'COPY') THEN verb
    WHEN verb = 'CREATE' AND query_text ~* '\mtable\M.*\mas\M' THEN 'CTAS' WHEN verb IN ('CREATE', 'DROP', 'ALTER', 'TRUNCATE') THEN 'DDL' ELSE 'UTILITY' END;
CREATE OR REPLACE FUNCTION redshift.note_query(pid integer, label text, verb text, query_text text, start double precision, fault text, returned bigint)
RETURNS void LANGUAGE sql AS $$
INSERT INTO redshift.query_log -- a COPY has the number of its own log
SELECT coalesce(max(query), nextval('redshift.query_id')), $1, $2, $3, left($4, 4000), to_timestamp($5), clock_timestamp(), $6, $7
FROM redshift.last_copy WHERE session = $1 AND $3 = 'COPY'
$$;
CREATE OR REPLACE VIEW redshift.stl_query AS
SELECT 100 AS userid, query::integer, label::char(320) AS label, NULL::bigint AS xid, session AS pid, current_database()::char(32) AS database,
    query_text::char(4000) AS querytxt, start_time AT TIME ZONE 'UTC' AS starttime, end_time AT TIME ZONE 'UTC' AS endtime,
    (fault IS NOT NULL)::integer AS aborted, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM redshift.query_log WHERE redshift.query_type(verb, query_text) NOT IN ('DDL', 'UTILITY');
CREATE OR REPLACE VIEW redshift.stl_querytext AS
SELECT userid, xid, pid, query, part AS sequence, substr(querytxt, part * 200 + 1, 200)::char(200) AS text
FROM redshift.stl_query, generate_series(0, greatest(char_length(querytxt) - 1, 0) / 200) AS part;
CREATE OR REPLACE VIEW redshift.svl_qlog AS
SELECT userid, query, xid, pid, starttime, endtime, (extract(epoch FROM endtime - starttime) * 1000000)::bigint AS elapsed, aborted, label,
    left(querytxt, 60)::char(60) AS substring, NULL::integer AS source_query, 0 AS concurrency_scaling_status, NULL::integer AS from_sp_call
FROM redshift.stl_query;
CREATE OR REPLACE VIEW redshift.sys_query_history AS
SELECT 100 AS user_id, q.query AS query_id, q.label::char(320) AS query_label, NULL::bigint AS transaction_id, q.session AS session_id,
    current_database()::char(128) AS database_name, redshift.query_type(q.verb, q.query_text)::char(32) AS query_type,
    q.status::char(10) AS status, false AS result_cache_hit, q.start_time AT TIME ZONE 'UTC' AS start_time, q.end_time AT TIME ZONE 'UTC' AS end_time,
    (extract(epoch FROM coalesce(q.end_time, clock_timestamp()) - q.start_time) * 1000000)::bigint AS elapsed_time, 0::bigint AS queue_time,
    (extract(epoch FROM coalesce(q.end_time, clock_timestamp()) - q.start_time) * 1000000)::bigint AS execution_time, q.fault::char(512) AS error_message,
    greatest(q.returned_rows, 0) AS returned_rows, NULL::bigint AS returned_bytes, q.query_text::char(4000) AS query_text
FROM (SELECT *, CASE WHEN fault IS NULL THEN 'success' WHEN fault ~ 'cancel|Interrupt' THEN 'canceled' ELSE 'failed' END AS status FROM redshift.query_log
    UNION ALL SELECT NULL, pid, 'default', upper(substring(query, '[A-Za-z]+')), query, query_start, NULL, NULL, NULL, 'running' FROM pg_stat_activity
    WHERE state = 'active' AND backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()) AS q;
CREATE OR REPLACE VIEW redshift.stl_load_commits AS
SELECT 100 AS userid, 0 AS slice, query, ''::char(256) AS name, file_name::char(256) AS filename, 0::bigint AS byte_offset, NULL::integer AS lines_scanned,
    0 AS errors, end_time AS curtime, 1 AS status, 'json'::char(16) AS file_format
FROM redshift.load_files;
CREATE OR REPLACE FUNCTION redshift.current_schemas(boolean) RETURNS name[] STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $1 THEN ARRAY['pg_catalog'::name] ELSE ARRAY[]::name[] END
    || array_remove(array_remove(pg_catalog.current_schemas($1), 'redshift'::name), 'pg_catalog'::name);

-- Views. Nothing is inserted into one, updated or deleted.
CREATE OR REPLACE FUNCTION redshift.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = CASE TG_OP WHEN 'INSERT' THEN 'cannot insert into a view' WHEN 'UPDATE' THEN 'cannot update a view' ELSE 'cannot delete from a view' END;
END $$;
CREATE OR REPLACE FUNCTION redshift.on_view() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
    FOR name IN SELECT object_identity FROM pg_event_trigger_ddl_commands() WHERE object_type = 'view' AND schema_name <> 'redshift' LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change INSTEAD OF INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION redshift.refuse_change()', name);
    END LOOP;
END $$;

-- A view WITH NO SCHEMA BINDING is kept as its text. It is bound while its tables are there, and says what it lacks while not.
CREATE OR REPLACE FUNCTION redshift.bind(view text, definition text, bound boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE lacking text := 'The view ' || view || ' names what is not there';
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS %s', view);
    IF bound THEN
        BEGIN
            EXECUTE format('CREATE VIEW %s%s', view, definition);
            RETURN;
        EXCEPTION WHEN undefined_table OR undefined_column OR invalid_schema_name THEN lacking := SQLERRM;
        END;
    END IF;
    EXECUTE format('CREATE VIEW %s AS SELECT redshift.fail(%L)', view, lacking);
EXCEPTION WHEN dependent_objects_still_exist THEN RETURN; -- another view is bound to it: it stays
END $$;
CREATE OR REPLACE FUNCTION redshift.on_table() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_catalog.current_setting('redshift.binding', true) = 'on' OR NOT EXISTS (SELECT FROM redshift.late_views) THEN RETURN; END IF;
    PERFORM pg_catalog.set_config('redshift.binding', 'on', true);
    IF TG_EVENT = 'sql_drop' THEN
        DELETE FROM redshift.late_views USING pg_event_trigger_dropped_objects() AS dropped WHERE object_identity = late_views.name;
    ELSE
        PERFORM redshift.bind(name, definition, TG_EVENT = 'ddl_command_end') FROM redshift.late_views;
    END IF;
    PERFORM pg_catalog.set_config('redshift.binding', 'off', true);
END $$;
CREATE OR REPLACE PROCEDURE redshift.make_late_view(view text, definition text, replaced boolean) LANGUAGE plpgsql AS $$
DECLARE parts text[] := parse_ident(view);
BEGIN
    view := format('%I.%I', CASE cardinality(parts) WHEN 1 THEN pg_catalog.current_schema() ELSE parts[1] END, parts[cardinality(parts)]);
    IF to_regclass(view) IS NOT NULL AND NOT (replaced AND EXISTS (SELECT FROM redshift.late_views WHERE late_views.name = view)) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_table', MESSAGE = format('relation "%s" already exists', parts[cardinality(parts)]);
    END IF;
    PERFORM pg_catalog.set_config('redshift.binding', 'on', true);
    PERFORM redshift.bind(view, definition, true);
    PERFORM pg_catalog.set_config('redshift.binding', 'off', true);
    INSERT INTO redshift.late_views VALUES (view, definition) ON CONFLICT (name) DO UPDATE SET definition = excluded.definition;
END $$;
DROP EVENT TRIGGER IF EXISTS redshift_view;
DROP EVENT TRIGGER IF EXISTS redshift_table_begins;
DROP EVENT TRIGGER IF EXISTS redshift_table_ends;
DROP EVENT TRIGGER IF EXISTS redshift_drop;
CREATE EVENT TRIGGER redshift_view ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION redshift.on_view();
CREATE EVENT TRIGGER redshift_table_begins ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'ALTER TABLE') EXECUTE FUNCTION redshift.on_table();
CREATE EVENT TRIGGER redshift_table_ends ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') EXECUTE FUNCTION redshift.on_table();
CREATE EVENT TRIGGER redshift_drop ON sql_drop WHEN TAG IN ('DROP VIEW', 'DROP SCHEMA') EXECUTE FUNCTION redshift.on_table();

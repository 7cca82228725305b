-- Columns as in AWS's reference for STL_LOAD_ERRORS and STV_LOAD_STATE. Rows are written over a connection of their own, so
-- they survive the rollback of the COPY that they tell of.
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
CREATE TABLE IF NOT EXISTS redshift.late_views (name text PRIMARY KEY, definition text);
CREATE TABLE IF NOT EXISTS redshift.analyzed (number bigint GENERATED ALWAYS AS IDENTITY, tbl oid, changes bigint);
CREATE TABLE IF NOT EXISTS redshift.load_files (query integer, file_name text, end_time timestamp);
CREATE OR REPLACE VIEW redshift.svv_transactions AS SELECT
    activity.usename::text AS txn_owner, activity.datname::text AS txn_db, activity.backend_xid::text::bigint AS xid,
    locks.pid, activity.xact_start AT TIME ZONE 'UTC' AS txn_start, locks.mode AS lock_mode,
    locks.locktype AS lockable_object_type, locks.relation::bigint AS relation, locks.granted
FROM pg_locks AS locks INNER JOIN pg_stat_activity AS activity ON locks.pid = activity.pid
WHERE activity.datname = current_database();
CREATE TABLE IF NOT EXISTS redshift.last_copy (session integer PRIMARY KEY, query integer, rows_loaded bigint);

-- Redshift's analyze_threshold_percent is 10: ANALYZE passes over a table of which less has changed (AWS, ANALYZE). PostgreSQL
-- takes what a transaction changed before it analyzed for later changes, so how many there had been is noted then.
CREATE OR REPLACE FUNCTION redshift.changes(oid) RETURNS bigint RETURN (
    SELECT before.n_tup_ins + before.n_tup_upd + before.n_tup_del + now.n_tup_ins + now.n_tup_upd + now.n_tup_del
    FROM pg_stat_user_tables AS before INNER JOIN pg_stat_xact_user_tables AS now ON before.relid = now.relid
    WHERE before.relid = $1
);
CREATE OR REPLACE FUNCTION redshift.changed_little(oid) RETURNS boolean RETURN (
    SELECT redshift.changes($1) - analyzed.changes BETWEEN 0 AND pg_class.reltuples / 10
    FROM redshift.analyzed INNER JOIN pg_class ON analyzed.tbl = pg_class.oid
    WHERE analyzed.tbl = $1 ORDER BY analyzed.number DESC LIMIT 1
);
-- One table, or all; their zone maps are brought up to date.
CREATE OR REPLACE FUNCTION redshift.note_analyzed(one oid, needless boolean) RETURNS bigint BEGIN ATOMIC
    INSERT INTO redshift.analyzed (tbl, changes)
    SELECT relid, redshift.changes(relid) FROM pg_stat_user_tables WHERE relid = coalesce(one, relid) AND NOT needless;
    SELECT sum(brin_summarize_new_values(pg_index.indexrelid)) FROM pg_index
    INNER JOIN pg_class ON pg_index.indexrelid = pg_class.oid
    INNER JOIN pg_am ON pg_class.relam = pg_am.oid AND pg_am.amname = 'brin'
    WHERE pg_index.indrelid = coalesce(one, pg_index.indrelid);
END;

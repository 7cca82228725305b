"""What the system views tell of COPYs, and how the system tables and functions are installed."""

import re

import psycopg2
import pytest

from infra.errors import ServerError
from infra.local import system_tables


def test_load_history_tells_of_each_copy(connection, tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"a": 1}\n{"a": 2}\n')
    bad = tmp_path / "b.json"
    bad.write_text('{"a": "x"}\n')
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER)")
        copy = "COPY t FROM %s IAM_ROLE 'arn:aws:iam::123456789012:role/r' FORMAT AS JSON 'auto'"
        cursor.execute(copy, (str(file),))
        cursor.execute("SELECT pg_last_copy_id()")
        [(query,)] = cursor.fetchall()
        with pytest.raises(psycopg2.InternalError):
            cursor.execute(copy, (str(bad),))
        cursor.execute(
            "SELECT status, loaded_rows, source_file_count, error_count FROM sys_load_history "
            "WHERE query_id >= %s ORDER BY query_id",
            (query,),
        )
        assert cursor.fetchall() == [("completed", 2, 1, 0), ("aborted", 0, 1, 1)]
        cursor.execute("SELECT column_name, error_code FROM sys_load_error_detail WHERE query_id > %s", (query,))
        assert cursor.fetchall() == [("a", 1207)]


def test_functions_are_installed_once_for_each_version(connection, monkeypatch, warehouse_path):
    info = connection.connection_info
    with connection.open_another() as plain, plain.cursor() as cursor:
        cursor.execute("SELECT oid, xmin FROM pg_proc WHERE pronamespace = 'redshift'::regnamespace ORDER BY oid")
        before = cursor.fetchall()
        system_tables.install(info)
        cursor.execute("SELECT oid, xmin FROM pg_proc WHERE pronamespace = 'redshift'::regnamespace ORDER BY oid")
        assert cursor.fetchall() == before
    monkeypatch.setattr(system_tables, "ONCE", ("operators", "text"))
    with pytest.raises(
        ServerError, match=rf"in {re.escape(str(warehouse_path))} was made by another version: delete that folder"
    ):
        system_tables.install(info)


def test_a_comment_keeps_its_backslash(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER)")
        cursor.execute(r"COMMENT ON TABLE t IS 'C:\\dir, it\'s'")
        cursor.execute("SELECT description FROM pg_description WHERE description LIKE 'C:%'")
        assert cursor.fetchall() == [(r"C:\dir, it's",)]


def test_queries_are_logged_with_their_label_and_their_fault(connection, tmp_path):
    file = tmp_path / "a.json"
    file.write_text('{"a": 1}\n')
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER)")
        cursor.execute("SET query_group TO 'evening'")
        cursor.execute("-- t: insert\nINSERT INTO t VALUES (%s), (2)", (1,))
        cursor.execute("RESET query_group")
        cursor.execute("COPY t FROM %s IAM_ROLE 'arn:aws:iam::123456789012:role/r' FORMAT AS JSON 'auto'", (str(file),))
        with pytest.raises(psycopg2.errors.DivisionByZero):
            cursor.execute("SELECT 1 / 0")
        connection.rollback()  # the log stays
        cursor.execute(
            "SELECT TRIM(label), TRIM(SUBSTRING(querytxt, 1, 12)), aborted, endtime >= starttime FROM stl_query "
            "WHERE pid = PG_BACKEND_PID() ORDER BY query DESC LIMIT 3"
        )
        assert cursor.fetchall() == [
            ("default", "SELECT 1 / 0", 1, True),
            ("default", "COPY t FROM", 0, True),
            ("evening", "-- t: insert", 0, True),
        ]
        cursor.execute(
            "SELECT TRIM(query_type), TRIM(status), returned_rows FROM sys_query_history "
            "WHERE session_id = PG_BACKEND_PID() AND query_type IN ('DDL', 'INSERT', 'COPY') ORDER BY start_time"
        )
        assert cursor.fetchall()[:2] == [("DDL", "success", 0), ("INSERT", "success", 2)]
        cursor.execute(
            "SELECT TRIM(c.filename) = %s, TRIM(q.querytxt) LIKE 'COPY t%%' FROM stl_load_commits AS c "
            "INNER JOIN stl_query AS q ON q.query = c.query WHERE q.pid = PG_BACKEND_PID()",
            (str(file),),
        )
        assert cursor.fetchall() == [(True, True)]
        cursor.execute(
            "SELECT table_name, data_source = %s FROM sys_load_history ORDER BY query_id DESC LIMIT 1", (str(file),)
        )
        assert cursor.fetchall() == [("t", True)]

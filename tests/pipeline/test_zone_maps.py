"""The embedded warehouse's zone maps: a stretch of the sort key reads the pages of that stretch."""

from psycopg2.extensions import cursor as PlainCursor

from tests.fixtures.etl import TS, event

DAY = 86_400_000


def test_a_table_gets_one_for_each_key_and_analyze_brings_it_up_to_date(case, onlooker):
    cursor = onlooker.cursor()
    cursor.execute("SELECT tablename || ' ' || indexname FROM pg_indexes WHERE indexdef LIKE '%USING brin%' ORDER BY 1")
    assert [name for (name,) in cursor.fetchall()] == [
        "songplays songplays_start_time_zones", "time time_start_time_zones"
    ]  # fmt: skip
    case.load([event(ts=TS + number * DAY // 100, sessionId=number) for number in range(8000)])
    cursor.execute("ANALYZE songplays")
    cursor.execute(
        "EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) SELECT song FROM songplays "
        "WHERE start_time BETWEEN '2018-11-02 01:00' AND '2018-11-02 03:00'"
    )
    plan = cursor.fetchone()[0][0]["Plan"]
    assert plan["Node Type"] == "Bitmap Heap Scan"
    assert plan["Rows Removed by Index Recheck"] < 2500  # of 8,000


def test_analyze_leaves_out_a_table_of_which_less_than_a_tenth_has_changed(connection):
    def add(rows: int) -> float:
        """Add rows, analyze, and return how many rows the planner takes the table to have."""
        with connection.cursor() as cursor, connection.cursor(cursor_factory=PlainCursor) as plain:
            cursor.executemany("INSERT INTO t VALUES (%s)", [(number,) for number in range(rows)])
            plain.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("ANALYZE t")
            plain.execute("SELECT reltuples FROM pg_class WHERE oid = 't'::regclass")
            return plain.fetchone()[0]

    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER)")
    assert add(200) == 200
    assert add(10) == 200
    assert add(12) == 222


def test_analyze_knows_what_its_own_transaction_changed(connection):
    with connection.cursor() as cursor, connection.cursor(cursor_factory=PlainCursor) as plain:

        def analyzed() -> object:
            """When the table was analyzed last."""
            plain.execute("SELECT pg_stat_clear_snapshot()")
            plain.execute("SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 't'")
            return plain.fetchone()[0]

        cursor.execute("CREATE TABLE t (a INTEGER)")
        cursor.execute("INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)")
        cursor.execute("ANALYZE t")
        connection.commit()
        plain.execute("SELECT pg_stat_force_next_flush()")
        connection.commit()
        first = analyzed()
        cursor.execute("ANALYZE t")
        connection.commit()
        assert analyzed() == first is not None
        cursor.execute("UPDATE t SET a = 0 WHERE a < 3")
        cursor.execute("ANALYZE t")
        connection.commit()
        assert analyzed() > first

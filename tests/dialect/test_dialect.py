"""Redshift's SQL on the embedded warehouse: what is translated, what it means, what is refused and how."""

import datetime
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import psycopg2
import psycopg2.extras
import pytest
from psycopg2 import errors, sql

import sql_queries
from infra import warehouse
from infra.errors import LackingError, NotSupportedError, UntranslatableError
from infra.local.dialect import translate
from tests.fuzz import dialect as fuzzed

CASES = [
    tuple(pair.splitlines())
    for pair in (Path(__file__).parent / "dialect_cases.sql").read_text(encoding="utf-8").strip().split("\n\n")[1:]
]


def rows(connection, query, parameters=None) -> list[tuple]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def run(connection, *queries: str) -> None:
    """Run statements that return nothing."""
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(query)


@pytest.mark.parametrize(("redshift", "postgres"), CASES)
def test_translation(redshift, postgres):
    """Each pair of dialect_cases.sql."""
    statement = translate.translate(redshift)
    if statement.tables:
        statement = translate.translate(redshift, (('"t"', (("ms", "bigint"),)),))
    assert statement.sql == postgres


def test_a_fault_of_the_translation_itself_is_one_sentence_and_for_the_fuzzer_a_find(connection, monkeypatch):
    def fault(*_):
        """What a fault of sqlglot would raise."""
        raise KeyError("expressions")

    monkeypatch.setattr(translate.rewrite, "statement", fault)
    words = "The embedded warehouse cannot translate this statement: SELECT 41 + 1 ... Amazon Redshift may take it."
    with connection.cursor() as cursor:
        with pytest.raises(errors.SyntaxError) as caught:
            cursor.execute("SELECT 41\n+ 1")
        assert caught.value.diag.message_primary == words
        with pytest.raises(errors.InFailedSqlTransaction):
            cursor.execute("SHOW search_path")
    with pytest.raises(UntranslatableError) as found:
        fuzzed.check(b"SELECT 41 + 1")
    assert isinstance(found.value.__cause__, KeyError)


def test_every_statement_of_the_product_is_covered():
    """No statement of sql_queries.py is refused; values stand where the parameters do."""
    values = dict.fromkeys(("session", "after", "max_errors"), 1)
    values |= dict.fromkeys(("log_data", "role_arn", "region", "log_jsonpath", "song_data", "load_id"), "'x'")
    values |= dict.fromkeys(("first", "last", "source", "file_list"), "'2018-11-01'")
    queries = [query for name, query in vars(sql_queries).items() if isinstance(query, str) and name[0] != "_"]
    queries += sql_queries.staging_checks + sql_queries.quality_checks
    assert len(queries) > 40
    for query in queries:
        translate.translate(query % values)


# Each expression with the value that AWS's reference documents or its rules give.
EXPRESSIONS = [
    ("5 / 2", 2),
    ("-5 / 2", -2),
    ("5 % 3", 2),
    ("-5 % 3", -2),
    ("5 / 2.0", Decimal("2.5")),
    ("2 + 3 * 4 - 1", 13),
    ("-(-3)", 3),
    ("CAST('12' AS INTEGER) + 1", 13),
    ("'12'::BIGINT", 12),
    ("CAST(2.6 AS DECIMAL)", Decimal("3")),
    ("CAST(2.345 AS DECIMAL(5, 2))", Decimal("2.35")),
    ("CAST(0.1234567890123 AS FLOAT)", 0.1234567890123),
    ("CAST(0.1234567890123 AS DOUBLE PRECISION)", 0.1234567890123),
    ("CAST(12 AS VARCHAR) || 'a'", "12a"),
    ("CAST('2018-11-01 21:01:46.796' AS TIMESTAMP)", datetime.datetime(2018, 11, 1, 21, 1, 46, 796000)),
    ("CAST('2018-11-01' AS DATE) + 1", datetime.date(2018, 11, 2)),
    ("DATE '2018-11-03' - DATE '2018-11-01'", 2),
    ("CAST('t' AS BOOLEAN)", True),
    ("'B' < 'a'", True),  # by bytes
    ("'Z' < 'é'", True),
    ("'a' = 'A'", False),
    ("NULL = NULL", None),
    ("'a' || NULL", None),
    ("1 IN (1, 2)", True),
    ("2 BETWEEN 1 AND 3", True),
    ("'abc' LIKE 'a%'", True),
    ("'abc' LIKE 'A%'", False),
    ("'ETÉ' ILIKE 'et_'", True),
    ("'ÉTÉ' ILIKE 'ét_'", False),
    ("'100%' LIKE '100!%' ESCAPE '!'", True),
    ("CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END", "b"),
    ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b"),
    ("EXISTS (SELECT 1)", True),
    ("ABS(-3)", 3),
    ("CEIL(1.2)", Decimal("2")),
    ("CEILING(-1.2)", Decimal("-1")),
    ("FLOOR(-1.2)", Decimal("-2")),
    ("ROUND(28.05, 1)", Decimal("28.1")),
    ("ROUND(CAST(28.06 AS DOUBLE PRECISION), 1)", 28.1),
    ("ROUND(CAST(1541121934796.127 AS DOUBLE PRECISION), 2)", 1541121934796.13),
    ("ROUND(15.6)", Decimal("16")),
    ("ROUND(CAST(15.6 AS FLOAT))", 16.0),
    ("ROUND(151, -1)", 150),
    ("ROUND(12345678912, -1)", 12345678910),
    ("ROUND(7) / 2", 3),
    ("ROUND(12345678912)", 12345678912),
    ("COALESCE(NULL, 2)", 2),
    ("NVL(NULL, 2)", 2),
    ("NVL2(NULL, 'not null', 'null')", "null"),
    ("NVL2(1, 'not null', 'null')", "not null"),
    ("NULLIF(0, 0)", None),
    ("NULLIF(1, 0)", 1),
    ("LOWER('ÀB')", "àb"),
    ("UPPER('éa')", "ÉA"),
    ("TRIM('  a b ')", "a b"),
    ("TRIM(BOTH 'x' FROM 'xxaxx')", "a"),
    ("BTRIM('xyaxyx', 'xy')", "a"),
    ("LTRIM('2008-01', '20')", "8-01"),
    ("LTRIM('  a ')", "a "),
    ("RTRIM(' a  ')", " a"),
    ("RTRIM('abcxx', 'x')", "abc"),
    ("LEN('français')", 8),
    ("LENGTH('cat   ')", 6),
    ("CHAR_LENGTH('é')", 1),
    ("CHARACTER_LENGTH('é')", 1),
    ("TEXTLEN('é')", 1),
    ("OCTET_LENGTH('français')", 9),
    ("SUBSTRING('caterpillar', 6, 4)", "pill"),
    ("SUBSTRING('caterpillar', 6)", "pillar"),
    ("SUBSTRING('caterpillar', 8, 4)", "llar"),
    ("SUBSTRING('caterpillar', 12, 4)", ""),
    ("SUBSTRING('caterpillar', 0, 3)", "ca"),
    ("SUBSTRING('caterpillar', -2, 4)", "c"),
    ("SUBSTR('caterpillar', 6, 4)", "pill"),
    ("CONCAT('a', 'b')", "ab"),
    ("CONCAT('a', NULL)", None),
    ("CONCAT('a', 1)", "a1"),
    ("MD5('Amazon Redshift')", "f7415e33f972c03abd4f3fed36748f7a"),
    ("EXTRACT(YEAR FROM TIMESTAMP '2018-11-04 21:01:46.796')", 2018),
    ("EXTRACT(QUARTER FROM TIMESTAMP '2018-11-04 21:01:46')", 4),
    ("EXTRACT(MONTH FROM TIMESTAMP '2018-11-04 21:01:46')", 11),
    ("EXTRACT(WEEK FROM TIMESTAMP '2018-11-04 21:01:46')", 44),
    ("EXTRACT(WEEK FROM DATE '2021-01-03')", 53),
    ("EXTRACT(DAY FROM DATE '2018-11-04')", 4),
    ("EXTRACT(HOUR FROM TIMESTAMP '2018-11-04 21:01:46')", 21),
    ("EXTRACT(MINUTE FROM TIMESTAMP '2018-11-04 21:01:46')", 1),
    ("EXTRACT(DOY FROM DATE '2018-02-01')", 32),
    ("EXTRACT(DOW FROM DATE '2018-11-04')", 0),
    ("EXTRACT(WEEKDAY FROM DATE '2018-11-10')", 6),
    ("EXTRACT(DAYOFWEEK FROM DATE '2018-11-05')", 1),
    ("EXTRACT(DOW FROM DATE '2018-11-10') / 4", 1),  # integers divide as such
    ("ROUND(EXTRACT(DOW FROM DATE '2018-11-10') / 4, 1)", 1),
    ("DATEDIFF(day, TIMESTAMP '2018-11-01 23:59:59', TIMESTAMP '2018-11-02 00:00:01')", 1),
    ("DATEDIFF(hour, TIMESTAMP '2018-11-01 10:59:59', TIMESTAMP '2018-11-01 11:00:00')", 1),
    ("DATEDIFF(hour, TIMESTAMP '2018-11-01 10:00:00', TIMESTAMP '2018-11-01 10:59:59')", 0),
    ("DATEDIFF(minute, TIMESTAMP '2018-11-01 10:01:59', TIMESTAMP '2018-11-01 10:00:00')", -1),
    ("DATEDIFF(second, TIMESTAMP '2018-11-01 10:00:00.9', TIMESTAMP '2018-11-01 10:00:01.1')", 1),
    ("DATEDIFF('day', DATE '2018-11-01', DATE '2018-10-30')", -2),
    ("DATEDIFF(day, DATE_TRUNC('week', TIMESTAMP '2018-11-04 12:00:00'), DATE '2018-11-04')", 6),
    ("DATE_TRUNC('week', TIMESTAMP '2018-11-04 21:01:46')", datetime.datetime(2018, 10, 29)),  # a Monday
    ("DATE_TRUNC('week', TIMESTAMP '2018-11-05 00:00:00')", datetime.datetime(2018, 11, 5)),
    ("DATE_TRUNC('month', DATE '2018-11-04')", datetime.datetime(2018, 11, 1)),
    ("DATE_TRUNC('hour', TIMESTAMP '2018-11-04 21:01:46')", datetime.datetime(2018, 11, 4, 21)),
    ("TIMESTAMP '2018-11-04 21:01:46' + INTERVAL '1 day'", datetime.datetime(2018, 11, 5, 21, 1, 46)),
    ("TIMESTAMP 'epoch' + 1541121934796 / 1000 * INTERVAL '1 second'", datetime.datetime(2018, 11, 2, 1, 25, 34)),
    ("TO_CHAR(TIMESTAMP '2018-11-04 09:01:46.796', 'YYYY-MM-DD HH24:MI:SS.MS')", "2018-11-04 09:01:46.796"),
    (
        "TO_CHAR(TIMESTAMP '2018-11-04 21:01:46', 'MON Mon mon DY D HH12 AM FMMonth')",
        "NOV Nov nov SUN 1 09 PM November",
    ),
    ("TO_CHAR(DATE '2018-11-04', 'Day, DDD Q IW')", "Sunday   , 308 4 44"),
    ("pg_backend_pid() > 0", True),
    ("LEN(version()) > 0", True),
    ("pg_last_copy_count()", 0),
    ("pg_last_copy_id()", -1),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expression(shared_connection, expression, expected):
    """The value and its Python type, which psycopg2 makes of the type on the server."""
    [(value,)] = rows(shared_connection, f"SELECT {expression}")
    assert (value, type(value)) == (expected, type(expected))


AGGREGATES = [
    ("COUNT(*)", [3]),
    ("COUNT(n)", [2]),
    ("COUNT(DISTINCT k)", [2]),
    ("SUM(n)", [5]),
    ("MIN(n), MAX(n)", [2, 3]),
    ("MIN(s), MAX(s)", ["B", "é"]),
    ("AVG(n)", [2]),  # 2.5: an integer's average is one
    ("AVG(-n)", [-2]),
    ("AVG(n * 1000000000000)", [2500000000000]),
    ("AVG(CAST(n AS SMALLINT))", [2]),
    ("AVG(CAST(n AS FLOAT))", [2.5]),
    ("AVG(DISTINCT k)", [1]),
    ("AVG(CAST(NULL AS INTEGER))", [None]),
    ("SUM(CASE WHEN n > 2 THEN 1 ELSE 0 END)", [1]),
]


@pytest.mark.parametrize(("expression", "expected"), AGGREGATES, ids=[text for text, _ in AGGREGATES])
def test_aggregate(shared_connection, expression, expected):
    """Over the rows (2, 1, 'a'), (3, 2, 'B'), (NULL, 2, 'é')."""
    table = "(SELECT 2 AS n, 1 AS k, 'a' AS s UNION ALL SELECT 3, 2, 'B' UNION ALL SELECT NULL, 2, 'é') AS t"
    assert rows(shared_connection, f"SELECT {expression} FROM {table}") == [tuple(expected)]


WINDOWS = [
    ("ROW_NUMBER() OVER (ORDER BY n)", [1, 2, 3]),
    ("RANK() OVER (ORDER BY k)", [1, 2, 2]),
    ("DENSE_RANK() OVER (ORDER BY k DESC)", [2, 1, 1]),
    ("LAG(n) OVER (ORDER BY n)", [None, 1, 2]),
    ("LEAD(n, 2) OVER (ORDER BY n)", [3, None, None]),
    ("FIRST_VALUE(n) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING)", [1, 1, 1]),
    ("LAST_VALUE(n) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", [3, 3, 3]),
    ("SUM(n) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING)", [1, 3, 6]),
    ("COUNT(*) OVER (PARTITION BY k)", [1, 2, 2]),
    ("MAX(n) OVER (ORDER BY n ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)", [2, 3, 3]),
]


@pytest.mark.parametrize(("expression", "expected"), WINDOWS, ids=[text for text, _ in WINDOWS])
def test_window(shared_connection, expression, expected):
    """Over the rows (n, k) = (1, 1), (2, 2), (3, 2)."""
    table = "(SELECT 1 AS n, 1 AS k UNION ALL SELECT 2, 2 UNION ALL SELECT 3, 2) AS t"
    assert [row[1] for row in rows(shared_connection, f"SELECT n, {expression} FROM {table} ORDER BY n")] == expected


def test_nulls_sort_as_the_largest(connection):
    """Last in ascending order, first in descending order."""
    query = "SELECT a FROM (SELECT 1 AS a UNION ALL SELECT NULL) AS t ORDER BY a"
    assert rows(connection, query) == [(1,), (None,)]
    assert rows(connection, f"{query} DESC") == [(None,), (1,)]


def test_qualify(connection):
    """The rows that pass, and no column more."""
    query = """SELECT a, b FROM (SELECT 1 AS a, 2 AS b UNION ALL SELECT 1, 3 UNION ALL SELECT 2, 9) AS t
    QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC) = 1"""
    assert sorted(rows(connection, query)) == [(1, 3), (2, 9)]


LACKING = {  # what Redshift lacks -> the beginning of the message
    "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING": "Amazon Redshift has no ON CONFLICT: use MERGE",
    "INSERT INTO t (a) VALUES (1) RETURNING a": "Amazon Redshift has no RETURNING",
    "DELETE FROM t RETURNING a": "Amazon Redshift has no RETURNING",
    "SELECT DISTINCT ON (a) a, s FROM t": "Amazon Redshift has no DISTINCT ON",
    "SELECT COUNT(*) FILTER (WHERE a > 1) FROM t": "Amazon Redshift has no FILTER",
    "SELECT COUNT(DISTINCT a, s) FROM t": "Amazon Redshift has no COUNT(DISTINCT ...) of several columns",
    "CREATE TABLE u (a SERIAL)": "Amazon Redshift has no type SERIAL: use IDENTITY",
    "CREATE TABLE u (a BIGSERIAL)": "Amazon Redshift has no type BIGSERIAL: use IDENTITY",
    "CREATE SEQUENCE s": "Amazon Redshift has no CREATE SEQUENCE: use an IDENTITY column",
    "SELECT nextval('s')": "Amazon Redshift has no NEXTVAL",
    "CREATE INDEX i ON t (a)": "Amazon Redshift has no CREATE INDEX: use a SORTKEY",
    "CREATE UNIQUE INDEX i ON t (a)": "Amazon Redshift has no CREATE UNIQUE INDEX",
    "CREATE TRIGGER x BEFORE INSERT ON t EXECUTE PROCEDURE f()": "Amazon Redshift has no CREATE TRIGGER",
    "CREATE TABLE u (a INTEGER CHECK (a > 0))": "Amazon Redshift has no CHECK constraint",
    "CREATE TYPE e AS ENUM ('a', 'b')": "Amazon Redshift has no CREATE TYPE",
    "CREATE TABLE u (a INTEGER[])": "Amazon Redshift has no array type",
    "SELECT ARRAY[1, 2]": "Amazon Redshift has no arrays",
    "SELECT CAST('{1}' AS INTEGER[])": "Amazon Redshift has no type ARRAY",
    "SELECT ARRAY_AGG(a) FROM t": "Amazon Redshift has no ARRAY_AGG: use LISTAGG",
    "SELECT a FROM UNNEST(ARRAY[1]) AS a": "Amazon Redshift has no UNNEST",
    "CREATE TABLE u (a JSON)": "Amazon Redshift has no type JSON",
    "CREATE TABLE u (a JSONB)": "Amazon Redshift has no type JSONB",
    "CREATE TABLE u (a UUID)": "Amazon Redshift has no type UUID",
    "SELECT CAST('{}' AS JSON)": "Amazon Redshift has no type JSON",
    "SELECT '{}'::JSONB": "Amazon Redshift has no type JSONB",
    "SELECT s::UUID FROM t": "Amazon Redshift has no type UUID",
    "SELECT s -> 'a' FROM t": "Amazon Redshift has no -> on JSON",
    "SELECT s ->> 'a' FROM t": "Amazon Redshift has no ->> on JSON",
    "SELECT s #> 'a' FROM t": "Amazon Redshift has no #> on JSONB",
    "SELECT s #>> 'a' FROM t": "Amazon Redshift has no #>> on JSONB",
    "SELECT s @> 'a' FROM t": "Amazon Redshift has no @> on arrays and JSONB",
    "SELECT JSON_AGG(a) FROM t": "Amazon Redshift has no JSON_AGG",
    "SELECT GENERATE_SERIES(1, 5)": "Amazon Redshift has no GENERATE_SERIES",
    "SELECT t.a FROM t CROSS JOIN GENERATE_SERIES(1, 5)": "Amazon Redshift has no GENERATE_SERIES",
    "SAVEPOINT s": "Amazon Redshift has no SAVEPOINT",
    "RELEASE SAVEPOINT s": "Amazon Redshift has no RELEASE SAVEPOINT",
    "CREATE TABLE u (a INTEGER ENCODE best)": "Amazon Redshift has no ENCODE BEST",
    "CREATE TABLE u (a INTEGER) DISTSTYLE SOME": "Amazon Redshift has no DISTSTYLE SOME",
    "SELECT STRING_AGG(s, ',') FROM t": "Amazon Redshift has no STRING_AGG: use LISTAGG",
    "SELECT a IS DISTINCT FROM 1 FROM t": "Amazon Redshift has no IS DISTINCT FROM",
    "SELECT a IS NOT DISTINCT FROM 1 FROM t": "Amazon Redshift has no IS NOT DISTINCT FROM",
    "SELECT a FROM t, LATERAL (SELECT 1) AS x": "Amazon Redshift has no LATERAL",
    "MERGE INTO t USING t2 ON t.a = t2.a WHEN MATCHED THEN DELETE": "Amazon Redshift's MERGE needs both",
    "MERGE INTO t USING (SELECT 1 AS a) AS x ON t.a = x.a WHEN MATCHED THEN DELETE "
    "WHEN NOT MATCHED THEN INSERT (a) VALUES (x.a)": "Amazon Redshift's MERGE takes a table as its source",
    "MERGE INTO t USING t2 ON t.a = t2.a WHEN MATCHED AND t.a > 1 THEN DELETE "
    "WHEN NOT MATCHED THEN INSERT (a) VALUES (t2.a)": "Amazon Redshift's MERGE has no conditions",
    "MERGE INTO t USING t2 ON t.a = t2.a WHEN MATCHED THEN DO NOTHING "
    "WHEN NOT MATCHED THEN INSERT (a) VALUES (t2.a)": "Amazon Redshift's MERGE has no DO NOTHING",
    "CREATE UNLOGGED TABLE u (a INTEGER)": "Amazon Redshift has no CREATE UNLOGGED TABLE",
    "CREATE EXTENSION hstore": "Amazon Redshift has no CREATE EXTENSION",
    "CREATE DOMAIN d AS INTEGER": "Amazon Redshift has no CREATE DOMAIN",
    "DO $$ BEGIN END $$": "Amazon Redshift has no DO blocks",
    "LISTEN x": "Amazon Redshift has no LISTEN",
    "NOTIFY x": "Amazon Redshift has no NOTIFY",
    "SELECT a FROM t TABLESAMPLE SYSTEM (10)": "Amazon Redshift has no TABLESAMPLE",
    "SELECT a FROM t FOR UPDATE": "Amazon Redshift has no SELECT FOR UPDATE",
    "SELECT a FROM ONLY t": "Amazon Redshift has no ONLY",
    "SELECT SUM(a) OVER (ORDER BY a) FROM t": "Aggregate window functions with an ORDER BY clause require a frame",
    "SELECT SUM(a) OVER (ORDER BY a RANGE UNBOUNDED PRECEDING) FROM t": "Amazon Redshift's windows have ROWS alone",
    "SELECT SUM(a) OVER w FROM t WINDOW w AS (PARTITION BY s)": "Amazon Redshift has no WINDOW clause",
    "SELECT LAG(a, 1, 0) OVER (ORDER BY a) FROM t": "Amazon Redshift's LAG does not take 3 arguments",
    "SELECT a FROM (VALUES (1), (2)) AS v (a)": "Amazon Redshift has no VALUES outside INSERT",
    "SELECT a FROM t EXCEPT ALL SELECT 1": "Amazon Redshift has no EXCEPT ALL",
    "SELECT a FROM t INTERSECT ALL SELECT 1": "Amazon Redshift has no INTERSECT ALL",
    "WITH d AS (DELETE FROM t) SELECT 1": "Amazon Redshift has no INSERT, UPDATE or DELETE in WITH",
    "WITH d AS MATERIALIZED (SELECT 1) SELECT 1 FROM d": "Amazon Redshift has no MATERIALIZED in WITH",
    "SELECT a BETWEEN SYMMETRIC 3 AND 1 FROM t": "Amazon Redshift has no BETWEEN SYMMETRIC",
    "SELECT ctid FROM t": "Amazon Redshift has no system column ctid",
    "DELETE FROM t AS x WHERE x.a = 1": "Amazon Redshift's DELETE has no alias",
    "SELECT IF(a > 1, 1, 2) FROM t": "Amazon Redshift has no IF: use CASE",
    "SELECT CONCAT(s, s, s) FROM t": "Amazon Redshift's CONCAT does not take 3 arguments",
    "CREATE TABLE u (a VARCHAR(65536))": "length for type varchar cannot exceed 65535",
    "CREATE TABLE u (a CHAR(4097))": "length for type char cannot exceed 4096",
    "CREATE TABLE u (a DECIMAL(39, 2))": "length for type decimal cannot exceed 38",
}
NOT_COVERED = {  # what the embedded warehouse does not cover -> the beginning of the message
    "SELECT IFNULL(a, 1) FROM t": "The embedded warehouse does not cover the function IFNULL",
    "SELECT TRY_CAST(s AS INTEGER) FROM t": "The embedded warehouse does not cover the function TRY_CAST",
    "SELECT pg_catalog.avg(a) FROM t": "The embedded warehouse does not cover pg_catalog.avg(a)",
    "SELECT a[1] FROM t": "The embedded warehouse does not cover a[1]",
    "SELECT SUBSTRING(s FROM 'a.') FROM t": "The embedded warehouse does not cover SUBSTRING with a pattern",
    "SELECT CAST(s AS CHAR) FROM t": "The embedded warehouse does not cover a cast to CHAR",
    "CREATE TABLE u (tag INTEGER)": 'syntax error at or near "tag", a reserved word',
    "SELECT open FROM t": 'syntax error at or near "open", a reserved word',
    "CREATE TABLE u (a SUPER)": "The embedded warehouse does not cover the type SUPER",
    "CREATE TABLE u (a INTEGER) DISTKEY (b)": 'column "b" named in key does not exist',
    "CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql": "The embedded warehouse does not cover",
    "DROP SCHEMA public": "The embedded warehouse does not cover this form of SCHEMA",
    "UNLOAD ('SELECT 1') TO 's3://b/p' IAM_ROLE default": "The embedded warehouse does not cover UNLOAD statements",
    "LOCK t IN SHARE MODE": "The embedded warehouse does not cover this form of LOCK",
    "SELECT 'open": "The statement cannot be read",
    "SELECT FROM WHERE": 'syntax error at or near "WHERE"',
}


@pytest.mark.parametrize(
    ("query", "kind", "message"),
    [(query, errors.FeatureNotSupported, message) for query, message in LACKING.items()]
    + [(query, errors.SyntaxError, message) for query, message in NOT_COVERED.items()],
)
def test_refused(shared_connection, query, kind, message):
    """With its message and SQLSTATE, and the transaction is aborted as it would be on Redshift."""
    run(shared_connection, "CREATE TABLE t (a INTEGER, s VARCHAR)", "CREATE TABLE t2 (a INTEGER)")
    with shared_connection.cursor() as cursor:
        with pytest.raises(kind) as caught:
            cursor.execute(query)
        assert caught.value.diag.message_primary.startswith(message)
        with pytest.raises(errors.InFailedSqlTransaction):
            cursor.execute("SELECT 1")


@pytest.mark.parametrize("method", ["copy_expert", "copy_from", "copy_to", "callproc"])
def test_copy_over_the_connection_is_refused(connection, method):
    """Redshift has no COPY FROM STDIN."""
    with connection.cursor() as cursor:
        with pytest.raises(errors.FeatureNotSupported, match="no COPY FROM STDIN"):
            getattr(cursor, method)("COPY t FROM STDIN", None)
        with pytest.raises(errors.InFailedSqlTransaction):
            cursor.execute("SELECT 1")


def test_what_is_refused_says_so_in_check_too():
    """A refusal without a server, with what it means."""
    with pytest.raises(NotSupportedError) as caught:
        translate.translate("CREATE TABLE t (a INTEGER) DISTKEY (a, SORTKEY")
    assert not isinstance(caught.value, LackingError)


def test_keys_are_hints(connection):
    """Duplicates go in, a reference to nothing does; a key's columns are NOT NULL, in every way to write a key."""
    run(
        connection,
        "CREATE TABLE p (a INTEGER PRIMARY KEY, b INTEGER UNIQUE)",
        "CREATE TABLE c (a INTEGER, b INTEGER REFERENCES p (a), CONSTRAINT k PRIMARY KEY (a), UNIQUE (b))",
        "INSERT INTO p VALUES (1, 1), (1, 1)",
        "INSERT INTO c VALUES (1, 99), (1, 99)",
    )
    assert rows(connection, "SELECT COUNT(*) FROM p") == rows(connection, "SELECT COUNT(*) FROM c") == [(2,)]
    connection.commit()
    for table in ("p", "c"):
        with pytest.raises(errors.NotNullViolation):
            run(connection, f"INSERT INTO {table} VALUES (NULL, 1)")
        connection.rollback()


@pytest.mark.parametrize(
    ("kind", "fits", "too_long", "length"),
    [
        ("VARCHAR(3)", "aé", "aéb", 3),
        ("VARCHAR(3)", "abc", "abcd", 3),
        ("VARCHAR", "é" * 128, "é" * 128 + "a", 256),
        ("TEXT", "a" * 256, "a" * 257, 256),
        ("VARCHAR(MAX)", "a" * 65535, "a" * 65533 + "éé", 65535),
        ("NVARCHAR(2)", "é", "éa", 2),
    ],
)
def test_text_counts_bytes(connection, kind, fits, too_long, length):
    """With Redshift's message."""
    run(connection, f"CREATE TABLE t (a {kind})")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (%s)", (fits,))
        with pytest.raises(
            errors.StringDataRightTruncation, match=rf"^value too long for type character varying\({length}\)"
        ):
            cursor.execute("INSERT INTO t VALUES (%s)", (too_long,))


def test_char_is_single_byte(connection):
    """CHAR alone is one byte; blanks at its end do not count."""
    run(connection, "CREATE TABLE t (a CHAR, b CHAR(3))", "INSERT INTO t VALUES ('x', 'ab ')")
    assert rows(connection, "SELECT LEN(b), b = 'ab' FROM t") == [(2, True)]
    with pytest.raises(errors.StringDataRightTruncation, match="Multibyte character not supported for CHAR 3"):
        run(connection, "INSERT INTO t VALUES ('x', 'é')")


def test_identity(connection):
    """Unique values that nobody may give, unless it is BY DEFAULT."""
    run(
        connection,
        "CREATE TABLE t (id BIGINT IDENTITY(0, 1), a INTEGER)",
        "INSERT INTO t (a) VALUES (7), (8)",
        "INSERT INTO t (a) SELECT 9",
        "CREATE TABLE d (id BIGINT GENERATED BY DEFAULT AS IDENTITY(1, 1), a INTEGER)",
        "INSERT INTO d (id, a) VALUES (100, 1)",
    )
    assert rows(connection, "SELECT id, a FROM t ORDER BY a") == [(0, 7), (1, 8), (2, 9)]
    with pytest.raises(errors.GeneratedAlways):
        run(connection, "INSERT INTO t (id, a) VALUES (5, 5)")


def test_merge(connection):
    """The one form that Redshift has."""
    run(
        connection,
        "CREATE TABLE t (a INTEGER, b INTEGER)",
        "CREATE TABLE s (a INTEGER, b INTEGER)",
        "INSERT INTO t VALUES (1, 1)",
        "INSERT INTO s VALUES (1, 10), (2, 20)",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b "
        "WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)",
    )
    assert sorted(rows(connection, "SELECT a, b FROM t")) == [(1, 10), (2, 20)]


def test_truncate_commits(connection):
    """Itself and what came before it in the transaction."""
    run(connection, "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)")
    connection.commit()
    run(connection, "CREATE TABLE other (a INTEGER)", "TRUNCATE TABLE t")
    connection.rollback()
    assert rows(connection, "SELECT (SELECT COUNT(*) FROM t), (SELECT COUNT(*) FROM other)") == [(0, 0)]


def test_other_ddl_rolls_back(connection):
    """CREATE and DROP are transactional."""
    run(connection, "CREATE TABLE t (a INTEGER)")
    connection.rollback()
    with pytest.raises(errors.UndefinedTable):
        run(connection, "SELECT a FROM t")


def test_lock_makes_the_second_wait(connection, settings):
    """ACCESS EXCLUSIVE until the end of the transaction."""
    run(connection, "CREATE TABLE t (a INTEGER)")
    connection.commit()
    run(connection, "LOCK t")
    with closing(warehouse.connect(settings)) as second, second.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks INNER JOIN pg_class ON relation = pg_class.oid WHERE relname = 't' AND granted"
        )
        assert cursor.fetchall() == [(1,)]


def test_vacuum_needs_autocommit(connection):
    """VACUUM cannot run inside a transaction; with autocommit it runs, and so does ANALYZE."""
    with pytest.raises(errors.ActiveSqlTransaction):
        run(connection, "CREATE TABLE t (a INTEGER)", "VACUUM t")
    connection.rollback()
    connection.autocommit = True
    run(connection, "CREATE TABLE t (a INTEGER)", "VACUUM", "VACUUM FULL t", "ANALYZE t", "ANALYZE")


VALUES = [
    "it's", "100%", "%s %(a)s", "C:\\dir\\new", "\\", "\\'", "é 你好 \U0001f600", "a\nb\tc", "; DROP TABLE t --",
    "/* x */", "$$", "$quoted$", "{{ x }}", '"', "", None, 0, -1, 12345678901, 1.5, True, Decimal("1.25"),
    datetime.date(2018, 11, 1), datetime.datetime(2018, 11, 1, 21, 1, 46, 796000),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_parameter(shared_connection, value):
    """Comes back as it went in, by position and by name."""
    assert rows(shared_connection, "SELECT %s", (value,)) == [(value,)]
    assert rows(shared_connection, "SELECT %(value)s, '100%%' /* 5%% */", {"value": value}) == [(value, "100%")]


def test_percent_without_parameters_is_itself(connection):
    """As in psycopg2."""
    assert rows(connection, "SELECT 'a%', 7 % 4, 'abc' LIKE 'a%'") == [("a%", 3, True)]
    assert rows(connection, "SELECT 7 %% %s, 'abc' LIKE 'a%%'", (4,)) == [(3, True)]


def test_refusal_quotes_anything(connection):
    """A message holds the statement's own words, whatever they are."""
    with pytest.raises(errors.SyntaxError, match=r"pattern 'it.*s \$quoted\$ 100% é'"):
        rows(connection, "SELECT TO_CHAR(1, %s)", ("it's $quoted$ 100% é",))


def test_many_rows(connection):
    """executemany, execute_values, and an iterator over the result."""
    run(connection, "CREATE TABLE t (a INTEGER, s VARCHAR)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(1, "a\\b"), (2, None)])
        psycopg2.extras.execute_values(cursor, "INSERT INTO t VALUES %s", [(3, "c'%\\"), (4, "é")])
        psycopg2.extras.execute_batch(cursor, "INSERT INTO t VALUES (%s, %s)", [(5, "x")])
        cursor.execute("SELECT a, s FROM t ORDER BY a")
        assert list(cursor) == [(1, "a\\b"), (2, None), (3, "c'%\\"), (4, "é"), (5, "x")]


def test_composables(connection):
    """psycopg2.sql, names and values."""
    query = sql.SQL("SELECT {value} AS {name}, %s").format(value=sql.Literal("a\\b'"), name=sql.Identifier("my name"))
    with connection.cursor() as cursor:
        cursor.execute(query, (1,))
        assert (cursor.description[0].name, cursor.fetchall()) == ("my name", [("a\\b'", 1)])
        cursor.execute(sql.SQL("SELECT 'a\\\\b', 'it\\'s'"))
        assert cursor.fetchall() == [("a\\b", "it's")]


def test_named_cursor(connection):
    """Rows in batches; what is refused is refused here too; WITH HOLD and SCROLL are not Redshift's."""
    with connection.cursor("batch") as cursor:
        cursor.itersize = 2
        cursor.execute(
            "SELECT NVL(a, %s) FROM (SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT NULL) AS t ORDER BY 1", (3,)
        )
        assert list(cursor) == [(1,), (2,), (3,)]
    with connection.cursor("refused") as cursor, pytest.raises(errors.FeatureNotSupported, match="ARRAY_AGG"):
        cursor.execute("SELECT ARRAY_AGG(1)")
    connection.rollback()
    cursor = connection.cursor("held", withhold=True)
    with pytest.raises(errors.FeatureNotSupported, match="WITH HOLD"):
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("kind", [psycopg2.extras.DictCursor, psycopg2.extras.RealDictCursor])
def test_other_cursor_classes_speak_redshift_too(connection, kind):
    """psycopg2's cursor factories."""
    with connection.cursor(cursor_factory=kind) as cursor:
        cursor.execute("SELECT LEN(%s) AS n", ("é",))
        assert cursor.fetchone()["n"] == 1
        with pytest.raises(errors.FeatureNotSupported):
            cursor.execute("SELECT ARRAY[1]")


def test_with_connection(connection):
    """Commits at the end, rolls back on an exception."""
    with connection:
        run(connection, "CREATE TABLE t (a INTEGER)")
    with pytest.raises(psycopg2.errors.DivisionByZero), connection:
        run(connection, "INSERT INTO t VALUES (1)", "SELECT 1 / 0")
    assert rows(connection, "SELECT COUNT(*) FROM t") == [(0,)]


def test_autocommit(connection, settings):
    """Each statement is its own transaction, and a refused one aborts nothing."""
    connection.autocommit = True
    run(connection, "CREATE TABLE t (a INTEGER)")
    with pytest.raises(errors.FeatureNotSupported):
        run(connection, "SAVEPOINT s")
    run(connection, "INSERT INTO t VALUES (1)")
    with closing(warehouse.connect(settings)) as second:
        assert rows(second, "SELECT a FROM t") == [(1,)]


def test_transaction_statements(connection):
    """BEGIN, COMMIT and ROLLBACK as SQL, a semicolon at the end, and a statement that is only a comment."""
    connection.autocommit = True
    run(
        connection, "CREATE TABLE t (a INTEGER);", "BEGIN", "INSERT INTO t VALUES (1);", "ROLLBACK", "BEGIN TRANSACTION"
    )
    run(connection, "INSERT INTO t VALUES (2)", "END")
    assert rows(connection, "SELECT a FROM t") == [(2,)]
    with pytest.raises(psycopg2.ProgrammingError, match="empty"):
        run(connection, "-- nothing")


def test_snapshot_isolation(connection, settings):
    """A transaction goes on seeing what was there when it began."""
    run(connection, "CREATE TABLE t (a INTEGER)")
    connection.commit()
    assert rows(connection, "SELECT COUNT(*) FROM t") == [(0,)]
    with closing(warehouse.connect(settings)) as second, second:
        run(second, "INSERT INTO t VALUES (1)")
    assert rows(connection, "SELECT COUNT(*) FROM t") == [(0,)]

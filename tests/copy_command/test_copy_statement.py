"""The COPY statement: its options, its transaction, and what the system tables and functions say of it."""

import re
import threading
import time
from contextlib import closing

import psycopg2
import pytest

from infra import warehouse
from infra.errors import CopyError
from infra.local.copy_command import load, statement
from infra.local.copy_command.model import CopyStatement, TableName
from tests.fixtures.copying import AUTO, FAILED, Copier, stop_before_the_third_batch

ROLE = "arn:aws:iam::000000000000:role/embedded"
BAD = '{"a": 1}\n{"a": "x"}\n{"a": 2}\n{"a": "y"}\n'


def parse(options: str) -> CopyStatement:
    """A COPY with these options after its role."""
    return statement.parse(f"COPY t FROM 's3://b/p' IAM_ROLE '{ROLE}' {options}")


@pytest.mark.parametrize(
    "option",
    ["CSV", "DELIMITER '|'", "ESCAPE", "FILLRECORD", "FIXEDWIDTH 'a:1'", "IGNOREBLANKLINES", "NULL AS '\\N'",
     "READRATIO 5",
     "REMOVEQUOTES", "QUOTE '%'"],
)  # fmt: skip
def test_options_that_redshift_does_not_allow_with_json(option: str):
    with pytest.raises(CopyError, match=f"^{option.split()[0]} is not supported for COPY from JSON$"):
        parse(f"{AUTO} {option}")


@pytest.mark.parametrize(
    "option",
    ["LZOP", "ZSTD", "ENCRYPTED", "SSH", "NOLOAD", "EXPLICIT_IDS", "COMPROWS 5", "DATEFORMAT 'auto'",
     "ENCODING UTF8", "TRIMBLANKS", "PARQUET", "WITH", "BOGUS"],
)  # fmt: skip
def test_options_that_the_embedded_warehouse_does_not_cover(option: str):
    with pytest.raises(CopyError, match="^The embedded warehouse does not cover"):
        parse(f"{AUTO} {option}")


@pytest.mark.parametrize(
    "keys",
    ["CREDENTIALS 'aws_access_key_id=AKIA;aws_secret_access_key=SECRET;token=TOKEN'",
     "WITH CREDENTIALS AS 'token=TOKEN; aws_secret_access_key=SECRET; aws_access_key_id=AKIA;'",
     "ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY AS 'SECRET' SESSION_TOKEN 'TOKEN'"],
)  # fmt: skip
def test_keys_in_place_of_a_role(keys: str):
    found = statement.parse(f"COPY t FROM 's3://b/p' {keys} {AUTO}")
    assert (found.keys.key, found.keys.secret, found.keys.session_token) == ("AKIA", "SECRET", "TOKEN")
    assert "SECRET" not in repr(found)


@pytest.mark.parametrize(
    "keys",
    ["CREDENTIALS 'aws_access_key_id=SECRET'", "ACCESS_KEY_ID 'SECRET'", "CREDENTIALS AS 'SECRET'", "CREDENTIALS ''"],
)
def test_keys_that_are_not_whole_are_refused_and_not_repeated(keys: str):
    with pytest.raises(CopyError, match=r"^(COPY needs IAM_ROLE, or|Invalid credentials\.)") as refusal:
        statement.parse(f"COPY t FROM 's3://b/p' {keys} {AUTO}")
    assert "SECRET'" not in str(refusal.value)


@pytest.mark.parametrize("form", ["FORMAT CSV", "FORMAT AS PARQUET", "FORMAT AVRO 'auto'"])
def test_other_formats_than_json(form: str):
    with pytest.raises(CopyError, match="^The embedded warehouse does not cover COPY with FORMAT"):
        parse(form)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("COPY t FROM 'x' FORMAT JSON 'auto'", "needs IAM_ROLE"),
        (f"COPY t FROM 'x' IAM_ROLE '{ROLE}'", "FORMAT JSON only"),
        (f"COPY t FROM 'x' IAM_ROLE '{ROLE}' FORMAT JSON", "syntax error"),
        ("COPY t FROM 'x' IAM_ROLE 'me' FORMAT JSON 'auto'", "Invalid IAM role"),
        ("COPY t TO 'x'", 'syntax error at or near "TO"'),
        ("COPY t (a FROM 'x'", "syntax error"),
        ("COPY t FROM x", 'syntax error at or near "x"'),
        ("COPY FROM 'x' ?", "syntax error"),
    ],
)
def test_statements_that_are_none(text: str, says: str):
    with pytest.raises(CopyError, match=says):
        statement.parse(text)


@pytest.mark.parametrize(
    "option", ["MAXERROR 100001", "MAXERROR -1", "MAXERROR '5'", "ACCEPTINVCHARS 'ab'", "ACCEPTINVCHARS 'é'"]
)
def test_arguments_out_of_range(option: str):
    with pytest.raises(CopyError):
        parse(f"{AUTO} {option}")


@pytest.mark.parametrize("options", ["GZIP BZIP2", "MAXERROR 1 MAXERROR 2", "MANIFEST MANIFEST"])
def test_an_option_is_given_once(options: str):
    with pytest.raises(CopyError, match="conflicting or redundant options"):
        parse(f"{AUTO} {options}")


def test_every_option_that_is_covered():
    stated = statement.parse(
        """copy "My ""s" . t ("A", b) from 's3://b/it''s' /* c */ iam_role default region as 'eu-west-1'
        json as 'auto ignorecase' manifest gzip maxerror as 100000 timeformat as 'epochmillisecs'
        acceptinvchars as '^' emptyasnull blanksasnull
        truncatecolumns roundec compupdate off statupdate off ignoreheader as 2 -- the end"""
    )
    assert stated == CopyStatement(
        table=TableName(('My "s', "t")), source="s3://b/it's", columns=["A", "b"], role="default",
        json="auto ignorecase",
        region="eu-west-1", max_errors=100_000, time_format="epochmillisecs", compression="GZIP", replacement="^",
        manifest=True, empty_as_null=True, blanks_as_null=True, truncate_columns=True, round_decimals=True,
        analyze=False, header_lines=2,
    )  # fmt: skip
    assert stated.table.sql == '"My ""s"."t"'
    assert str(stated.table) == 'My "s.t'
    assert parse(f"{AUTO} COMPUPDATE STATUPDATE ON ACCEPTINVCHARS") == parse(
        f"{AUTO} ACCEPTINVCHARS '?' STATUPDATE TRUE"
    )


@pytest.mark.parametrize("form", ["CREDENTIALS '{}'", "WITH CREDENTIALS AS '{}'", "credentials as '{}'"])
def test_credentials_name_a_role(form: str):
    given = statement.parse(f"COPY t FROM 's3://b/p' {form.format('aws_iam_role=' + ROLE)} {AUTO}")
    assert given == parse(AUTO)
    with pytest.raises(CopyError, match="conflicting or redundant options"):
        parse(f"{form.format('aws_iam_role=' + ROLE)} {AUTO}")


def test_ignoreheader_leaves_out_lines_of_each_file(copier: Copier):
    """AWS documents it for all formats, and does not list it among those that JSON excludes."""
    copier.create("a INTEGER")
    copier.file('header\n{"a": 1}\n{"a": "x"}', "log/a.json")
    copier.file('{"a": 7}\r\n{"a": 2}', "log/b.json")
    copier.file("short", "log/c.json")
    copier.copy(str(copier.folder / "log"), AUTO + " IGNOREHEADER 1 MAXERROR 2")
    assert sorted(copier.rows()) == [(1,), (2,)]
    assert copier.errors() == [(3, 1207, "a", "x")]


def test_an_unknown_table_or_column(copier: Copier):
    with pytest.raises(psycopg2.errors.UndefinedTable, match='"nowhere" does not exist'):
        copier.execute("COPY nowhere FROM 'x' IAM_ROLE %s FORMAT JSON 'auto'", (ROLE,))
    copier.connection.rollback()
    assert 'column "b"' in copier.refused(columns="(b)")


def test_maxerror_loads_the_rest_and_counts_it(copier: Copier):
    """A load with fewer errors than MAXERROR says succeeds; at that number, and at the first by default, it fails."""
    copier.create("a INTEGER")
    assert copier.load(BAD, AUTO + " MAXERROR 3") == [(1,), (2,)]
    assert copier.execute("SELECT pg_last_copy_count()") == [(2,)]
    assert copier.errors() == [(2, 1207, "a", "x"), (4, 1207, "a", "y")]
    assert copier.rejected(BAD, AUTO + " MAXERROR 2") == [(2, 1207, "a", "x"), (4, 1207, "a", "y")]
    assert copier.rejected(BAD, AUTO + " MAXERROR 1") == [(2, 1207, "a", "x")]
    assert copier.rejected(BAD) == [(2, 1207, "a", "x")]


def test_a_failed_copy_aborts_its_transaction_and_leaves_its_errors(copier: Copier):
    copier.create("a INTEGER").load('{"a": 7}')
    copier.connection.commit()
    copier.execute("INSERT INTO t (a) VALUES (8)")
    source = copier.file(BAD)
    with pytest.raises(psycopg2.InternalError) as failure:
        copier.copy(source)
    assert failure.value.diag.message_primary == FAILED
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        copier.execute("SELECT 1")
    copier.connection.rollback()
    assert copier.rows() == [(7,)]
    assert copier.execute(
        "SELECT filename, line_number, colname, type, col_length, position, raw_line,"
        " raw_field_value, err_code, err_reason FROM stl_load_errors WHERE query = pg_last_copy_id()"
    ) == [(source, 2, "a", "int4", "0", 0, '{"a": "x"}', "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer")]


def test_errors_in_a_table_that_nobody_else_sees_yet(copier: Copier):
    copier.execute("CREATE TABLE fresh (a VARCHAR(2))")
    with pytest.raises(psycopg2.InternalError, match="'fresh' failed"):
        copier.execute(f"COPY fresh FROM %s IAM_ROLE %s {AUTO}", (copier.file('{"a": "long"}'), ROLE))
    copier.connection.rollback()
    assert copier.errors() == [(1, 1204, "a", "long")]


def test_copy_in_autocommit_is_a_transaction_of_its_own(copier: Copier):
    copier.create("a INTEGER")
    copier.connection.autocommit = True
    assert copier.load('{"a": 1}') == [(1,)]
    for _ in range(2):
        with pytest.raises(psycopg2.InternalError, match="Load into table"):
            copier.copy(copier.file(BAD))
    assert copier.rows() == [(1,)]
    copier.connection.rollback()
    copier.connection.autocommit = False
    assert copier.rows() == [(1,)]


def test_the_session_s_last_copy(copier: Copier):
    """Its rows and id; a COPY that failed while loading counts as 0 rows, and so does a session without any."""
    with closing(warehouse.connect(copier.settings)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_last_copy_count(), pg_last_copy_id()")
        assert cursor.fetchall() == [(0, -1)]
        copier.create("a INTEGER").load('{"a": 1} {"a": 2}')
        [(count, first)] = copier.execute("SELECT pg_last_copy_count(), pg_last_copy_id()")
        assert count == 2
        copier.connection.rollback()
        assert copier.execute("SELECT pg_last_copy_count(), pg_last_copy_id()") == [(2, first)]
        copier.rejected(BAD)
        [(count, second)] = copier.execute("SELECT pg_last_copy_count(), pg_last_copy_id()")
        assert count == 0 and second > first
        copier.refused("FORMAT JSON 'nowhere'")
        assert copier.execute("SELECT pg_last_copy_id()") == [(second,)]
        cursor.execute("SELECT pg_last_copy_count(), pg_last_copy_id()")
        assert cursor.fetchall() == [(0, -1)]


def test_a_running_copy_is_in_stv_load_state(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load.LoadLog, "INTERVAL", 0)
    for number in range(4):
        copier.file('{"a": "1"}', f"log/{number}.json")
    waiting, goes_on = stop_before_the_third_batch(monkeypatch)
    query = "SELECT num_files, num_files_complete, bytes_to_load, pct_complete FROM stv_load_state WHERE session = %s"
    session = copier.connection.info.backend_pid
    with closing(warehouse.connect(copier.settings)) as other, other.cursor() as cursor:
        other.autocommit = True
        thread = threading.Thread(target=copier.copy, args=(str(copier.folder / "log"),))
        thread.start()
        try:
            assert waiting.wait(30)
            for _ in range(100):  # the files are read ahead of the rows
                cursor.execute(query, (session,))
                [(files, complete, size, share)] = cursor.fetchall()
                if complete:
                    break
                time.sleep(0.05)
            assert (files, size) == (4, 40) and 1 <= complete <= 4 and share == 25 * complete
        finally:
            goes_on.set()
            thread.join(30)
        cursor.execute(query, (session,))
        assert cursor.fetchall() == []
    assert copier.execute("SELECT pg_last_copy_count()") == [(4,)]


def test_a_full_disk_is_said_in_one_sentence(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    def fill(path, data):
        """What writing to a full disk raises."""
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", fill)
    source = copier.folder / "a.json"
    source.write_text('{"a": "1"}')
    with pytest.raises(
        psycopg2.InternalError,
        match=rf"^The disk of {re.escape(str(copier.settings.local_path))}\S* is full: make room there and run again\.",
    ):
        copier.copy(str(source))

"""What a BI tool sees in the embedded warehouse: comments with the grain and the keys, which PostgreSQL cannot hold."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

import create_tables
import sql_queries
from infra.local import credentials, supervisor
from infra.local.connection_info import open_plain

# What JDBC's and ODBC's drivers for PostgreSQL ask for REMARKS.
REMARKS = """
SELECT c.relname, coalesce(a.attname, ''), d.description
FROM pg_description AS d
JOIN pg_class AS c ON c.oid = d.objoid AND c.relnamespace = 'public'::regnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
WHERE d.classoid = 'pg_class'::regclass
"""
STAR = ("songplays", "users", "songs", "artists", "time")


@pytest.fixture
def owner(warehouse_path: Path, config: Path) -> Iterator[psycopg2.extensions.connection]:
    """A plain connection to the shared warehouse, with new tables; what the test does is rolled back."""
    assert create_tables.main(["--config", str(config), "--yes"]) == 0
    with closing(open_plain(supervisor.acquire(warehouse_path))) as connection:
        yield connection


def test_the_reader_sees_grain_and_keys_of_the_star_schema(owner, warehouse_path):
    """Each declared key of the DDL is in a comment, and no other is."""
    info = supervisor.acquire(warehouse_path)
    password = credentials.read_password(warehouse_path, credentials.READER)
    with closing(open_plain({**info, "user": credentials.READER, "password": password})) as connection:
        cursor = connection.cursor()
        cursor.execute(REMARKS)
        remarks = {(table, column): text for table, column, text in cursor.fetchall()}
    assert {table for table, column in remarks if not column} == {*STAR, "loaded_files"}
    keys = {}
    for create in sql_queries.create_table_queries:
        table = re.search(r"EXISTS (\w+)", create)[1]
        keys |= {(table, column): "Primary key." for column in re.findall(r"PRIMARY KEY \((\w+)\)", create)}
        for column, other, key in re.findall(r"FOREIGN KEY \((\w+)\) REFERENCES (\w+) \((\w+)\)", create):
            keys[table, column] = f"References {other}.{key}."
    told = {place: re.match(r"Primary key\.|References \w+\.\w+\.|", text)[0] for place, text in remarks.items()}
    assert {place: text for place, text in told.items() if text} == keys
    assert remarks["time", "weekday"] == "0 (Sunday) to 6."


def test_postgresql_has_no_key_that_is_neither_enforced_nor_needs_an_index(owner):
    """Why they are comments: PostgreSQL's own words."""
    for statement, refusal in (
        ("ALTER TABLE users ADD PRIMARY KEY (user_id) NOT ENFORCED", "PRIMARY KEY constraints cannot be marked"),
        ("ALTER TABLE users ADD UNIQUE (user_id) NOT ENFORCED", "UNIQUE constraints cannot be marked NOT ENFORCED"),
        ("ALTER TABLE songplays ADD FOREIGN KEY (user_id) REFERENCES users (user_id) NOT ENFORCED",
         'there is no unique constraint matching given keys for referenced table "users"'),
    ):  # fmt: skip
        with pytest.raises(psycopg2.Error, match=refusal):
            owner.cursor().execute(statement)
        owner.rollback()

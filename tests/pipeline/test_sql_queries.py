"""sql_queries.py: names, columns, declared keys and their checks; the embedded warehouse takes every statement."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sql_queries
from infra.database import statement_name
from infra.local.dialect.translate import translate

STATEMENTS = {name: value for name, value in vars(sql_queries).items() if isinstance(value, str) and name[0] != "_"}
CHECKS = {statement_name(query): query for query in sql_queries.staging_checks + sql_queries.quality_checks}
LISTS = ("drop_table_queries", "create_table_queries", "copy_table_queries", "insert_table_queries")
COLUMNS = {  # as the course has them; then the technical ones
    "songplays": (
        "songplay_id start_time user_id level song_id artist_id session_id location user_agent", "song artist length"
    ),
    "users": ("user_id first_name last_name gender level", "last_seen"),
    "songs": (
        "song_id title artist_id year duration", "artist_name artist_location artist_latitude artist_longitude"
    ),
    "artists": ("artist_id name location latitude longitude", ""),
    "time": ("start_time hour day week month year weekday", ""),
    "loaded_files": ("", "file_name size version load_id loaded_at"),
    "staging_events": (
        "artist auth first_name gender item_in_session last_name length level location method page registration "
        "session_id song status ts user_agent user_id", ""
    ),
    "staging_songs": (
        "num_songs artist_id artist_latitude artist_longitude artist_location artist_name song_id title duration year",
        "",
    ),
}  # fmt: skip
SINGULAR = {"songplays": "songplay", "users": "user", "songs": "song", "artists": "artist", "time": "time"}


def tables() -> dict[str, str]:
    """Each table's CREATE TABLE."""
    return {re.search(r"EXISTS (\w+)", query)[1]: query for query in sql_queries.create_table_queries}


def verb(statement: str) -> str:
    """The first word after the statement's name."""
    return statement.strip().split("\n")[1].split()[0]


def bound(statement: str) -> str:
    """The statement with a text in place of each parameter."""
    numbers = {"max_errors": 0, "session": 1, "after": 1}
    names = re.findall(r"%\((\w+)\)s", statement)
    values = {name: str(numbers.get(name, "'arn:aws:iam::123456789012:role/r'")) for name in names}
    return statement % values if values else statement


@pytest.mark.parametrize("name", LISTS)
def test_the_course_s_lists_hold_statements(name):
    queries = getattr(sql_queries, name)
    assert queries
    assert all(isinstance(query, str) and query.strip() for query in queries)
    assert len(set(queries)) == len(queries)


def test_every_statement_that_changes_something_is_in_a_list():
    listed = [query for name, value in vars(sql_queries).items() if name.endswith("_queries") for query in value]
    single = {"load_lock", "load_insert", "loaded_files_copy", "staging_songs_copy_compacted"}
    for name, statement in STATEMENTS.items():
        assert statement in listed or verb(statement) == "SELECT" or name in single, name


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_s_columns(table):
    columns = re.findall(r"^    (?!PRIMARY|FOREIGN)(\w+) ", tables()[table], re.MULTILINE)
    asked, technical = COLUMNS[table]
    assert columns == asked.split() + technical.split()


def test_the_tables_are_these_and_each_is_dropped_before_what_it_refers_to():
    created = list(tables())
    dropped = [re.search(r"EXISTS (\w+)", query)[1] for query in sql_queries.drop_table_queries]
    assert sorted(created) == sorted(dropped) == sorted(COLUMNS)
    for table, statement in tables().items():
        for other in re.findall(r"REFERENCES (\w+)", statement):
            assert dropped.index(table) < dropped.index(other)
            assert created.index(other) < created.index(table)


@pytest.mark.parametrize("name", [*STATEMENTS, *CHECKS])
def test_the_embedded_warehouse_takes_the_statement(name):
    statement = {**STATEMENTS, **CHECKS}[name]
    assert translate(bound(statement)).verb == verb(statement)


@pytest.mark.parametrize("name", [*STATEMENTS, *CHECKS])
def test_the_first_line_of_a_statement_is_its_name_and_no_other_has_it(name):
    statement = {**STATEMENTS, **CHECKS}[name]
    assert re.match(r"\n?-- \S.*\S\n[A-Z]", statement)
    alike = [each for each in {**STATEMENTS, **CHECKS}.values() if statement_name(each) == statement_name(statement)]
    assert all(each.startswith(min(alike, key=len)) for each in alike)  # a COPY with more options at its end
    assert len(alike) == 1 or "COPY staging" in statement


@pytest.mark.parametrize("table", COLUMNS)
def test_a_declared_primary_key_is_proven(table):
    for key in re.findall(r"PRIMARY KEY \((\w+)\)", tables()[table]):
        assert re.search(rf"^    {key} .*(NOT NULL|IDENTITY)", tables()[table], re.M)
        grouped = re.search(r"GROUP BY (.+)\nHAVING COUNT\(\*\) > 1\n", CHECKS[f"{table}: {key} is unique"])
        assert grouped[1] in (f"{key} + 0", f"{key} || ''", f"{key} + INTERVAL '0 seconds'")


@pytest.mark.parametrize("table", COLUMNS)
def test_a_declared_foreign_key_is_proven(table):
    found = re.findall(r"FOREIGN KEY \((\w+)\) REFERENCES (\w+) \((\w+)\)", tables()[table])
    assert len(found) == tables()[table].count("REFERENCES")
    for column, other, key in found:
        parts = CHECKS[f"{table}: every {column} is in {other}"].split("EXCEPT")
        assert [re.search(r"SELECT (\w+)\sFROM (\w+)", part).groups() for part in parts] == [
            (column, table), (key, other)
        ]  # fmt: skip


def test_staging_has_no_constraints_and_only_proven_tables_declare_keys():
    for table in ("staging_events", "staging_songs"):
        assert not re.search("NOT NULL|KEY|UNIQUE", tables()[table])
    assert not any("UNIQUE" in statement for statement in tables().values())


def test_every_check_is_a_select_of_at_most_five_rows():
    for name, query in CHECKS.items():
        assert verb(query) == "SELECT", name
        assert query.endswith(" LIMIT 5"), name


def test_the_module_imports_nothing_and_does_nothing():
    source = Path(sql_queries.__file__).read_text(encoding="utf-8")
    kinds = {type(node) for node in ast.parse(source).body}
    assert kinds == {ast.Expr, ast.Assign}  # the docstring, and constants
    assert not any(isinstance(node, ast.Call) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("module", ["sql_queries", "create_tables", "etl"])
def test_importing_a_module_reads_no_configuration_and_says_nothing(module, tmp_path):
    root = Path(sql_queries.__file__).parent
    code = f"import sys; sys.path.insert(0, {str(root)!r}); sys.argv = ['x', '--nonsense']; import {module}; " + (
        "import logging; print(logging.getLogger().handlers, 'infra.local' in sys.modules, end='')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[] False", "")
    assert list(tmp_path.iterdir()) == []

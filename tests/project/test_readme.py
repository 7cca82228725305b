"""The README says what is true: its diagram is the DDL's, its output is what a run prints, its commands are there."""

import ast
import re
from contextlib import closing
from pathlib import Path

import pytest

import sql_queries
from infra import warehouse
from infra.local import supervisor
from notebooks.report import as_table
from tests.fixtures.warehouse import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
FOR_ANALYSTS = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
REQUIREMENTS = ["requirements.txt", "notebooks/requirements.txt", "tests/requirements.txt"]


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def columns(create: str) -> dict[str, str]:
    """The columns of a CREATE TABLE with the first word of their types."""
    body = create[create.index("(") + 1 :]
    return dict(re.findall(r"^    ([a-z_]+) +([A-Z]+)", body, re.MULTILINE))


def test_the_diagram_shows_the_tables_columns_and_keys_of_the_ddl():
    """Every star table, its columns in order with their types, its primary and foreign keys."""
    drawn = dict(re.findall(r"^    (\w+) \{\n(.*?)^    \}", blocks("mermaid")[0], re.MULTILINE | re.DOTALL))
    created = {}
    for create in sql_queries.create_table_queries:
        name = re.search(r"EXISTS (\w+)", create)[1]
        if name.startswith("staging_") or name == "loaded_files":
            continue
        primary = re.findall(r"PRIMARY KEY \((\w+)\)", create)
        foreign = re.findall(r"FOREIGN KEY \((\w+)\)", create)
        marks = {**dict.fromkeys(foreign, " FK"), **dict.fromkeys(primary, " PK")}
        lines = [f"        {kind} {column}{marks.get(column, '')}\n" for column, kind in columns(create).items()]
        created[name] = "".join(lines)
    assert drawn == created


def test_the_diagram_draws_each_foreign_key_once():
    """A line from the table with the key to the table it refers to."""
    drawn = set(re.findall(r"^    (\w+) \}o--[o|]\| (\w+) : (\w+)$", blocks("mermaid")[0], re.MULTILINE))
    declared = set()
    for create in sql_queries.create_table_queries:
        name = re.search(r"EXISTS (\w+)", create)[1]
        for column, other in re.findall(r"FOREIGN KEY \((\w+)\) REFERENCES (\w+)", create):
            declared.add((name, other, column))
    assert drawn == declared


def test_the_output_shown_is_what_a_run_prints(run_script, tmp_path: Path):
    """Line by line, but for the first two, which name files, and the seconds."""
    config = tmp_path / "dwh.cfg"
    config.write_text(f"[LOCAL]\nPATH={tmp_path / 'local'}\n")
    try:
        assert run_script("create_tables.py", "--config", config).returncode == 0
        printed = run_script("etl.py", "--config", config).stdout.replace(f" --config {config}", "")
    finally:
        supervisor.release(tmp_path / "local")

    def without_seconds(text: str) -> list[str]:
        """The lines after the second, without the seconds of the load."""
        return [re.sub(r"\(\d+ s\)", "(# s)", line) for line in text.strip().splitlines()[2:]]

    assert without_seconds(blocks("text")[0]) == without_seconds(printed)


def test_the_sample_queries_have_these_answers(simulated_tables):
    """Each SQL block runs on the simulated data and gives the block of text after it."""
    shown = re.findall(r"^```sql\n(.*?)^```\n\n```text\n(.*?)^```$", FOR_ANALYSTS, re.MULTILINE | re.DOTALL)
    assert len(shown) == len(blocks("sql", FOR_ANALYSTS)) == 3
    with closing(warehouse.connect(simulated_tables)) as connection, connection.cursor() as cursor:
        for query, expected in shown:
            cursor.execute(query)
            table = as_table([column.name for column in cursor.description], cursor.fetchall())
            assert table == expected.rstrip("\n")


def test_every_review_point_names_a_test_that_is_there():
    """All eleven points; the test's file defines it, and what is named in backquotes exists."""
    section = README.split("## The course's review points")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 11
    for _, where, proof in rows:
        tests = re.findall(r"\[(\w+)\]\((tests/[\w/]+\.py)\)", proof)
        assert tests and re.sub(r"\[\w+\]\([^)]+\)|[, |]", "", proof) == ""
        for name, file in tests:
            assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), name
        for name in re.findall(r"`(\w+(?:\.py)?)`", where):
            assert (ROOT / name).exists() or hasattr(sql_queries, name), name


def test_every_function_has_a_docstring():
    """And every module and class; a test may do without one, since its name says what it shows."""
    files = [
        *ROOT.glob("*.py"), *(file for room in ("infra", "notebooks", "tests") for file in (ROOT / room).rglob("*.py"))
    ]  # fmt: skip
    assert len(files) > 80
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        lacking = [node for node in ast.walk(tree) if isinstance(node, named) and not ast.get_docstring(node)]
        names = [getattr(node, "name", "the module") for node in lacking]
        assert [name for name in names if not name.startswith("test_")] == [], file


def test_the_command_blocks_run_the_main_job_and_the_tests():
    """A command a line, none cut off on GitHub; PowerShell's block does as the first; .ci/run calls the second."""
    run, test = (block.splitlines() for block in blocks("bash")[:2])
    (windows,) = (block.splitlines() for block in blocks("powershell"))
    for line in (
        line for language in ("bash", "powershell", "json") for text in blocks(language) for line in text.splitlines()
    ):
        assert len(line) <= 105
    for line in run + test + windows:
        assert "&&" not in line
        assert [name for name in re.findall(r"[\w./]+\.(?:py|txt)", line) if not (ROOT / name).exists()] == []
    assert run[-2:] == ["python create_tables.py", "python etl.py"]
    assert test[-1] == "python -m pytest -n 2"
    assert windows[-3:] == run[-3:]
    assert len(README.splitlines()) < 350


def test_every_file_and_option_that_the_readme_names_exists():
    """Paths in backquotes are files of the project."""
    for name in re.findall(r"[`(]((?:infra/|tests/|notebooks/|\.)?[\w/.]+\.(?:py|example|txt|ipynb|png))[`)]", README):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_each_required_package_has_its_reason(file):
    """Every line of the file stands in the README's table of packages."""
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name = re.split(r"[<>=\[]", line)[0]
            assert re.search(rf"^\|.*\b{re.escape(name)}\b.*\|.+\|$", README, re.MULTILINE), name


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_each_required_package_is_bounded_on_both_sides(file):
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    for line in filter(None, lines):
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?>=[\d.]+,<[\d.]+(; [^;]+)?", line), line

"""The QA notebook: its committed outputs are those of a fresh run, and its answers those of plain Python."""

import ast
import base64
import copy
import html
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.questions import QUESTIONS
from notebooks.selects import sample_queries
from sql_queries import quality_checks
from tests.fixtures.etl import event, log_events
from tests.fixtures.notebooks import NOTEBOOKS, ONE_QUESTION, execute, outputs_text
from tests.fixtures.notebooks import run as run_cells
from tests.fixtures.plain_answers import answers
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "qa_data.ipynb"
COMMITTED = nbformat.read(NOTEBOOK, as_version=4)


def code(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The code cells by their ids."""
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def table(output: NotebookNode) -> list[list[str]]:
    """The cells of a DataFrame's HTML, its index left out; none of other outputs."""
    rows = re.findall(r"<tr.*?</tr>", output.get("data", {}).get("text/html", ""), re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)][1:] for row in rows]


def readable(output: NotebookNode) -> object:
    """What an output tells, whatever pandas' HTML looks like; songplay_id, which is in no promised order, left out."""
    if rows := table(output):
        return [row[1:] for row in rows] if rows[0][0] == "songplay_id" else rows
    if output.output_type == "stream":
        return output.text
    if [*output.data] == ["text/plain"]:
        return output.data["text/plain"]
    return output.data.get("text/markdown", sorted(output.data))


def differences(executed: NotebookNode, committed: NotebookNode = COMMITTED) -> list[str]:
    """The code cells whose outputs differ."""
    pairs = zip(code(executed).items(), code(committed).values(), strict=True)
    return [name for (name, new), old in pairs if [*map(readable, new.outputs)] != [*map(readable, old.outputs)]]


def answered(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Each question's title -> what the notebook shows of it, heading first."""
    found: dict[str, list[NotebookNode]] = {}
    for output in code(notebook)["answers"].outputs:
        heading = re.match("### (.+)", output.get("data", {}).get("text/markdown", ""))
        found.setdefault(heading[1] if heading else [*found][-1], []).append(output)
    return found


def as_shown(rows: list[tuple]) -> list[list[str]]:
    """Rows as the notebook's tables show them."""
    return [[str(value) for value in row] for row in rows]


@pytest.fixture
def run(config, connection, run_script):
    """A function that loads the data of a dwh.cfg and executes the notebook on them."""

    def run(s3_section: str) -> tuple[Path, NotebookNode]:
        """The dwh.cfg and the executed copy; "" means simulated data."""
        file = config.with_name("notebook.cfg")
        file.write_text(config.read_text().split("[S3]")[0] + s3_section)
        for script in ("create_tables.py", "etl.py"):
            done = run_script(script, "--config", file)
            assert (done.returncode, done.stderr) == (0, "")
        return file, execute(NOTEBOOK, {"DWH_CFG": str(file)})

    return run


def test_the_committed_outputs_are_those_of_a_fresh_run_on_the_simulated_data(run):
    """Every number and word that a table or a sentence holds; and the SQL shown is that of the questions."""
    _, executed = run("")
    assert differences(executed) == []
    text = outputs_text(executed)
    shown = answered(executed)
    assert list(shown) == [question.title for question in QUESTIONS]
    for question in QUESTIONS:
        heading, picture, sentence, rows, *more, statement = shown[question.title]
        assert heading.data["text/markdown"] == f"### {question.title}\n\n{question.note}"
        assert "image/png" in picture.data and len(sentence.data["text/plain"]) > 20 and 2 <= len(table(rows)) <= 11
        assert len(more) == (len(table(rows)) == 11 and question.id in ("plays-by-day", "hours"))
        assert statement.data["text/markdown"] == f"```sql\n{question.sql.strip()}\n```"
    assert "Every table holds what its source makes." in text
    assert f"{len(quality_checks)} of {len(quality_checks)} checks pass." in text
    assert all(f"**{name}**" in text for name in sample_queries)


@pytest.mark.parametrize("cell", ["counts", "samples", "joins", "answers"])
def test_a_changed_digit_is_noticed(cell):
    """In a table; the other cells are the same still."""
    changed = copy.deepcopy(COMMITTED)
    output = next(each for each in code(changed)[cell].outputs if table(each))
    place = output.data["text/html"].rindex("</td>") - 1
    old = output.data["text/html"]
    output.data["text/html"] = old[:place] + ("8" if old[place] != "8" else "9") + old[place + 1 :]
    assert differences(COMMITTED, changed) == [cell]


def test_the_answers_on_the_real_data_are_those_of_plain_python(run, real_data):
    """Question by question, computed from the raw log files without any SQL; the counts agree with the source's."""
    real = real_data
    file, executed = run(
        f"[S3]\nLOG_DATA={real / 'log_data'}\nSONG_DATA={real / 'song_data'}\n"
        f"LOG_JSONPATH={real / 'log_json_path.json'}\n"
    )
    expected = answers(log_events(real_data))
    shown = answered(executed)
    for question in QUESTIONS:
        rows = table(shown[question.title][3])[1:]
        assert rows == as_shown(expected[question.id])[:10], question.id
    text = outputs_text(executed)
    assert "Every table holds what its source makes." in text
    assert "No join multiplies or loses a play." in text
    assert [row[1] for row in table(code(executed)["counts"].outputs[0])[1:]] == [
        "8056", "14896", "6820", "97", "14896", "9553", "6813",
    ]  # fmt: skip


def test_another_source_than_the_one_loaded_shows_as_a_difference(case):
    """Two plays loaded, one in the files now: the notebook names the tables; and a broken warehouse is called so."""
    case.load([event(), event(userId="2", sessionId=6)])
    case.write([event()])
    case.execute("INSERT INTO users SELECT * FROM users WHERE user_id = 1")
    executed = execute(NOTEBOOK, {"DWH_CFG": str(case.config)}, ONE_QUESTION)
    text = outputs_text(executed)
    assert "Different: staging_events, songplays, users." in text
    assert f"{len(quality_checks) - 1} of {len(quality_checks)} checks pass. The warehouse is not sound!" in text
    assert "A join multiplies or loses plays: see the table." in text
    failed = table(code(executed)["checks"].outputs[1])[1:]
    assert failed == [["users: user_id is unique", "{'user_id': 1, 'found': 2}"]]


def test_a_source_that_you_may_not_read_leaves_the_counts_alone(case):
    """The sentence stands above the table, and the run goes on."""
    case.load([event()])
    for file in (case.data / "song_data").iterdir():
        file.unlink()
    (case.data / "song_data").rmdir()
    executed = execute(NOTEBOOK, {"DWH_CFG": str(case.config)}, ONE_QUESTION)
    sentence, counts = code(executed)["counts"].outputs
    assert re.search(r"song_data cannot be counted: No such file or directory\.$", sentence.text.strip())
    assert table(counts)[0] == ["table", "rows"]
    assert "Most common number of plays: 1, in 1 session of" in outputs_text(executed)


def sentence(cell: NotebookNode) -> str:
    """The one sentence with which a cell ends a run."""
    (error,) = cell.outputs
    assert error.traceback == [error.evalue]
    return error.evalue


def test_a_warehouse_without_plays_ends_the_run_in_one_sentence(case):
    executed = execute(NOTEBOOK, {"DWH_CFG": str(case.config)}, allow_errors=True)
    first, *rest = code(executed).values()
    assert sentence(first) == "The warehouse is empty: songplays has no rows. Run etl.py first."
    assert not any(cell.outputs for cell in rest)


def test_the_first_cell_says_what_is_missing_in_one_sentence(case, tmp_path):
    """Tables missing, no dwh.cfg, the server down; each in its turn in one kernel."""
    case.execute("DROP TABLE songplays")
    missing, file = tmp_path / "missing.cfg", tmp_path / "away.cfg"
    file.write_text(
        "[CLUSTER]\nHOST=localhost\nDB_NAME=dwh\nDB_USER=you\nDB_PASSWORD=Xx1xxxxx\nDB_PORT=1\n"
        "[IAM_ROLE]\nARN=arn:aws:iam::123456789012:role/name\n"
        "[S3]\nLOG_DATA=s3://sparkify/l\nLOG_JSONPATH=s3://sparkify/p.json\nSONG_DATA=s3://sparkify/s\n"
    )
    file.chmod(0o600)  # or it is told that others may read the password
    first = next(iter(code(COMMITTED).values())).source
    cells = [f"import qa\nqa.CONFIG = {str(config)!r}\n{first}" for config in (case.config, missing, file)]
    notebook = new_notebook(
        cells=[new_code_cell(source, metadata={"tags": ["raises-exception"]}) for source in cells],
        metadata=COMMITTED.metadata,
    )
    table, config, server = map(sentence, run_cells(notebook, NOTEBOOKS, {}).cells)
    assert table == 'relation "songplays" does not exist. Run create_tables.py first.'
    assert config == f"{missing} does not exist: copy dwh.cfg.example there and fill it in."
    assert re.match(r"No connection to localhost:1/dwh: .*[^\n]$", server)


def test_it_is_committed_as_it_ran():
    """Every cell in order with prose before it, no error, under 1 MB; no secret and no path of a machine."""
    cells = code(COMMITTED)
    assert [cell.execution_count for cell in cells.values()] == list(range(1, len(cells) + 1))
    for before, cell in zip(COMMITTED.cells, COMMITTED.cells[1:], strict=False):
        assert cell.cell_type == "markdown" or before.cell_type == "markdown" or cell.id.endswith("-shows"), cell.id
    for name, cell in cells.items():
        assert cell.outputs and all(output.output_type != "error" for output in cell.outputs), name
        ast.parse(cell.source)
    assert [cell.id for cell in COMMITTED.cells if cell.metadata] == []
    assert set(COMMITTED.metadata) == {"kernelspec", "language_info"}
    assert NOTEBOOK.stat().st_size < 1_000_000
    pictures = re.compile(r'"image/png": "[^"]*"')
    text = pictures.sub("", NOTEBOOK.read_text(encoding="utf-8"))
    assert re.findall(r"AKIA\w+|(?i:password|secret|token)|/(?:home|root|tmp|Users|work)/|[A-Z]:\\\\", text) == []


def test_the_readme_s_charts_are_the_notebook_s():
    """The same bytes, so that a picture in the README is never older than the notebook."""
    shown = {output.data["image/png"] for cell in code(COMMITTED).values() for output in cell.outputs
             if "image/png" in output.get("data", {})}  # fmt: skip
    readme = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    names = [name for name in re.findall(r"\]\(([\w-]+\.png)\)", readme) if "dashboard" not in name]
    assert len(names) == 2
    for name in names:
        assert base64.b64encode((ROOT / "notebooks" / name).read_bytes()).decode() in {
            picture.replace("\n", "") for picture in shown
        }

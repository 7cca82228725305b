"""A question stands in one place: another object in questions/, and everything that shows questions has it."""

import base64
import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from notebooks.question import Question, default_chart, default_sentence
from notebooks.questions import QUESTIONS
from tests.fixtures import processes
from tests.fixtures.answers import marks_tell
from tests.fixtures.etl import TS, event
from tests.fixtures.notebooks import ONE_QUESTION, execute
from tests.fixtures.warehouse import ROOT

ADDED = '''    Question(
        id="agents",
        title="Plays by user agent",
        sql="""
-- question: plays by user agent
SELECT
    user_agent,
    COUNT(*) AS plays
FROM songplays
GROUP BY user_agent
ORDER BY COUNT(*) DESC, user_agent ASC
""",
    ),
)
'''
PLAYS = [event(userAgent="Opera"), event(ts=TS + 1000, userAgent="Lynx"), event(ts=TS + 2000, userAgent="Lynx")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which questions/ has one more object, with nothing but what has no default."""
    project = tmp_path / "project"
    names = shutil.ignore_patterns("__pycache__")
    for folder in ("infra", "notebooks"):
        shutil.copytree(ROOT / folder, project / folder, ignore=names)
    for file in ROOT.glob("*.py"):
        shutil.copy(file, project)
    questions = project / "notebooks" / "questions" / "users.py"
    text = questions.read_text(encoding="utf-8")
    assert text.endswith("    ),\n)\n")
    questions.write_text(text.removesuffix(")\n") + ADDED, encoding="utf-8")
    return project


def run(project: Path, script: str, *arguments: object) -> str:
    """What a script of the copy prints."""
    done = processes.run(project / "notebooks" / script, *arguments, cwd=project)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_more_question_is_one_more_object(case, project, visit, tmp_path):
    """Report, CSV, JSON and dashboard, with a plain chart and sentence; a filter leaves it, which the card says."""
    case.load(PLAYS)
    config = ("--config", case.config)
    blocks = run(project, "report.py", *config).rstrip("\n").split("\n\n")
    assert len(blocks) == len(QUESTIONS) + 1
    assert blocks[-1] == (
        "Plays by user agent\nFirst: Lynx, plays: 2.\n  user_agent  plays\n  Lynx            2\n  Opera           1"
    )
    rows = [["user_agent", "plays"], ["Lynx", "2"], ["Opera", "1"]]
    assert list(csv.reader(io.StringIO(run(project, "report.py", "agents", "--format", "csv", *config)))) == rows
    found = json.loads(run(project, "report.py", "agents", "--format", "json", *config))
    assert found == {"agents": [{"user_agent": "Lynx", "plays": 2}, {"user_agent": "Opera", "plays": 1}]}
    run(project, "dashboard.py", "--output", tmp_path / "dashboard.html", *config)
    page = visit(tmp_path / "dashboard.html")
    card = page.locator("#agents")
    assert card.locator(".finding").text_content() == "First: Lynx, plays: 2."
    assert marks_tell(page, "agents") == ["user agent: Lynxplays: 2", "user agent: Operaplays: 1"]
    assert not card.locator(".whole").is_visible()
    page.locator("[name=gender]").select_option("F")
    assert card.locator(".whole").inner_text() == (
        "This answer is for the whole period: the filter does not change it."
    )
    assert page.locator("nav a").last.text_content() == "Plays by user agent"
    with page.expect_download() as started:
        card.locator("button").click()
    with open(started.value.path(), encoding="utf-8", newline="") as content:
        assert list(csv.reader(content)) == rows


@pytest.mark.notebook
def test_the_notebook_has_it_too(case, project):
    """Heading, chart, sentence, rows and SQL, without a cell of its own."""
    case.load(PLAYS)
    executed = execute(project / "notebooks" / "qa_data.ipynb", {"DWH_CFG": str(case.config)}, ONE_QUESTION)
    (cell,) = (cell for cell in executed.cells if cell.id == "answers")
    heading, picture, sentence, rows, statement = cell.outputs[-5:]
    assert heading.data["text/markdown"].startswith("### Plays by user agent")
    assert base64.b64decode(picture.data["image/png"]).startswith(b"\x89PNG")
    assert sentence.data["text/plain"] == "First: Lynx, plays: 2."
    assert "Opera" in rows.data["text/html"] and "user_agent" in statement.data["text/markdown"]


def test_defaults():
    """A bar a row: text names it, the first number measures it; numbers alone: the first names, the last measures."""
    chart = default_chart(["artist", "plays", "listeners"], [("A", 3, 2)])
    assert (chart.kind, chart.names, chart.value) == ("bars", ("artist",), "plays")
    assert default_sentence(chart) == "First: {artist}, plays: {plays}."
    chart = default_chart(["year", "plays"], [(1999, 3)])
    assert (chart.names, chart.value) == (("year",), "plays")
    assert default_chart(["artist"], [("A",)]) is None and default_sentence(None) == ""
    assert Question("id", "Title", "SELECT 1").rollup is None

"""notebooks/report.py: the analysts' answers in a terminal, and for other programs."""

import csv
import io
import json
import re
import subprocess
import sys
from contextlib import closing

import pytest

from infra.local import supervisor
from infra.local.connection_info import open_plain
from notebooks import report
from notebooks.answers import answer_all
from notebooks.questions import QUESTIONS
from tests.fixtures.etl import TS, event
from tests.fixtures.warehouse import ROOT

PLAYS = [event(), event(ts=TS + 60_000, song="Other"), event(ts=TS + 90_000, song='a "b", c\nd', artist=None)]


def test_the_report_prints_every_answer_and_changes_nothing(case, run_script):
    case.load(PLAYS[:2])
    before = case.everything()
    case.write([event(song="not to be loaded")])
    done = run_script("notebooks/report.py", "--config", case.config)
    assert (done.returncode, done.stderr) == (0, f"Asking {case.settings.name}.\n")
    blocks = done.stdout.rstrip("\n").split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [question.title for question in QUESTIONS]
    assert blocks[4] == (
        "Most played songs\nFirst: Other by A, 1 play by 1 listener.\n  song   artist  plays  listeners\n"
        "  Other  A           1          1\n  T      A           1          1"
    )
    assert case.everything() == before


def test_in_a_terminal_it_is_fitted_and_shows_what_it_asks(case, terminal):
    """No line is wider than the terminal; the questions pass by on the line that is written over."""
    case.load([event(song="A long title of a song " * 5, artist="An artist with many names " * 5)])
    seen = terminal.run(ROOT / "notebooks" / "report.py", "--config", case.config)
    assert seen.code == 0
    assert seen.lines[0].startswith("Asking ") and seen.lines[1] == "Free against paid by day"
    position = f"1 of {len(QUESTIONS)} "
    assert position in seen.raw and not any(position in line for line in seen.lines)
    after = seen.lines[seen.lines.index("Most played songs") :]
    row = next(line for line in after if line.startswith("  A long title"))
    assert re.fullmatch(r"  A long title .*\.\.\.  An artist .*\.\.\. +1 +1", row)
    assert terminal.columns - 4 < len(row) <= terminal.columns


def test_the_dashboard_shows_what_it_asks(case, terminal, tmp_path):
    case.load(PLAYS)
    seen = terminal.run(ROOT / "notebooks" / "dashboard.py", "--config", case.config, "--output", tmp_path / "d.html")
    assert seen.code == 0 and "".join(seen.lines) == f"Wrote {tmp_path / 'd.html'}, 0.1 MB. Open it in a browser."
    assert f"1 of {len(QUESTIONS) + 1} {QUESTIONS[0].title}" in seen.raw and "every play" in seen.raw


def test_dashboard_and_report_need_no_package_of_the_notebooks():
    """With requirements.txt alone they work."""
    code = "import sys, notebooks.dashboard, notebooks.report; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True, check=True)
    assert {"altair", "pandas", "PIL", "IPython", "vl_convert"} & set(done.stdout.split()) == set()
    assert "notebooks.report" in done.stdout


def test_named_questions_alone_are_answered_in_their_order(case, run_script):
    case.load(PLAYS[:2])
    done = run_script("notebooks/report.py", "hours", "songs", "hours", "--config", case.config)
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")][::3] == [
        "Plays by hour of day",
        "Most played songs",
    ]


def test_csv_and_json_are_exact(case, run_script):
    """Quotes, line ends and NULL come back from a reader as they are in the warehouse; nothing else is on stdout."""
    case.load(PLAYS)
    answers = answer_all(case.settings)
    (songs,) = (answer for answer in answers if answer.question.id == "songs")
    done = run_script(
        "notebooks/report.py", "songs", "--format", "csv", "--config", case.config, PYTHONIOENCODING="ascii"
    )
    columns, *rows = csv.reader(io.StringIO(done.stdout))
    assert columns == songs.columns
    assert rows == [["" if value is None else str(value) for value in row] for row in songs.rows]
    assert rows[2][0] == 'a "b", c\nd'
    done = run_script("notebooks/report.py", "--format", "json", "--config", case.config)
    found = json.loads(done.stdout)
    assert list(found) == [question.id for question in QUESTIONS]
    assert found["songs"] == songs.records()
    assert found["plays-by-day"] == [{"day": "2018-11-02", "level": "free", "plays": 3, "listeners": 1}]


def test_null_and_an_empty_text_differ_in_csv_as_in_postgresql_s(case, run_script):
    case.load([event(song=""), event(ts=TS + 1000, song=None), event(ts=TS + 2000, song="a\r\nb")])
    (songs,) = (question for question in QUESTIONS if question.id == "songs")
    (answer,) = answer_all(case.settings, [songs])
    with closing(open_plain(supervisor.acquire(case.settings.local_path))) as connection:
        copied = io.StringIO()
        connection.cursor().copy_expert(f"COPY ({songs.sql}) TO STDOUT WITH (FORMAT csv, HEADER)", copied)
    done = run_script("notebooks/report.py", "songs", "--format", "csv", "--config", case.config)
    assert report.as_csv(answer) == copied.getvalue()
    assert done.stdout.replace("\r\n", "\n") == copied.getvalue().replace("\r\n", "\n")
    assert '\n"",A,1,1\n' in done.stdout and "\n,A,1,1\n" in done.stdout


@pytest.mark.parametrize("kind", ["table", "csv", "json"])
def test_no_format_steers_a_terminal(case, terminal, kind):
    """C0, C1, a mark of direction and a tag: none arrives raw; in JSON they come back from a parser."""
    title = "red \x9b31m, \x1b[31m, \u202e, \U000e0041"
    case.load([event(song=title)])
    seen = terminal.run(ROOT / "notebooks" / "report.py", "songs", "--format", kind, "--config", case.config)
    assert seen.code == 0 and "red " in seen.raw
    own = re.sub(r"\x1b\[[AK]", "", seen.raw.partition("songs")[2])
    assert not {"\x9b", "\x1b", "\u202e"} & set(own)
    if kind == "json":
        content = seen.raw[seen.raw.index("{\r\n") :]
        assert json.loads(content)["songs"][0]["song"] == title


def test_text_of_other_alphabets_leaves_as_utf_8(case, run_script):
    case.load([event(song="Ljósið 夜明け")])
    for kind in ("csv", "json"):
        done = run_script(
            "notebooks/report.py", "songs", "--format", kind, "--config", case.config, PYTHONIOENCODING="cp1252"
        )
        assert done.returncode == 0 and "Ljósið 夜明け" in done.stdout


def test_a_warehouse_without_plays_or_tables_is_one_sentence(case, run_script):
    done = run_script("notebooks/report.py", "--config", case.config)
    assert (done.returncode, done.stdout) == (1, "")
    option = f"--config {case.config}"
    sentence = "The warehouse is empty: songplays has no rows."
    assert done.stderr.endswith(f"\nreport: {sentence} Run etl.py {option} first.\n")
    case.execute("DROP TABLE songplays")
    done = run_script("notebooks/report.py", "--config", case.config)
    assert (done.returncode, done.stdout) == (1, "")
    sentence = 'relation "songplays" does not exist.'
    assert done.stderr.endswith(f"\nreport: {sentence} Run create_tables.py {option} first.\n")


def test_what_cannot_be_meant_is_usage(capsys):
    """An unknown question; csv of several questions."""
    for arguments, sentence in (
        (["nonsense"], "there is no question 'nonsense': choose from plays-by-day, "),
        (["--format", "csv"], "csv holds the answer to one question: name it"),
        (["--format", "xml"], "invalid choice: 'xml'"),
    ):
        with pytest.raises(SystemExit) as stopped:
            report.main(arguments)
        assert stopped.value.code == 2
        assert sentence in capsys.readouterr().err


def test_text_is_laid_out_and_cannot_steer_a_terminal():
    """Numbers to the right with separators, text to the left, NULL as nothing, an escape sequence as blanks."""
    rows = [("\x1b[31mred", 12345, 0.5), (None, 7, 12.0), ("夜明け", 1, 1.0)]
    assert report.as_table(["name", "plays", "share"], rows).splitlines() == [
        "  name       plays  share",
        "   [31mred  12,345    0.5",
        "                 7   12.0",
        "  夜明け         1    1.0",
    ]


@pytest.mark.parametrize("width", [30, 40, 80])
def test_a_table_is_fitted_to_the_width(width):
    """The widest text is cut first; numbers never are."""
    table = report.as_table(["song", "artist", "plays"], [("s" * 50, "夜" * 30, 123456)], width)
    lines = table.splitlines()
    assert max(map(report.disp_len, lines)) <= width and lines[1].endswith("123,456")
    assert lines[1].count("...") == 2

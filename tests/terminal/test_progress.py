"""What moves: on a terminal one line that is written over, elsewhere a line now and then, with --quiet nothing."""

import subprocess
import sys
import time
from itertools import groupby

import pytest

from infra import progress
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.long

COPY = """
import time
from infra import progress
with progress.steps(15) as steps:
    with steps.step("LOCK staging_events"):
        time.sleep(0.8)
    with steps.step("COPY staging_events") as step:
        for number in range(1, 9):
            step.update(number * 112.3, 898.4, "MB", detail=f"{number}/8 files")
            time.sleep(1.3 if number == 4 else 0.1)
print("8,000 rows")
"""
SHORT = COPY.replace("0.8", "0.1").replace("1.3", "0.1")  # seconds; for what shows at once
TALKS = """
import sys, time
from infra import cli, progress
def work():
    with progress.step("INSERT INTO songplays"):
        for number in range(2):
            time.sleep(0.3)
            print("line", number)
            print("begun,", end=" ")
            time.sleep(0.3)
            print("ended", file=sys.stderr if number % 2 else sys.stdout)
    return 0
sys.exit(cli.run("talks", work))
"""


@pytest.mark.parametrize("terminal", [80, 120], indirect=True)
def test_a_terminal_shows_one_line_that_moves(terminal):
    """Position, name, seconds and a spinner; for COPY files, MB, rate and time left; then nothing but the result."""
    seen = terminal.run("-c", COPY)
    assert (seen.code, seen.lines) == (0, ["8,000 rows"])
    assert [frame[0] for frame in seen.frames[:-1] if frame[0] not in "|/-\\"] == []
    frames = [frame[2:] for frame in seen.frames]
    assert "1 of 15 LOCK staging_events, 0 s" in frames
    assert "1 of 15 LOCK staging_events, 1 s" in frames
    copying = [frame for frame in frames if "4/8 files" in frame]
    assert any("2 of 15 COPY staging_events: 4/8 files, 449/898 MB, " in frame for frame in copying)
    assert any("MB/s, " in frame and " s left" in frame for frame in copying)
    assert terminal.columns == 80 or any("█" in frame or "#" in frame for frame in copying)  # where there is room
    assert "\x1b" not in seen.raw  # no colour and no hidden cursor, so that nothing is left behind by a kill


def test_what_is_printed_never_stands_behind_the_moving_text(terminal):
    """Also where a line is printed in parts, and half of it to standard error."""
    seen = terminal.run("-c", TALKS)
    lines = [line for number in range(2) for line in (f"line {number}", "begun, ended")]
    assert (seen.code, seen.lines) == (0, lines)
    assert any("INSERT INTO songplays, " in frame for frame in seen.frames)


def test_a_line_of_the_terminals_whole_width_is_not_broken(terminal):
    """Names that are too long, in characters of two columns, too."""
    code = (
        "import time\nfrom infra import progress\n"
        "with progress.step('夜明け ' * 40) as step:\n"
        "    time.sleep(0.5)\n    step.update(1, 3, 'MB')\n    time.sleep(1)"
    )
    seen = terminal.run("-c", code, PYTHONIOENCODING="utf-8")
    assert (seen.code, seen.lines) == (0, [""])
    assert len(seen.frames) > 2
    assert seen.raw.count("\n") == 0


@pytest.mark.parametrize("name", ["dumb", pytest.param("unknown", marks=pytest.mark.slow)])
def test_a_dumb_terminal_gets_lines(terminal, name):
    seen = terminal.run("-c", COPY, TERM=name)
    first, last = seen.lines
    assert first.startswith("2 of 15 COPY staging_events: ")
    assert last == "8,000 rows"


def test_no_color_changes_nothing_for_there_is_none(terminal):
    seen = terminal.run("-c", SHORT, NO_COLOR="1")
    assert seen.lines == ["8,000 rows"]
    assert "\x1b" not in seen.raw


def test_a_terminal_that_knows_only_ascii(terminal):
    """The bar, too, is drawn with what the encoding has."""
    seen = terminal.run("-c", SHORT, PYTHONIOENCODING="ascii")
    assert seen.lines == ["8,000 rows"]
    assert seen.raw.isascii()
    assert any("#" in frame for frame in seen.frames)


def test_quiet_moves_nothing(terminal):
    """Not a byte, on a terminal as elsewhere."""
    code = SHORT.replace("import progress\n", "import progress\nquiet = progress.quiet()\nquiet.__enter__()\n")
    assert terminal.run("-c", code).raw == "8,000 rows\r\n"


@pytest.mark.parametrize(
    ("every", "seconds", "lines"),
    [(1.0, 0.5, 0), (1.0, 1.7, 1), pytest.param(progress.EVERY, 14, 1, marks=pytest.mark.slow)],
)
def test_a_pipe_gets_a_line_every_ten_seconds(every, seconds, lines):
    assert progress.EVERY == 10
    code = f"import time\nfrom infra import progress\nprogress.EVERY = {every}\n"
    code += f"with progress.step('quality checks'):\n    time.sleep({seconds})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", f"quality checks, {every:.0f} s\n" * lines)


def test_numbers_and_times_for_readers():
    assert [progress.as_number(number) for number in (0, 7.0, 12.34, 99.95, 449.3, 1234567.8)] == [
        "0", "7", "12.3", "100", "449", "1,234,568",
    ]  # fmt: skip
    assert [progress.as_time(seconds) for seconds in (0.4, 59.4, 61, 185, 7500)] == [
        "0 s", "59 s", "1 min 1 s", "3 min 5 s", "2 h 5 min",
    ]  # fmt: skip


def test_a_step_fits_into_its_columns_and_keeps_the_time_left_longest():
    step = progress.Step("COPY staging_events", "4 of 15")
    step.start = time.monotonic() - 10
    step.update(100.0, 400.0, "MB", "3/12 files")
    assert step.describe() == "4 of 15 COPY staging_events: 3/12 files, 100/400 MB, 10 MB/s, 30 s left"
    assert step.describe(65) == "4 of 15 COPY staging_events: 3/12 files, 100/400 MB, 30 s left"
    assert step.describe(50) == "4 of 15 COPY staging_events: 100/400 MB, 30 s left"
    step.update(1.0, 400.0, "MB", "1/12 files")
    assert step.describe() == "4 of 15 COPY staging_events: 1/12 files, 1/400 MB"  # too early to say what is left
    assert [len(step.describe(width)) <= width for width in range(1, 50)] == [True] * 49


def test_a_step_inside_a_step_is_shown_in_its_place(terminal):
    """After an error, too, the outer one is back."""
    code = """
import time
from infra import progress
with progress.steps(2) as steps, steps.step("outer"):
    time.sleep(0.5)
    try:
        with progress.step("inner"):
            time.sleep(0.5)
            raise KeyError
    except KeyError:
        time.sleep(0.5)
"""
    seen = terminal.run("-c", code)
    assert seen.lines == [""]
    shown = [name for name, _ in groupby(frame[2:].split(",")[0] for frame in seen.frames)]
    assert shown == ["1 of 2 outer", "inner", "1 of 2 outer"]

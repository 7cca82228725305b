"""The screens of the two scripts, as an emulator of 80 and of 120 columns shows them."""

import re

import pytest

from sql_queries import create_table_queries, quality_checks, staging_checks
from tests.fixtures.etl import event, song
from tests.fixtures.terminal import Terminal
from tests.fixtures.warehouse import ROOT

# create_tables.py on a warehouse whose rows cost something, as those of a cluster do.
SHARED = """
import sys
sys.argv[0] = "create_tables.py"
from infra import config
config.Settings.shared = property(lambda self: True)
import create_tables
sys.exit(create_tables.main(sys.argv[1:]))
"""


CREATED = f"Created {len(create_table_queries)} tables; they are empty. Next: python etl.py --config "


def joined(terminal: Terminal, lines: list[str]) -> list[str]:
    """The lines as they were printed: those that fill the terminal's width go on in the next."""
    return re.sub(rf"(?m)^(.{{{terminal.columns}}})\n", r"\1", "\n".join(lines)).split("\n")


def masked(lines: list[str]) -> list[str]:
    """The lines without their seconds."""
    return [re.sub(r"\(\d+ s\)", "(# s)", line) for line in lines]


def test_a_load_shows_its_steps_and_leaves_its_summary(case, terminal):
    """A second one with nothing new says so."""
    other = event(userId="2", ts=1541121934800, song="BjÃ¶rk's")
    case.write([event(), event(page="Home"), other], [song()])
    seen = terminal.run(ROOT / "etl.py", "--config", case.config)
    first, second, *lines = masked(joined(terminal, seen.lines))
    assert seen.code == 0
    assert first.startswith("Embedded warehouse in ") and second.startswith(
        "To use Amazon Redshift, set [CLUSTER] HOST"
    )
    assert lines == [
        "Read      3 events and 1 song from 2 new files",
        "Plays     2 new, 1 of them matched with a song",
        "Users     2 new",
        "Songs     1 new",
        "Artists   1 new",
        'Notice    1 text seems to be encoded twice, such as "BjÃ¶rk\'s"',
        f"Checks    {len(staging_checks + quality_checks)} passed",
        f"The load is complete (# s). Next: python notebooks/report.py --config {case.config}",
    ]
    assert any(re.match(r"[|/\\-] \d+ of \d+ \w+: ", frame) for frame in seen.frames)
    positions = [int(found[1]) for frame in seen.frames if (found := re.match(r"[|/\\-] (\d+) of \d+ ", frame))]
    assert positions == sorted(positions)
    again = terminal.run(ROOT / "etl.py", "--config", case.config)
    assert masked(joined(terminal, again.lines))[-2:] == [
        "Nothing new: 2 files loaded before (# s).",
        f"To read them again: python etl.py --config {case.config} --all",
    ]


def test_a_quiet_load_shows_nothing(case, terminal):
    case.write([event()])
    seen = terminal.run(ROOT / "etl.py", "--config", case.config, "--quiet")
    assert (seen.code, seen.raw) == (0, "")


def test_a_load_that_says_more_lists_its_statements(case, terminal):
    """Each in a line of its own, with rows and seconds, and none behind the moving line."""
    case.write([event()])
    seen = terminal.run(ROOT / "etl.py", "--config", case.config, "--verbose")
    assert seen.code == 0
    statements = [line for line in seen.lines if re.fullmatch(r"[a-z_ ]+: .* \d+ rows +\d+\.\d\d s", line)]
    assert len(statements) > 15
    assert joined(terminal, seen.lines)[-1].startswith("The load is complete (")


def test_create_tables_says_what_it_dropped(case, terminal):
    case.load([event()])
    seen = terminal.run(ROOT / "create_tables.py", "--config", case.config)
    assert seen.code == 0
    lines = joined(terminal, seen.lines)
    assert lines[2] == "Dropped the tables with their rows:"
    assert [line.split() for line in lines[3:-1]] == [
        [name, "1"] for name in ("staging_events", "staging_songs", "users", "artists", "songs", "time", "songplays")
    ]
    assert lines[-1] == f"{CREATED}{case.config}"


@pytest.mark.parametrize(("keys", "code"), [("yes\n", 0), ("no\n", 1), ("\n", 1), ("\x04", 1)])
def test_create_tables_asks_before_it_drops_what_costs_something(case, terminal, keys, code):
    case.load([event()])
    before = case.everything()
    seen = terminal.run("-c", SHARED, "--config", case.config, keys=keys)
    text = "\n".join(seen.lines)
    assert seen.code == code
    assert re.search(r"^  songplays +1$", text, re.MULTILINE)
    assert "Drop them? Type yes to go on:" in text
    if code:
        assert joined(terminal, seen.lines)[-1].endswith("Nothing was changed.")
        assert case.everything() == before
    else:
        assert joined(terminal, seen.lines)[-1] == f"{CREATED}{case.config}"
        assert case.everything() == {table: [] for table in case.everything()}


def test_create_tables_with_yes_does_not_ask(case, terminal):
    case.load([event()])
    seen = terminal.run("-c", SHARED, "--config", case.config, "--yes")
    assert seen.code == 0
    assert "Type yes" not in seen.raw


def test_create_tables_does_not_ask_for_tables_without_rows(case, terminal):
    """Nor where there are none."""
    seen = terminal.run("-c", SHARED, "--config", case.config)
    assert (seen.code, joined(terminal, seen.lines)[-1]) == (0, f"{CREATED}{case.config}")


def test_an_error_is_one_sentence_after_what_was_shown(case, terminal):
    case.write_text("log_data/log.json", '{"ts": "soon"}')
    seen = terminal.run(ROOT / "etl.py", "--config", case.config)
    assert seen.code == 1
    lines = joined(terminal, seen.lines)
    assert lines[2] == "etl: staging_events: COPY: rejected records:"
    assert lines[-1] == "Correct the files, or load around bad records with --max-errors N."

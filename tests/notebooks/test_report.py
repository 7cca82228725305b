"""etl.py --report: the analysts' answers in a terminal."""

from notebooks.answers import Answer, as_text
from notebooks.questions import analytics_queries
from tests.fixtures.etl import TS, event


def test_the_report_prints_every_answer_and_changes_nothing(case, run_script):
    """Each question with its table, after the line that says which warehouse it is."""
    case.load([event(), event(ts=TS + 60_000, song="Other")])
    before = case.everything()
    case.write([event(song="not to be loaded")])
    done = run_script("etl.py", "--config", case.config, "--report")
    assert (done.returncode, done.stderr) == (0, "")
    first, _, rest = done.stdout.partition("\n")
    assert first.startswith("Embedded warehouse in ")
    blocks = rest.rstrip("\n").split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [question.capitalize() for question in analytics_queries]
    assert blocks[4] == (
        "Most played songs\n  song   artist  plays  listeners\n  Other  A           1          1\n"
        "  T      A           1          1"
    )
    assert case.everything() == before


def test_a_warehouse_without_plays_or_tables_is_one_sentence(config, connection, case, run_script):
    """Exit code 1 and what to do."""
    done = run_script("etl.py", "--config", case.config, "--report")
    assert (done.returncode, done.stderr) == (
        1,
        "etl: The warehouse is empty: songplays has no rows. Run etl.py first.\n",
    )
    case.execute("DROP TABLE songplays")
    done = run_script("etl.py", "--config", case.config, "--report")
    assert (done.returncode, done.stderr) == (
        1, 'etl: relation "songplays" does not exist. Run create_tables.py first.\n')  # fmt: skip


def test_the_report_does_not_go_with_options_of_a_load(case, run_script):
    """Exit code 2, before anything is asked."""
    for option in (["--skip-copy"], ["--max-errors", "1"], ["--quiet"]):
        done = run_script("etl.py", "--config", case.config, "--report", *option)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("etl.py: error: --report loads nothing, so it goes with --config only\n")


def test_text_is_laid_out_and_cannot_steer_a_terminal():
    """Numbers to the right with separators, text to the left, NULL as nothing, an escape sequence as blanks."""
    answer = Answer("two rows", "", ["name", "plays", "share"], [("\x1b[31mred", 12345, 0.5), (None, 7, 12.0)])
    assert as_text(answer).splitlines() == [
        "Two rows",
        "  name       plays  share",
        "   [31mred  12,345    0.5",
        "                 7   12.0",
    ]

"""create_tables.py and etl.py as users run them: options, output, exit codes."""

import re

import pytest

from sql_queries import quality_checks, staging_checks
from tests.fixtures.etl import TABLES, event

SCRIPTS = ("create_tables.py", "etl.py")


def first_lines(case) -> str:
    """What both scripts print first."""
    data = f"{case.data / 'log_data'}/ and {case.data / 'song_data'}/".replace("/", case.settings.log_data[-1])
    return (
        f"Embedded warehouse in {case.settings.local_path} with data from {data}.\n"
        f"To use Amazon Redshift, set [CLUSTER] HOST in {case.config}."
    )


def test_create_tables_empties_all_and_says_what_is_next(case, run_script):
    case.load([event()])
    done = run_script("create_tables.py", "--config", case.config)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, *lines, last = done.stdout.splitlines()
    assert f"{first}\n{second}" == first_lines(case)
    assert lines[0] == "Dropped the tables with their rows:"
    tables = ("staging_events", "staging_songs", "users", "artists", "songs", "time", "songplays")
    assert [line.split() for line in lines[1:]] == [[name, "1"] for name in tables]
    assert last == f"Created 8 tables; they are empty. Next: python etl.py --config {case.config}"
    assert case.everything() == {table: [] for table in TABLES}


def test_etl_prints_each_statement_if_asked_to_and_a_summary(case, run_script):
    case.write([event(), event(page="Home"), event(userId="2", song="x")])
    done = run_script("etl.py", "--config", case.config, "--verbose")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, *lines = re.sub(r" +\d+\.\d\d s\n", "\n", re.sub(r"\(\d+ s\)", "(0 s)", done.stdout)).splitlines()
    assert f"{first}\n{second}" == first_lines(case)
    assert [re.sub(" +", " ", line) for line in lines] == [
        "loaded_files: wait for other loads 0 rows",
        "staging_events: drop the table 0 rows",
        "staging_events: create the table 0 rows",
        "staging_songs: drop the table 0 rows",
        "staging_songs: create the table 0 rows",
        "staging_events: COPY 3 rows",
        "staging_songs: COPY 1 rows",
        "songs: find the staged ones that are new or changed 1 rows",
        "artists: find the rows that the changed songs make 1 rows",
        "users: find those with a later event 2 rows",
        "artists: update those that changed 0 rows",
        "artists: add new ones 1 rows",
        "songs: update those that changed 0 rows",
        "songs: add new ones 1 rows",
        "users: update those with a later event 0 rows",
        "users: add new ones 2 rows",
        "time: add new times 1 rows",
        "users: analyze 0 rows",
        "songs: analyze 0 rows",
        "artists: analyze 0 rows",
        "songplays: match older plays with the songs that changed 0 rows",
        "songplays: delete plays that a staged one replaces 0 rows",
        "songplays: add new plays 2 rows",
        "songplays: analyze 0 rows",
        "time: analyze 0 rows",
        "songs: forget the changes 0 rows",
        "artists: forget the changes 0 rows",
        "users: forget the changes 0 rows",
        "loaded_files: COPY the list of this load's files 3 rows",
        "Read 3 events and 1 song from 2 new files",
        "Plays 2 new, 1 of them matched with a song",
        "Users 2 new",
        "Songs 1 new",
        "Artists 1 new",
        f"Checks {len(staging_checks + quality_checks)} passed",
        f"The load is complete (0 s). Next: python notebooks/report.py --config {case.config}",
    ]


def test_quiet_prints_nothing(case, run_script):
    case.write([event()])
    done = run_script("etl.py", "--config", case.config, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(case.tables()["songplays"]) == 1


BAD = '{"ts": 1541121934796, "page": "Home"}\n{"ts": "soon"}\n{"ts": 1541121934797, "sessionId": "x"}\n{oops}\n'


def test_max_errors_loads_around_bad_records_and_lists_them(case, run_script):
    case.write_text("log_data/log.json", BAD)
    case.write_text("song_data/songs.json", '{"song_id": "S1", "artist_id": "A1"}\n{"year": "MM"}\n')
    done = run_script("etl.py", "--config", case.config, "--max-errors", "3", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    log, songs = case.data / "log_data" / "log.json", case.data / "song_data" / "songs.json"
    expected = [
        (f"staging_events: COPY: rejected and left out: {log}, line 2, column ts: 'soon': ", " (error 1206)"),
        (
            f"staging_events: COPY: rejected and left out: {log}, line 3, column session_id: 'x': ",
            " (error 1207)",
        ),
        (f"staging_events: COPY: rejected and left out: {log}, line 4: ", " (error 1216)"),
        (
            f"staging_songs: COPY: rejected and left out: {songs}, line 2, column year: 'MM': ",
            " (error 1207)",
        ),
    ]
    for line, (begin, end) in zip(done.stdout.splitlines(), expected, strict=True):
        assert (line[: len(begin)], line[-len(end) :]) == (begin, end)
        assert len(line) > len(begin + end) + 10  # the reason in words
    assert case.execute("SELECT page FROM staging_events") == [("Home",)]
    assert case.execute("SELECT song_id FROM songs") == [("S1",)]


def test_one_bad_record_more_than_max_errors_ends_the_load(case, run_script):
    case.load([event()])
    before = case.everything()
    case.write_text("log_data/log.json", BAD)
    done = run_script("etl.py", "--config", case.config, "--max-errors", "2")
    assert done.returncode == 1
    first, *records, advice = done.stderr.splitlines()
    assert first == "etl: staging_events: COPY: rejected records:"
    assert [record.split(": ")[0] for record in records] == [
        f"{case.data / 'log_data' / 'log.json'}, line {line}" for line in ("2, column ts", "3, column session_id", "4")
    ]
    assert advice == "Correct the files, or load around bad records with --max-errors N."
    assert case.everything() == before


@pytest.mark.parametrize("number", ["-1", "100001", "ten", "1.5", ""])
def test_max_errors_is_a_number_from_0_to_100000(run_script, number):
    done = run_script("etl.py", f"--max-errors={number}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"error: argument --max-errors: {number!r} is not a number from 0 to 100000\n")


def test_max_errors_takes_its_largest_number(case, run_script):
    case.write([event()])
    assert run_script("etl.py", "--config", case.config, "--max-errors", 100_000).returncode == 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_config_that_is_not_there(run_script, tmp_path, script):
    file = tmp_path / "missing.cfg"
    done = run_script(script, "--config", file)
    assert (done.returncode, done.stdout) == (2, "")
    program = script.removesuffix(".py")
    assert done.stderr == f"{program}: {file} does not exist: copy dwh.cfg.example there and fill it in.\n"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_wrong_option_is_a_usage_error(run_script, script):
    done = run_script(script, "--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: {script}")
    assert done.stderr.endswith("error: unrecognized arguments: --nonsense\n")


@pytest.mark.parametrize(
    ("script", "options"),
    [("create_tables.py", ["--config"]), ("etl.py", ["--config", "--all", "--audit", "--max-errors", "--quiet"])],
)
def test_help_names_every_option(run_script, script, options):
    done = run_script(script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {script}")
    assert all(option in done.stdout for option in options)


def test_the_config_is_found_from_another_directory(case, run_script):
    """A relative --config counts from the caller's directory, which run_script makes the file system's root."""
    case.write([event()])
    relative = case.config.relative_to(case.config.anchor)
    assert run_script("etl.py", "--config", relative, "--quiet").returncode == 0
    assert len(case.tables()["songplays"]) == 1

"""Every quality check can fail: it names the row, the load rolls back, exit code 1."""

import pytest

import etl
import sql_queries
from infra.database import statement_name
from tests.fixtures.etl import TS, event, song

pytestmark = pytest.mark.long

# Rows put into staging, by the check that is to find them: events, songs, and what it says.
STAGED = {
    "every staged event has its time": (
        [event(ts=None)],
        [],
        "session_id=5, item_in_session=0, page=NextSong, user_id=1",
    ),
    "every staged play has its user and session": (
        [event(userId="")],
        [],
        "ts=2018-11-02 01:25:34.796000, user_id=None, session_id=5, song=T, artist=A",
    ),
    "every staged song has its song_id and artist_id": (
        [],
        [song(song_id=None)],
        "song_id=None, artist_id=A1, title=T, artist_name=A",
    ),
    "songplays: values are in range": ([event(level="gold")], [], "level=gold, length=200.5"),
    "users: values are in range": ([event(page="Home", level="gold")], [], "user_id=1, level=gold"),
    "songs: values are in range": ([], [song(duration=-1.0)], "song_id=S1, year=1999, duration=-1.0"),
    "artists: values are in range": ([], [song(artist_latitude=90.5)], "artist_id=A1, latitude=90.5, longitude=None"),
}

# Statements that break the star schema behind a load's back, on a warehouse with one matched play of user 1.
PLAY = "INSERT INTO songplays (start_time, user_id, level, session_id, song_id, artist_id) SELECT"
IN_TIME = "songplays: every start_time is in time"
BROKEN = [
    ("songplays: songplay_id is unique", None, ", found=2"),  # put in past the IDENTITY column
    ("users: user_id is unique", "INSERT INTO users SELECT * FROM users", "user_id=1, found=2"),
    ("songs: song_id is unique", "INSERT INTO songs SELECT * FROM songs", "song_id=S1, found=2"),
    ("artists: artist_id is unique", "INSERT INTO artists SELECT * FROM artists", "artist_id=A1, found=2"),
    ("time: start_time is unique", "INSERT INTO time SELECT * FROM time",
     "start_time=2018-11-02 01:25:34.796000, found=2"),
    ("time: every start_time is in songplays", "INSERT INTO time SELECT '2018-01-01', 0, 1, 1, 1, 2018, 1 FROM time",
     "start_time=2018-01-01 00:00:00"),
    (IN_TIME, "DELETE FROM time", "start_time=2018-11-02 01:25:34.796000"),
    ("songplays: (start_time, user_id, session_id) is unique", f"{PLAY} start_time, 1, 'paid', 5, NULL, NULL FROM time",
     "user_id=1, session_id=5, found=2"),
    ("songplays: every user_id is in users", f"{PLAY} start_time, 99, 'free', 1, NULL, NULL FROM time", "user_id=99"),
    ("songplays: every song_id is in songs", "UPDATE songplays SET song_id = 'S0'", "song_id=S0"),
    ("songplays: every artist_id is in artists", "UPDATE songplays SET artist_id = 'A0'", "artist_id=A0"),
    ("songs: every artist_id is in artists", "UPDATE songs SET artist_id = 'A0'", "artist_id=A0"),
    ("songplays: values are in range", "UPDATE songplays SET artist_id = NULL", "start_time=2018-11-02 01:25:34.796"),
]  # fmt: skip

# What a load's own statements mend or prevent: a statement that stands in for one of them, and what the check says.
SABOTAGE = {
    "every staged play is in songplays": (
        "songplay_table_insert", "DELETE FROM songplays", "user_id=1, session_id=5"
    ),
    "songplays: (start_time, user_id, session_id) is unique": (
        "songplay_table_delete", f"{PLAY} start_time, 1, 'paid', 5, NULL, NULL FROM time",
        "user_id=1, session_id=5, found=2",
    ),
    IN_TIME: ("time_table_insert", "DELETE FROM time", "start_time=2018-11-02 01:25:34.796000"),
    "songplays: every song_id is in songs": (
        "songplay_table_match", "UPDATE songplays SET song_id = 'S0', artist_id = 'A1'", "song_id=S0"
    ),
    "songplays: every artist_id is in artists": (
        "songplay_table_match", "UPDATE songplays SET song_id = 'S1', artist_id = 'A0'", "artist_id=A0"
    ),
}  # fmt: skip
CHECKS = [statement_name(query) for query in sql_queries.staging_checks + sql_queries.quality_checks]


def fail(case, capsys) -> str:
    """Run etl.py on all files: exit code 1, and everything as before. What it says, without its first line."""
    before = case.everything()
    assert etl.main(["--config", str(case.config), "--all"]) == 1
    assert case.everything() == before
    first, *failures = capsys.readouterr().err.splitlines()
    assert first == "etl: Quality checks failed, so the star schema stays as it was:"
    return "\n".join(failures)


def test_there_is_a_test_for_every_check():
    assert {*STAGED, *SABOTAGE, *(name for name, _, _ in BROKEN)} == set(CHECKS)
    assert len(CHECKS) == len(set(CHECKS))


@pytest.mark.parametrize("name", STAGED)
def test_a_staged_row_that_a_check_finds(case, capsys, name):
    events, songs, words = STAGED[name]
    case.load([event(userId="7", ts=TS + 1)], [song(song_id="S7", artist_id="A7")])
    case.write(events, songs or None)
    found = fail(case, capsys)
    assert f"{name}: but " in found
    assert words in found


@pytest.mark.parametrize(("name", "statement", "words"), BROKEN)
def test_the_audit_finds_a_broken_star_schema(case, onlooker, capsys, name, statement, words):
    case.load([event()])
    assert etl.main(["--config", str(case.config), "--audit"]) == 0
    if statement:
        case.execute(statement)
    else:
        onlooker.cursor().execute(
            "INSERT INTO songplays (songplay_id, start_time, user_id, session_id, level) OVERRIDING SYSTEM VALUE "
            "SELECT songplay_id, start_time, user_id, 99, level FROM songplays"
        )
    before = case.everything()
    capsys.readouterr()
    assert etl.main(["--config", str(case.config), "--audit"]) == 1
    assert case.everything() == before
    first, *found = capsys.readouterr().err.splitlines()
    assert first == "etl: Quality checks failed:"
    assert [line for line in found if line.startswith(f"{name}: but ") and words in line]


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_load_that_goes_wrong_is_found(case, capsys, monkeypatch, name):
    replaced, statement, words = SABOTAGE[name]
    case.load([event()])
    case.write([event()], [song(year=2000)])  # a changed song, so that plays are matched again
    original = getattr(sql_queries, replaced)
    queries = [statement if query == original else query for query in sql_queries.dimension_queries]
    monkeypatch.setattr(sql_queries, "dimension_queries", queries)
    monkeypatch.setattr(sql_queries, replaced, statement)
    found = fail(case, capsys)
    assert [line for line in found.splitlines() if line.startswith(f"{name}: but ") and words in line]


def test_a_load_checks_the_stretch_of_its_own_plays_and_the_audit_all(case, capsys):
    case.load([event(), event(ts=TS + 86_400_000)])
    case.execute(f"{PLAY} start_time, 99, 'free', 1, NULL, NULL FROM time WHERE day = 3")
    case.write([event(ts=TS + 1)])
    assert etl.main(["--config", str(case.config)]) == 0
    case.write([event(ts=TS + 86_400_000)])
    assert "songplays: every user_id is in users: but user_id=99" in fail(case, capsys)


def test_a_check_lists_five_rows_at_most_and_the_others_run_all_the_same(case, capsys):
    case.write([event(userId=str(user), level="gold") for user in range(1, 9)], [song(year=3)])
    names = [line.split(": but ")[0] for line in fail(case, capsys).splitlines()]
    assert names == ["songplays: values are in range"] * 5 + ["users: values are in range"] * 5 + [
        "songs: values are in range"
    ]

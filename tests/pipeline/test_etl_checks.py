"""Every quality check can fail: it names the row, the load rolls back, exit code 1."""

import pytest

import etl
import sql_queries
from infra.database import statement_name
from tests.fixtures.etl import TS, event, song

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
BROKEN = {
    "songplays: songplay_id is unique": (None, ", found=2"),  # put in past the IDENTITY column
    "users: user_id is unique": ("INSERT INTO users SELECT * FROM users", "user_id=1, found=2"),
    "songs: song_id is unique": ("INSERT INTO songs SELECT 'S0', 'x', 'A1', 2000, 1, 'A' FROM songs UNION ALL "
                                 "SELECT 'S0', 'y', 'A1', 2000, 1, 'A' FROM songs", "song_id=S0, found=2"),
    "artists: artist_id is unique": ("INSERT INTO artists SELECT 'A0', 'x', '', 1, 1 FROM artists UNION ALL "
                                     "SELECT 'A0', 'y', '', 1, 1 FROM artists", "artist_id=A0, found=2"),
    "time: start_time is unique": (
        "INSERT INTO time SELECT * FROM time", "start_time=2018-11-02 01:25:34.796000, found=2"
    ),
    "every start_time in time is a songplay's": (
        "INSERT INTO time SELECT '2018-01-01', 0, 1, 1, 1, 2018, 1 FROM time", "start_time=2018-01-01 00:00:00"
    ),
    "every songplay's user is in users": (f"{PLAY} start_time, 99, 'free', 1, NULL, NULL FROM time", "user_id=99"),
    "every song's artist is in artists": (
        "INSERT INTO songs SELECT 'S0', 'x', 'A0', NULL, 1, 'A' FROM songs", "song_id=S0, artist_id=A0"
    ),
}  # fmt: skip

# What the statements of a load mend or prevent, so that only the load's own SQL could break it: a statement that stands
# in for one of them, the one it replaces, and what the check says.
SABOTAGE = {
    "every staged play is in songplays once": (
        "songplay_table_insert", "DELETE FROM songplays", "user_id=1, session_id=5, found=0"
    ),
    "songplays: (start_time, user_id, session_id) is unique": (
        "songplay_table_delete", f"{PLAY} start_time, 1, 'paid', 5, NULL, NULL FROM time",
        "user_id=1, session_id=5, found=2",
    ),
    "every songplay's start_time is in time": ("time_table_insert", "DELETE FROM time", "796000"),
    "every songplay's song is in songs": (
        "songplay_table_match", "UPDATE songplays SET song_id = 'S0', artist_id = 'A1'", "song_id=S0"
    ),
    "every songplay's artist is in artists": (
        "songplay_table_match", "UPDATE songplays SET song_id = 'S1', artist_id = 'A0'", "artist_id=A0"
    ),
}  # fmt: skip


def fail(case, capsys) -> str:
    """Run etl.py on what is staged: exit code 1 and the star schema as before. What it says, without its first line."""
    before = case.tables()
    assert etl.main(["--config", str(case.config), "--skip-copy"]) == 1
    assert case.tables() == before
    first, *failures = capsys.readouterr().err.splitlines()
    assert first == "etl: Quality checks failed, so the star schema stays as it was:"
    return "\n".join(failures)


def test_there_is_a_test_for_every_check():
    assert sorted([*STAGED, *BROKEN, *SABOTAGE]) == sorted(map(statement_name, sql_queries.quality_checks))


@pytest.mark.parametrize("name", STAGED)
def test_a_staged_row_that_a_check_finds(case, capsys, name):
    events, songs, words = STAGED[name]
    case.load([event(userId="7", ts=TS + 1)], [song(song_id="S7", artist_id="A7")])
    case.write(events, songs or None)
    case.stage()
    found = fail(case, capsys)
    assert f"{name}: but " in found
    assert words in found


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_star_schema_that_a_check_finds(case, onlooker, capsys, name):
    statement, words = BROKEN[name]
    case.load([event()])
    if statement:
        case.execute(statement)
    else:
        onlooker.cursor().execute(
            "INSERT INTO songplays (songplay_id, start_time, user_id, session_id, level) OVERRIDING SYSTEM VALUE "
            "SELECT songplay_id, start_time, user_id, 99, level FROM songplays"
        )
    case.execute("DELETE FROM staging_songs")
    found = fail(case, capsys)
    assert [line for line in found.splitlines() if line.startswith(f"{name}: but ") and words in line]


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_load_that_goes_wrong_is_found(case, capsys, monkeypatch, name):
    replaced, statement, words = SABOTAGE[name]
    case.load([event()])
    queries = [
        statement if query == getattr(sql_queries, replaced) else query for query in sql_queries.insert_table_queries
    ]
    assert statement in queries
    monkeypatch.setattr(sql_queries, "insert_table_queries", queries)
    found = fail(case, capsys)
    assert [line for line in found.splitlines() if line.startswith(f"{name}: but ") and words in line]


def test_a_check_lists_five_rows_at_most_and_the_others_run_all_the_same(case, capsys):
    case.write([event(userId=str(user), level="gold") for user in range(1, 9)], [song(year=3)])
    case.stage()
    names = [line.split(": but ")[0] for line in fail(case, capsys).splitlines()]
    assert names == ["songplays: values are in range"] * 5 + ["users: values are in range"] * 5 + [
        "songs: values are in range"
    ]

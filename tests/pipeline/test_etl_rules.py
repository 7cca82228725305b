"""The rules of the transform, one after the other, on inputs of a few rows."""

import pytest

from tests.fixtures.etl import STAR, TS, at, event, song

pytestmark = pytest.mark.long

AGENT = ("Fargo, ND-MN", "Agent")  # location and user agent of every event here
PLAYS = "SELECT start_time, user_id, level, song_id, artist_id, session_id, location, user_agent FROM songplays"
MATCHES = "SELECT user_id, song_id, artist_id FROM songplays"


def test_one_play_fills_all_five_tables(case):
    case.load([event()], [song(artist_location="Rome", artist_latitude=41.9, artist_longitude=12.5)])
    (play,) = case.tables()["songplays"]
    assert case.tables() == {
        "songplays": [(play[0], at(TS), 1, "free", "S1", "A1", 5, *AGENT, "T", "A", 200.5)],
        "users": [(1, "Ada", "Berg", "F", "free", at(TS))],
        "songs": [("S1", "T", "A1", 1999, 200.5, "A", "Rome", 41.9, 12.5)],
        "artists": [("A1", "A", "Rome", 41.9, 12.5)],
        "time": [(at(TS), 1, 2, 44, 11, 2018, 5)],
    }


def test_users_are_as_of_their_latest_event_on_any_page(case):
    case.load(
        [
            event(ts=TS + 1, page="Home", level="paid", lastName="Berg-Hill"),
            event(ts=TS),
            event(ts=TS + 2, userId="", firstName=None, lastName=None, gender=None, page="Login", auth="Logged Out"),
            event(ts=TS, userId="2", page="About", firstName="Bea", lastName=None),
        ]
    )
    assert case.tables()["users"] == [
        (1, "Ada", "Berg-Hill", "F", "paid", at(TS + 1)),
        (2, "Bea", None, "F", "free", at(TS)),
    ]


def test_a_load_of_older_logs_leaves_the_newer_level_alone(case):
    case.load([event(ts=TS + 9, level="paid")])
    case.load([event(ts=TS)])
    assert case.tables()["users"] == [(1, "Ada", "Berg", "F", "paid", at(TS + 9))]
    case.load([event(ts=TS + 10, level="free")])
    assert case.tables()["users"] == [(1, "Ada", "Berg", "F", "free", at(TS + 10))]


def test_of_two_events_in_one_millisecond_the_text_that_sorts_last_counts(case):
    """A user for each pair, of which the second counts."""
    pairs = [
        ({"level": "free"}, {"level": "paid"}),
        ({"firstName": "Ada"}, {"firstName": "Bea"}),
        ({"lastName": None}, {"lastName": ""}),
        ({"firstName": "x", "lastName": "y|z"}, {"firstName": "x|y", "lastName": "z"}),
        ({"gender": None}, {"gender": "M"}),
        ({"level": None}, {"level": "free"}),
    ]
    losers, winners = (
        [event(userId=str(user), **pair[position]) for user, pair in enumerate(pairs, start=1)] for position in (0, 1)
    )
    case.load(winners)
    expected = case.tables()["users"]
    assert len(expected) == len(pairs)
    for loads in ([losers + winners], [losers, winners], [winners, losers]):
        case.clear()
        for events in loads:
            case.load(events)
        assert case.tables()["users"] == expected


def test_an_artist_is_the_shortest_name_with_coordinates_of_the_smallest_song(case):
    place = {"artist_latitude": 1.0, "artist_longitude": 2.0, "artist_location": "Context"}
    case.load(
        [],
        [
            song(song_id="S1", artist_name="A feat. B", artist_latitude=9.0, artist_longitude=9.0),
            song(song_id="S2", artist_location="Nowhere"),
            song(song_id="S4", **place),
            song(song_id="S3", **{**place, "artist_latitude": 8.0}),
            song(song_id="S5", artist_id="A2", artist_name="C", artist_location=None),
            song(song_id="S6", artist_id="A2", artist_name="B"),
            song(song_id="S7", artist_id="A3", artist_name=None),
        ],
    )
    assert case.tables()["artists"] == [
        ("A1", "A", "Context", 8.0, 2.0),
        ("A2", "B", "", None, None),
        ("A3", None, "", None, None),
    ]


def test_songs_have_no_year_0_and_each_id_once(case):
    case.load(
        [],
        [
            song(song_id="S1", year=0),
            song(song_id="S2", title="Zed", artist_id="A2"),
            song(song_id="S2", title="Alpha", year=2001),
            song(song_id="S3", title=None, duration=None),
        ],
    )
    assert case.tables()["songs"] == [
        ("S1", "T", "A1", None, 200.5, "A", "", None, None),
        ("S2", "Alpha", "A1", 2001, 200.5, "A", "", None, None),
        ("S3", None, "A1", 1999, None, "A", "", None, None),
    ]


def test_only_the_page_nextsong_is_a_play_and_a_play_without_a_song_is_kept(case):
    case.load(
        [
            event(userId="1"),
            event(userId="2", artist="Nobody"),
            event(userId="3", song="t"),
            event(userId="4", artist=None, song=None, length=None),
            event(userId="5", page="Home", artist=None, song=None, length=None),
        ]
    )
    assert case.execute(PLAYS) == [
        (at(TS), 1, "free", "S1", "A1", 5, *AGENT),
        (at(TS), 2, "free", None, None, 5, *AGENT),
        (at(TS), 3, "free", None, None, 5, *AGENT),
        (at(TS), 4, "free", None, None, 5, *AGENT),
    ]


def test_of_several_songs_the_closest_in_duration_wins_and_then_the_smallest_id(case):
    songs = [
        song(song_id="S9", duration=100.0),
        song(song_id="S2", duration=100.0, artist_id="A2"),
        song(song_id="S5", duration=300.0),
        song(song_id="S1", duration=None),
    ]
    plays = [
        event(userId="1", length=120.0),
        event(userId="2", length=210.0),
        event(userId="3", length=200.0),  # as far from 100 as from 300
        event(userId="4", length=None),
    ]
    case.load(plays, songs)
    assert case.execute(MATCHES) == [(1, "S2", "A2"), (2, "S5", "A1"), (3, "S2", "A2"), (4, "S1", "A1")]


def test_equal_lines_are_one_play_and_of_different_ones_with_one_key_the_first_in_order_stays(case):
    plays = [event(), event(), event(song="Other"), event(song=None), event(sessionId=6)]
    for events in (plays, plays[::-1]):
        case.clear()
        case.load(events)
        assert case.execute("SELECT session_id, song FROM songplays") == [(5, "Other"), (6, "T")]


def test_time_columns_of_known_instants(case):
    instants = {
        1541121934796: (1, 2, 44, 11, 2018, 5),  # Friday 2018-11-02 01:25:34.796
        1546300799999: (23, 31, 1, 12, 2018, 1),  # Monday 2018-12-31 23:59:59.999, in ISO week 1 of 2019
        1609459200001: (0, 1, 53, 1, 2021, 5),  # Friday 2021-01-01 00:00:00.001, in ISO week 53 of 2020
        1541289600000: (0, 4, 44, 11, 2018, 0),  # Sunday 2018-11-04
        1541894399999: (23, 10, 45, 11, 2018, 6),  # Saturday 2018-11-10
        1582934400123: (0, 29, 9, 2, 2020, 6),  # a leap day
    }
    case.load(
        [line for ts in instants for line in (event(ts=ts), event(ts=ts, userId="2"), event(ts=ts + 5, page="Home"))]
    )
    expected = [(at(ts), *columns) for ts, columns in instants.items()]
    assert case.tables()["time"] == sorted(expected, key=repr)


def test_songplays_need_both_staging_tables(case):
    """Events alone give plays without songs, songs alone give none; together each play has its song and artist."""
    plays = "SELECT user_id, song, song_id, artist_id FROM songplays"
    case.load([event(), event(userId="2", song="Other")], [])
    assert case.execute(plays) == [(1, "T", None, None), (2, "Other", None, None)]
    case.clear()
    case.load([], [song()])
    assert case.execute(plays) == []
    case.clear()
    case.load([event(), event(userId="2", song="Other")], [song()])
    assert case.execute(plays) == [(1, "T", "S1", "A1"), (2, "Other", None, None)]


def test_a_play_gets_its_match_on_a_later_load_even_if_its_log_is_not_loaded_again(case):
    case.load([event()], [song(title="Other")])
    (before,) = case.execute("SELECT songplay_id, song_id, artist_id FROM songplays")
    assert before[1:] == (None, None)
    case.load([event(userId="2", song="x")], [song(song_id="S7", artist_id="A7")])
    assert case.execute("SELECT songplay_id, song_id, artist_id FROM songplays WHERE user_id = 1") == [
        (before[0], "S7", "A7")
    ]
    assert case.execute(MATCHES) == [(1, "S7", "A7"), (2, None, None)]


def test_songs_of_an_earlier_load_still_match_new_plays(case):
    case.load([event()], [song()])
    case.load([event(userId="2")], [song(song_id="S2", title="Other")])
    assert case.execute(MATCHES) == [(1, "S1", "A1"), (2, "S1", "A1")]
    assert [row[:2] for row in case.tables()["songs"]] == [("S1", "T"), ("S2", "Other")]


def test_a_closer_song_of_a_later_load_takes_the_match_as_if_both_had_come_at_once(case):
    near, far = song(song_id="S2", duration=200.0), song(song_id="S1", duration=100.0)
    case.load([event()], [far])
    assert case.execute(MATCHES) == [(1, "S1", "A1")]
    case.load([event()], [near])
    apart = case.tables(ids=False)
    case.clear()
    case.load([event()], [near, far])
    assert apart == case.tables(ids=False)
    assert case.execute(MATCHES) == [(1, "S2", "A1")]


def test_a_corrected_song_file_corrects_the_warehouse(case):
    case.load([event(), event(userId="2", song="Right")], [song(artist_location="Rome")])
    corrected = song(title="Right", artist_id="A2", artist_name="A", year=0, duration=1.0, artist_location="Oslo")
    case.load([event()], [corrected])
    tables = case.tables()
    assert tables["songs"] == [("S1", "Right", "A2", None, 1.0, "A", "Oslo", None, None)]
    assert tables["artists"] == [("A1", "A", "Rome", None, None), ("A2", "A", "Oslo", None, None)]
    assert case.execute(MATCHES) == [(1, None, None), (2, "S1", "A2")]


def test_an_empty_load_is_a_load(case):
    case.load([event()])
    before = case.tables()
    case.load([])
    assert case.tables() == before
    assert list(before) == list(STAR)

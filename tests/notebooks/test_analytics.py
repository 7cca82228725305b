"""The analysts' questions: answers from inputs that can be read here, and the same from other code; no fan-out."""

import re
from datetime import date

import pytest

from infra import simulate_data
from infra.database import execute, statement_name, transaction
from notebooks.answers import ask, select
from notebooks.questions import QUESTIONS
from notebooks.selects import join_counts_select, row_counts_select, sample_queries
from tests.fixtures.etl import TABLES, TS, answers_of, event, load, log_events, song
from tests.fixtures.plain_answers import answers

pytestmark = pytest.mark.long

HOUR = 3_600_000
DAY = 24 * HOUR
# Ada plays T three times and U once, in two sessions; Bo, who pays later, plays T; Cy (no gender) plays V, which is in
# no catalogue; Di only looks at the home page.
EVENTS = [
    event(),
    event(ts=TS + 300_000),
    event(ts=TS + 600_000, song="U", artist="B", length=60.0),
    event(ts=TS + 3 * DAY, sessionId=6, location="Bend, OR"),
    event(ts=TS + HOUR, userId="2", gender="M", sessionId=7),
    event(ts=TS + 2 * HOUR, userId="2", gender="M", sessionId=7, level="paid", page="Upgrade"),
    event(
        ts=TS + 9 * DAY, userId="3", gender=None, sessionId=8, song="V", level="paid", location="Bend, OR", length=None
    ),
    event(userId="4", gender="F", sessionId=9, page="Home", song=None, artist=None, length=None),
]
EXPECTED = {
    "plays-by-day": [
        (date(2018, 11, 2), "free", 4, 2), (date(2018, 11, 5), "free", 1, 1), (date(2018, 11, 11), "paid", 1, 1),
    ],
    "active-users": [(date(2018, 10, 29), 44, 2, 4), (date(2018, 11, 5), 45, 2, 2)],
    "weekdays": [(0, "Sunday", 1, 1, 1, 1.0), (1, "Monday", 1, 1, 1, 1.0), (5, "Friday", 4, 2, 1, 4.0)],
    "hours": [(1, 5, 2), (2, 1, 1)],
    "songs": [("T", "A", 4, 2), ("U", "B", 1, 1), ("V", "A", 1, 1)],
    "artists": [("A", 5, 3, 2), ("B", 1, 1, 1)],
    "songs-by-gender": [
        ("F", 1, "T", "A", 3), ("F", 2, "U", "B", 1), ("M", 1, "T", "A", 1), ("unknown", 1, "V", "A", 1),
    ],
    "locations": [("Fargo, ND-MN", 4, 2), ("Bend, OR", 2, 2)],
    "songs-per-user": [("all", 4, 6, 1.5, 1.0), ("free", 2, 4, 2.0, 1.0), ("paid", 2, 2, 1.0, 1.0)],
    "users-by-plays": [("0", 1, 0), ("1-4", 3, 6)],
    "sessions": [("1", 3, 3, 2.2, 3.3), ("2-4", 1, 3, 11.0, 11.0)],
}  # fmt: skip


def test_every_question_is_answered_as_counted_by_hand(case):
    """Whole result sets; Cy's gender is unknown, the songs' catalogue does not matter, Di counts as a user."""
    case.load(EVENTS, [song(), song(song_id="S2", title="T", artist_name="A", duration=100.0)])
    found = answers_of(case.config)
    assert {question: found[question] for question in EXPECTED} == EXPECTED


def test_empty_tables_give_empty_answers(case):
    """No row, not one of NULLs or zeros."""
    with transaction(case.connection):
        assert [ask(case.connection, question).rows for question in QUESTIONS] == [[]] * len(QUESTIONS)


def test_ties_go_by_name_and_lists_end_where_they_say(case):
    """Twelve songs with a play each: ten in the list, the first by name; five for the gender."""
    case.load([event(ts=TS + number, song=f"song {chr(76 - number)}", artist=f"{number % 3}") for number in range(12)])
    found = answers_of(case.config)
    assert [row[0] for row in found["songs"]] == [f"song {sign}" for sign in "ABCDEFGHIJ"]
    assert [row[:3] for row in found["songs-by-gender"]] == [
        ("F", place, f"song {sign}") for place, sign in enumerate("ABCDE", 1)
    ]
    assert found["artists"] == [("0", 4, 1, 4), ("1", 4, 1, 4), ("2", 4, 1, 4)]


@pytest.fixture
def loaded(case):
    """A warehouse with 3,000 simulated events and 300 songs."""
    folder = case.data.parent / "simulated"
    simulate_data.simulate(folder, songs=300, users=40, events=3_000, days=17, seed=7)
    for name in ("log_data", "song_data", "log_json_path.json"):
        target = case.data / name
        target.rename(case.data / f"old {name}")
        (folder / name).rename(target)
    load(case.connection, case.settings)
    return case


def test_simulated_data_give_the_answers_of_plain_python(loaded):
    """Question by question, from the same files by other code."""
    expected = answers(log_events(loaded.data))
    found = answers_of(loaded.config)
    assert list(found) == [question.id for question in QUESTIONS]
    for question, rows in expected.items():
        assert found[question] == rows, question


def test_no_question_multiplies_or_loses_plays(loaded):
    """The plays of all rows, with the lists' limits lifted, are the rows of songplays."""
    plays = {}
    with transaction(loaded.connection):
        ((songplays,),) = select(loaded.connection, "SELECT COUNT(*) FROM songplays")[1]
        for question in QUESTIONS:
            query = re.sub(r"LIMIT \d+|WHERE place <= 5", "", question.sql)
            columns, rows = select(loaded.connection, query)
            records = [dict(zip(columns, row, strict=True)) for row in rows]
            plays[question.id] = sum(row["plays"] for row in records if row.get("level") != "all")
    assert songplays > 2_000
    assert plays == {question.id: songplays for question in QUESTIONS}


def test_no_join_multiplies_or_loses_plays(loaded):
    """Songplays joined with all dimensions has the rows of songplays; what is found is what matched."""
    with transaction(loaded.connection):
        columns, rows = select(loaded.connection, join_counts_select)
        counts = execute(loaded.connection, row_counts_select).fetchone()
    plays, matched = counts[2], counts[3]
    assert 0 < matched < plays
    assert columns == ["plays", "joined", "with_time", "with_user", "with_song", "with_artist"]
    assert rows == [(plays, plays, plays, plays, matched, matched)]
    loaded.execute("INSERT INTO users SELECT * FROM users")
    with transaction(loaded.connection):
        ((_, joined, *_),) = select(loaded.connection, join_counts_select)[1]
    assert joined == 2 * plays


def test_a_sample_has_the_first_five_rows_of_its_table(loaded):
    with transaction(loaded.connection):
        found = {table: select(loaded.connection, query)[1] for table, query in sample_queries.items()}
    assert {table: len(rows) for table, rows in found.items()} == dict.fromkeys(TABLES, 5)
    users = sorted(row[0] for row in loaded.execute("SELECT * FROM users"))
    assert [row[0] for row in found["users"]] == users[:5]


def test_every_statement_has_its_name_in_its_first_line():
    """Redshift's own history of queries shows it; ids and titles are each of one question."""
    assert [statement_name(question.sql)[:10] for question in QUESTIONS] == ["question: "] * len(QUESTIONS)
    names = {statement_name(question.sql) for question in QUESTIONS}
    assert len(names) == len({question.id for question in QUESTIONS}) == len(QUESTIONS)


def test_categories_and_bounds_are_those_of_the_sql():
    """Each range's name and its least number, as the CASE has them."""
    for question in QUESTIONS:
        cases = re.findall(r"(?:THEN|ELSE) '(.+)'", question.sql)
        if cases:
            assert list(question.categories) == cases
        if question.bounds:
            assert question.bounds[0] in (0, 1)
            assert list(question.bounds[1:]) == [
                int(number) for number in re.findall(r"plays < (\d+) THEN", question.sql)
            ]

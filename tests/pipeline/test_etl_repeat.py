"""Loads repeat safely: the same logs in any order, any split, any number of times give the same five tables."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import simulate_data
from tests.fixtures.etl import TS, Case, event, song

pytestmark = pytest.mark.long

SONGS = [
    song(),
    song(song_id="S2", duration=100.0),
    song(song_id="S3", artist_id="A3", artist_name="Å", title="Ünder 'x' | \\", year=0),
]

# Few values, so that plays and users' events collide: one natural key or one millisecond with different contents.
EVENTS = st.builds(
    event,
    ts=st.sampled_from([TS, TS + 1, TS + 86_400_000]),
    userId=st.sampled_from(["1", "2", ""]),
    sessionId=st.sampled_from([5, 6]),
    page=st.sampled_from(["NextSong", "NextSong", "Home"]),
    level=st.sampled_from(["free", "paid"]),
    firstName=st.sampled_from(["Ada", "", None, "A|"]),
    lastName=st.sampled_from(["Berg", "|Berg", None]),
    song=st.sampled_from(["T", "Ünder 'x' | \\", "", None]),
    artist=st.sampled_from(["A", "Å", None]),
    length=st.sampled_from([100.0, 200.5, None]),
).filter(lambda line: line["userId"] or line["page"] == "Home")


def load_batches(case: Case, batches: list[list[dict]]) -> dict[str, list[tuple]]:
    """The five tables after one load a batch, from empty ones; every second batch or so has a file for each line."""
    case.clear()
    for batch in filter(None, batches):
        case.load({f"{number}.json": [line] for number, line in enumerate(batch)} if len(batch) % 2 else batch)
    return case.tables(ids=False)


def check_any_split(case: Case, lines: list[dict], batches: list[list[int]]) -> None:
    """Loading these batches of lines (by number), then the lines that are in none, is loading all at once."""
    missing = sorted(set(range(len(lines))) - {number for batch in batches for number in batch})
    parts = [[lines[number] for number in batch] for batch in [*batches, missing]]
    assert load_batches(case, parts) == load_batches(case, [lines])


@st.composite
def split_logs(draw, largest: int):
    """Some lines of a log, and overlapping batches of their numbers."""
    lines = draw(st.lists(EVENTS, min_size=2, max_size=largest))
    numbers = st.integers(0, len(lines) - 1)
    return lines, draw(st.lists(st.lists(numbers, min_size=1, max_size=largest), min_size=1, max_size=4))


def check_splits(case: Case, logs: tuple[tuple[list[dict], list[list[int]]], ...]) -> None:
    """Check some logs with their batches, all in the same loads: each has users, sessions and days of its own."""
    lines: list[dict] = []
    batches: list[list[int]] = [[] for _ in range(4)]
    for number, (mine, parts) in enumerate(logs):
        for batch, part in zip(batches, parts, strict=False):
            batch += [len(lines) + position for position in part]
        lines += [
            {
                **line, "userId": line["userId"] and str(int(line["userId"]) + 10 * number),
                "sessionId": line["sessionId"] + 10 * number, "ts": line["ts"] + 10 * 86_400_000 * number,
            }
            for line in mine
        ]  # fmt: skip
    case.write([], SONGS)
    check_any_split(case, lines, batches)


SLOW_DATABASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=2, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_DATABASE)
@given(st.tuples(*[split_logs(8)] * 3))
def test_any_split_of_any_log_gives_the_same_warehouse(case, logs):
    check_splits(case, logs)


@pytest.mark.slow
@settings(max_examples=50, deadline=None, database=None, suppress_health_check=SLOW_DATABASE)
@given(st.tuples(*[split_logs(20)] * 4))
def test_any_split_of_any_log_gives_the_same_warehouse_many_times(case, logs):
    check_splits(case, logs)


def check_simulated(case: Case, tmp_path, seed: int, events: int) -> None:
    """Random overlapping batches of a simulated log, in random order, give what one load of the whole log gives."""
    draw = random.Random(seed)
    simulate_data.simulate(tmp_path / "simulated", songs=40, users=8, events=events, days=5, seed=seed)
    songs = [json.loads(file.read_text()) for file in sorted((tmp_path / "simulated/song_data").rglob("*.json"))]
    logs = [
        [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted((tmp_path / "simulated/log_data").rglob("*.json"))
    ]
    lines = [line for log in logs for line in log]
    case.write([], songs)
    whole = load_batches(case, [lines])
    assert len(whole["songplays"]) > events / 2
    assert any(row[4] for row in whole["songplays"])
    batches = [draw.sample(lines, draw.randrange(1, len(lines))) for _ in range(3)] + logs
    draw.shuffle(batches)
    assert load_batches(case, batches) == whole


def test_a_simulated_log_in_overlapping_batches(case, tmp_path):
    check_simulated(case, tmp_path, seed=1, events=400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_simulated_logs_in_overlapping_batches(case, tmp_path, seed):
    check_simulated(case, tmp_path, seed, events=1000)


def test_a_second_load_changes_nothing_ids_included(case):
    lines = [event(), event(song="Other"), event(userId="2", level="paid"), event(userId="2"), event(page="Home")]
    case.load(lines, SONGS)
    first = case.everything()
    case.load(lines)
    assert case.everything() == first
    assert case.load_new().sources.new == 0
    assert case.everything() == first


@pytest.mark.parametrize("first", [0, 1])
def test_two_plays_with_one_natural_key_in_two_files_give_the_same_in_either_order(case, first):
    plays = [event(song="T", artist="A"), event(song="T", artist="A", length=100.0, level="paid")]
    case.write([], SONGS)
    case.load([plays[first]])
    case.load([plays[1 - first]])
    case.load([plays[first]])
    assert case.execute("SELECT song_id, length, level FROM songplays") == [("S2", 100.0, "paid")]

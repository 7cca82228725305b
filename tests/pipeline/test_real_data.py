"""The course's real data set, where it is there: known counts, and all five tables computed again in plain Python."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import create_tables
from infra.config import load_settings
from infra.database import select_one, transaction
from notebooks.selects import row_counts_select
from notebooks.source_counts import count_rows
from tests.fixtures.etl import answers_of, load, log_events, snapshot
from tests.fixtures.plain_answers import answers

COUNTS = {
    "staging_events": 8056, "staging_songs": 14896, "songplays": 6820, "songplays_matched": 333, "users": 97,
    "songs": 14896, "artists": 9553, "time": 6813,
}  # fmt: skip


def write_config(file: Path, config: Path, data: Path, logs: Path) -> Path:
    """A dwh.cfg for the test's warehouse that reads these logs and all songs."""
    place = config.read_text().split("[S3]")[0]
    file.write_text(
        f"{place}[S3]\nLOG_DATA={logs}\nSONG_DATA={data / 'song_data'}\nLOG_JSONPATH={data / 'log_json_path.json'}\n"
    )
    return file


@pytest.fixture
def real(real_data, config, tmp_path) -> Path:
    """A dwh.cfg for the whole real data set."""
    return write_config(tmp_path / "real.cfg", config, real_data, real_data / "log_data")


@pytest.fixture
def expected(real_data) -> dict[str, list[tuple]]:
    """The five tables, songplay_id aside, computed from the files."""
    songs = [json.loads(file.read_text(encoding="utf-8")) for file in (real_data / "song_data").rglob("*.json")]
    return compute(songs, log_events(real_data))


def compute(songs: list[dict], events: list[dict]) -> dict[str, list[tuple]]:
    """The transform's rules in Python."""
    users, artists, plays, titles = {}, {}, {}, {}
    for one in events:
        if not one["userId"]:
            continue
        row = (int(one["userId"]), one["firstName"], one["lastName"], one["gender"], one["level"], instant(one["ts"]))
        order = (one["ts"], one["level"], one["firstName"], one["lastName"], one["gender"])
        users[row[0]] = max(users.get(row[0], ((), ())), (order, row))
    for one in songs:
        titles.setdefault((text(one["title"]), text(one["artist_name"])), []).append(one)
        name, latitude, place = text(one["artist_name"]), one["artist_latitude"], text(one["artist_location"])
        row = (one["artist_id"], name, place, latitude, one["artist_longitude"])
        order = (len(name), name.encode(), latitude is None, one["song_id"])
        artists[row[0]] = min(artists.get(row[0], ((1e9,), ())), (order, row))
    for one in events:
        if one["page"] != "NextSong":
            continue
        found = titles.get((one["song"], one["artist"]), [])
        match = min(found, key=lambda each: (abs(each["duration"] - one["length"]), each["song_id"]), default={})
        key = (instant(one["ts"]), int(one["userId"]), one["sessionId"])
        plays[key] = (
            *key[:2], one["level"], match.get("song_id"), match.get("artist_id"), key[2], one["location"],
            one["userAgent"], one["song"], one["artist"], one["length"],
        )  # fmt: skip
    moments = {key[0] for key in plays}
    return {
        "songplays": list(plays.values()),
        "users": [row for _, row in users.values()],
        "songs": [
            (one["song_id"], text(one["title"]), one["artist_id"], one["year"] or None, one["duration"],
             text(one["artist_name"]), text(one["artist_location"]), one["artist_latitude"], one["artist_longitude"])
            for one in songs
        ],
        "artists": [row for _, row in artists.values()],
        "time": [
            (one, one.hour, one.day, one.isocalendar()[1], one.month, one.year, one.isoweekday() % 7) for one in moments
        ],
    }  # fmt: skip


def text(value: object) -> str | None:
    """A title or name that is a JSON number loads as its text."""
    return json.dumps(value) if isinstance(value, int | float) else value


def instant(ms: int) -> datetime:
    """Epoch milliseconds as a UTC timestamp."""
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def in_order(tables: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """The tables with their rows in order."""
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


def test_the_real_data_set_through_the_scripts(real, real_data, connection, run_script, expected):
    assert run_script("create_tables.py", "--config", real).returncode == 0
    done = run_script("etl.py", "--config", real)
    assert (done.returncode, done.stderr) == (0, "")
    assert select_one(connection, row_counts_select) == COUNTS
    with transaction(connection), connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM songplays AS p INNER JOIN songs AS s ON p.song_id = s.song_id "
                       "WHERE p.length = s.duration")  # fmt: skip
        assert cursor.fetchone() == (319,)
    assert {row[1].microsecond for row in snapshot(connection)["songplays"]} == {796_000}
    assert snapshot(connection, ids=False) == in_order(expected)
    assert answers_of(real) == answers(log_events(real_data))
    counted = count_rows(load_settings(real))
    assert counted == {name: COUNTS[name] for name in counted}
    before = snapshot(connection)
    assert run_script("etl.py", "--config", real, "--quiet").returncode == 0
    assert snapshot(connection) == before


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_the_real_logs_in_any_order_and_split(real_data, config, connection, tmp_path, expected, seed):
    draw = random.Random(seed)
    files = sorted((real_data / "log_data").rglob("*.json"))
    assert len(files) == 30
    draw.shuffle(files)
    cuts = sorted(draw.sample(range(1, 30), seed + 1))
    batches = [files[begin:end] for begin, end in zip([0, *cuts], [*cuts, 30], strict=True)]
    batches[-1] = batches[-1] + draw.sample(files, 3)  # some are loaded twice
    with transaction(connection):
        create_tables.create_tables(connection)
    for number, batch in enumerate(batches):
        logs = tmp_path / f"batch{number}"
        logs.mkdir()
        for file in batch:
            (logs / file.name).write_bytes(file.read_bytes())
        settings = load_settings(write_config(tmp_path / "batch.cfg", config, real_data, logs))
        load(connection, settings, everything=bool(number % 2))
    assert snapshot(connection, ids=False) == in_order(expected)

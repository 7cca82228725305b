"""Course projects as others write them, run with psycopg2 alone: many statements in one execute, values by format."""

import json
from pathlib import Path

import pytest

from tests.dialect import corpus

PROJECTS = sorted((Path(__file__).parent / "projects").glob("*.sql"))
FIELDS = (
    *("artist", "auth", "firstName", "gender", "itemInSession", "lastName", "length", "level", "location"),
    *("method", "page", "registration", "sessionId", "song", "status", "ts", "userAgent", "userId"),
)


def event(**changes: object) -> dict[str, object]:
    """One event of the log."""
    return {
        "artist": None, "auth": "Logged In", "firstName": "Kaylee", "gender": "F", "itemInSession": 0,
        "lastName": "Summers", "length": None, "level": "paid", "location": "Phoenix-Mesa-Scottsdale, AZ",
        "method": "GET", "page": "Home", "registration": 1540344794796.0, "sessionId": 139, "song": None, "status": 200,
        "ts": 1541106106796, "userAgent": "Mozilla/5.0", "userId": "8", **changes,
    }  # fmt: skip


@pytest.fixture
def values(tmp_path):
    """The data of a project and what its statements are formatted with."""
    events = [
        event(page="NextSong", artist="Band", song="One", length=200.5, itemInSession=1),
        event(page="NextSong", artist="Nobody", song="Two", length=100.25, itemInSession=2, ts=1541106352796),
        event(userId="", auth="Logged Out", ts=1541106496796),
    ]
    songs = [("S1", "One", 200.5, 2001), ("S2", "Other", 99.0, 0)]
    (tmp_path / "log_data").mkdir()
    (tmp_path / "song_data").mkdir()
    (tmp_path / "log_data" / "events.json").write_text("\n".join(map(json.dumps, events)))
    for song_id, title, duration, year in songs:
        song = {
            "num_songs": 1, "artist_id": "A1", "artist_latitude": None, "artist_longitude": None, "artist_location": "",
            "artist_name": "Band", "song_id": song_id, "title": title, "duration": duration, "year": year,
        }  # fmt: skip
        (tmp_path / "song_data" / f"{song_id}.json").write_text(json.dumps(song))
    (tmp_path / "paths.json").write_text(json.dumps({"jsonpaths": [f"$['{name}']" for name in FIELDS]}))
    return {
        "log_data": f"{tmp_path}/log_data", "song_data": f"{tmp_path}/song_data", "jsonpath": f"{tmp_path}/paths.json",
        "arn": "arn:aws:iam::123456789012:role/dwhRole",
    }  # fmt: skip


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: file.stem)
def test_project(connection, values, file):
    text, expected = file.read_text(encoding="utf-8").rsplit("-- => ", 1)
    with connection, connection.cursor() as cursor:
        cursor.execute(text.format(**values))
        got = " / ".join(" | ".join(map(corpus.shown, row)) for row in cursor.fetchall())
        cursor.execute("DROP SCHEMA IF EXISTS dwh CASCADE")
    assert got == expected.strip()

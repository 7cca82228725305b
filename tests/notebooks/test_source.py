"""The source counted by plain Python, beside what a load makes of it."""

import json

import pytest

from infra.config import load_settings
from infra.database import select_one
from infra.errors import SourceError
from notebooks.selects import row_counts_select
from notebooks.source_counts import count_rows
from tests.fixtures.etl import TS, event, song

EVENTS = [event(), event(), event(ts=TS + 1, userId="2"), event(page="Home", userId="3"), event(page="Home", userId="")]
SONGS = [song(), song(), song(song_id="S2"), song(song_id="S3", artist_id="A2")]
COUNTS = {
    "staging_events": 5, "staging_songs": 4, "songplays": 2, "users": 3, "songs": 3, "artists": 2, "time": 2,
}  # fmt: skip


def test_the_count_is_what_a_load_brings_in(case):
    """Repeated plays, logged-out events, songs of one artist."""
    case.load(EVENTS, SONGS)
    loaded = select_one(case.connection, row_counts_select)
    assert count_rows(case.settings) == COUNTS == {name: loaded[name] for name in COUNTS}


def test_records_need_no_lines_of_their_own_and_broken_ones_are_passed_over(case):
    """As COPY takes them: objects with any white space between."""
    pretty = json.dumps(song(song_id="S9"), indent=2) + json.dumps(song(title="{"))
    case.write_text("song_data/songs.json", pretty + '\n{"song_id": "broken\n' + json.dumps(song(song_id="S8")))
    case.write(EVENTS)
    assert count_rows(case.settings) == {**COUNTS, "staging_songs": 3, "songs": 3, "artists": 1}


def test_the_source_in_s3(s3, config, tmp_path):
    """More objects than are read at a time; a neighbour of the folder is not counted."""
    for number in range(50):
        body = json.dumps(song(song_id=f"S{number}", artist_id=f"A{number % 7}"))
        s3.put_object(Bucket="sparkify", Key=f"song_data/{number}.json", Body=body.encode())
    s3.put_object(Bucket="sparkify", Key="log_data/1.json", Body="\n".join(map(json.dumps, EVENTS)).encode())
    s3.put_object(Bucket="sparkify", Key="log_data_old/1.json", Body=json.dumps(event(ts=TS + 9)).encode())
    file = tmp_path / "s3.cfg"
    file.write_text(
        "[S3]\nLOG_DATA=s3://sparkify/log_data\nSONG_DATA=s3://sparkify/song_data\nLOG_JSONPATH=s3://sparkify/p.json\n"
    )
    assert count_rows(load_settings(file)) == {**COUNTS, "staging_songs": 50, "songs": 50, "artists": 7}
    file.write_text(file.read_text().replace("s3://sparkify/log", "s3://nowhere/log"))
    with pytest.raises(SourceError, match="^s3://nowhere/log_data/ cannot be read: the bucket does not exist"):
        count_rows(load_settings(file))


def test_a_source_that_cannot_be_read_is_one_sentence(case):
    """The folder is named."""
    (case.data / "log_data").rename(case.data / "elsewhere")
    with pytest.raises(SourceError, match="log_data cannot be counted: No such file or directory"):
        count_rows(case.settings)

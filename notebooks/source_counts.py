"""What the source holds, counted from its files by plain Python: a second opinion on what a load brought in."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from infra.aws.object_store import ObjectStore, list_manifest
from infra.aws.session import make_session
from infra.config import Settings
from infra.errors import SourceError


def count_rows(settings: Settings) -> dict[str, int]:
    """The rows that each of the seven tables has after one load of the source into empty tables.

    Every file is read, with the caller's own AWS identity where it is in S3; the keys of all rows are held in memory.
    What is no JSON object is not counted. Raises SourceError.
    """
    events, songs = 0, 0
    plays, users, times = set(), set(), set()
    for event in _records(settings.log_data, settings):
        events += 1
        if event.get("userId"):
            users.add(str(event["userId"]))
        if event.get("page") == "NextSong":
            plays.add((event.get("ts"), str(event.get("userId")), event.get("sessionId")))
            times.add(event.get("ts"))
    song_ids, artist_ids = set(), set()
    for song in _records(settings.song_data, settings):
        songs += 1
        song_ids.add(song.get("song_id"))
        artist_ids.add(song.get("artist_id"))
    return {
        "staging_events": events,
        "staging_songs": songs,
        "songplays": len(plays),
        "users": len(users),
        "songs": len(song_ids),
        "artists": len(artist_ids),
        "time": len(times),
    }


def _records(place: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """Every JSON object of every file of a folder, in S3 or on disk."""
    try:
        for text in _s3_texts(place, settings) if place.startswith("s3://") else _local_texts(Path(place)):
            yield from _objects(text)
    except OSError as error:
        raise SourceError(f"{error.filename or place} cannot be counted: {error.strerror}.") from None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, with any white space between them; a line that is broken is passed over."""
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        try:
            record, place = decoder.raw_decode(text, place)
            yield record
        except json.JSONDecodeError:
            place = (text.find("\n", place) + 1) or len(text)


def _local_texts(place: Path) -> Iterator[str]:
    """The contents of a file, or of every file below a folder."""

    def fail(error: OSError) -> NoReturn:
        """A folder that cannot be listed is not one without files."""
        raise error

    if place.is_file():
        yield place.read_text(encoding="utf-8", errors="replace")
        return
    for folder, _, names in os.walk(place, onerror=fail):
        for name in names:
            yield Path(folder, name).read_text(encoding="utf-8", errors="replace")


def _s3_texts(place: str, settings: Settings) -> Iterator[str]:
    """The contents of every object below an s3:// folder, one held at a time."""
    compacted = place.endswith(".manifest")  # of infra/compact_songs.py
    store = ObjectStore(make_session(settings))
    listed = list_manifest(place, settings) if compacted else (each for each in store.list(place) if each.size)
    for _, blocks in store.read(listed):
        text = b"".join(blocks)
        yield (gzip.decompress(text) if compacted else text).decode("utf-8", errors="replace")

"""The warehouse as it should be, in plain Python: what loads of any files, in any order, make of the five tables."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime

from tests.fixtures.etl import at

Row = tuple
SONG = (
    "title", "artist_id", "year", "duration", "artist_name", "artist_location", "artist_latitude", "artist_longitude"
)  # fmt: skip
CHOICE = (
    "title", "artist_id", "artist_name", "duration", "year", "artist_location", "artist_latitude", "artist_longitude"
)  # fmt: skip
ARTIST = ("name", "location", "latitude", "longitude")


class LoadFails(Exception):
    """The load ends with an error and changes nothing."""


def ascending(*values: object) -> list[tuple]:
    """A sort key with NULLs last; texts by their bytes."""
    return [(value is None, value.encode() if isinstance(value, str) else value) for value in values]


class Model:
    """Five tables and a ledger, and what a load does to them."""

    def __init__(self) -> None:
        """Empty tables."""
        self.plays: dict[tuple, Row] = {}  # start_time, user_id, session_id -> what the log says of the play
        self.users: dict[int, Row] = {}
        self.songs: dict[str, dict] = {}
        self.artists: dict[str, Row] = {}
        self.ledger: dict[str, int] = {}

    def load(self, files: dict[str, tuple[int, list[dict] | None]], everything: bool) -> None:
        """Load the files (name -> version, lines; None: one that COPY rejects) that are new. Raises LoadFails."""
        new = {
            name: lines
            for name, (version, lines) in files.items()
            if lines != [] and (everything or self.ledger.get(name) != version)
        }
        if not new:
            return
        if None in new.values():
            raise LoadFails
        after = copy.deepcopy(self)
        after.ledger.update((name, files[name][0]) for name in new)
        logs = [line for name, lines in new.items() if name.startswith("log_data") for line in lines or ()]
        songs = [line for name, lines in new.items() if name.startswith("song_data") for line in lines or ()]
        if any(line["song_id"] is None or line["artist_id"] is None for line in songs):
            raise LoadFails
        after.stage_songs(songs)
        events = [{**line, "userId": int(line["userId"]) if line["userId"] else None} for line in logs]
        after.stage_users(events)
        after.stage_plays([line for line in events if line["page"] == "NextSong"])
        if any(line["ts"] is None for line in events) or not after.in_range():
            raise LoadFails
        vars(self).update(vars(after))

    def stage_songs(self, staged: list[dict]) -> None:
        """The first of each id's rows counts; then the artists of the songs that changed are chosen anew."""
        chosen: dict[str, dict] = {}
        for line in sorted(staged, key=lambda line: ascending(*(line[name] for name in CHOICE))):
            chosen.setdefault(line["song_id"], {name: line[name] for name in SONG} | {"year": line["year"] or None})
        changed = {song_id: row for song_id, row in chosen.items() if self.songs.get(song_id) != row}
        touched = {self.songs[song_id]["artist_id"] for song_id in changed if song_id in self.songs}
        self.songs.update(changed)
        for artist_id in touched | {row["artist_id"] for row in changed.values()}:
            credits = [(song_id, each) for song_id, each in self.songs.items() if each["artist_id"] == artist_id]
            if credits:  # else the artist stays as it was
                _, best = min(credits, key=lambda pair: self._credit(*pair))
                self.artists[artist_id] = tuple(best[f"artist_{name}"] for name in ARTIST)

    @staticmethod
    def _credit(song_id: str, song: dict) -> list[tuple]:
        """A sort key: the shortest name, with coordinates if any has them."""
        name = song["artist_name"]
        length = None if name is None else len(name)
        return ascending(length, name, song["artist_latitude"] is None, song_id)

    def stage_users(self, events: list[dict]) -> None:
        """As of the latest event; of several the one that sorts last."""
        for line in events:
            if line["userId"] is None or line["ts"] is None:
                continue
            row = (line["firstName"], line["lastName"], line["gender"], line["level"], at(line["ts"]))
            known = self.users.get(line["userId"])
            if known is None or self._latest(row) > self._latest(known):
                self.users[line["userId"]] = row

    @staticmethod
    def _latest(row: Row) -> list[tuple]:
        """A sort key, the latest greatest; NULLs are the least."""
        first, last, gender, level, seen = row
        texts = [(text is not None, (text or "").encode()) for text in (level, first, last, gender)]
        return [(True, seen), *texts]

    def stage_plays(self, plays: list[dict]) -> None:
        """Of plays with one key the one that sorts first."""
        for line in plays:
            if line["ts"] is None or line["userId"] is None or line["sessionId"] is None:
                raise LoadFails
            key = (at(line["ts"]), line["userId"], line["sessionId"])
            row = tuple(line[name] for name in ("song", "artist", "length", "level", "location", "userAgent"))
            if key not in self.plays or ascending(*row) < ascending(*self.plays[key]):
                self.plays[key] = row

    def match(self, song: str | None, artist: str | None, length: float | None) -> tuple[str | None, str | None]:
        """The song and artist of a play: of the songs with both names the closest in duration."""
        found = [
            (ascending(None if length is None or each["duration"] is None else abs(each["duration"] - length)), song_id)
            for song_id, each in self.songs.items()
            if song is not None and artist is not None and (each["title"], each["artist_name"]) == (song, artist)
        ]
        if not found:
            return None, None
        song_id = min(found)[1]
        return song_id, self.songs[song_id]["artist_id"]

    def in_range(self) -> bool:
        """What the checks of values want."""
        return (
            all(
                datetime(2000, 1, 1) <= key[0] < datetime(2100, 1, 1)
                and row[3] in ("free", "paid", None)
                and (row[2] is None or row[2] > 0)
                for key, row in self.plays.items()
            )
            and all(row[3] in ("free", "paid", None) for row in self.users.values())
            and all(
                (each["year"] is None or 1000 <= each["year"] <= 2100)
                and (each["duration"] is None or each["duration"] > 0)
                for each in self.songs.values()
            )
            and all(row[2] is None or -90 <= row[2] <= 90 for row in self.artists.values())
        )

    def tables(self) -> dict[str, list[Row]]:
        """The five tables as a test reads them, without songplay_id."""
        rows: dict[str, Iterable[Row]] = {
            "songplays": (
                (start, user, level, *self.match(song, artist, length), session, location, agent, song, artist, length)
                for (start, user, session), (song, artist, length, level, location, agent) in self.plays.items()
            ),
            "users": ((user, *row) for user, row in self.users.items()),
            "songs": ((song_id, *(each[name] for name in SONG)) for song_id, each in self.songs.items()),
            "artists": ((artist_id, *row) for artist_id, row in self.artists.items()),
            "time": {
                (t, t.hour, t.day, t.isocalendar()[1], t.month, t.year, t.isoweekday() % 7) for t, _, _ in self.plays
            },
        }
        return {table: sorted(found, key=repr) for table, found in rows.items()}

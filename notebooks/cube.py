"""Every play as a few numbers, so that the dashboard counts them again under a filter without a server.

Names and ids of users stay out: a user is a place in a list. Times are to the second, in UTC.
"""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

from psycopg2.extensions import connection as Connection

from infra.database import execute
from notebooks.selects import plays_select, users_select

ROWS = 10_000  # read at a time


class Index:
    """Values as they come, each with its number; in the end they are sorted, as SQL sorts: by bytes, NULL last."""

    def __init__(self) -> None:
        """Start without a value."""
        self._numbers: dict[Any, int] = {}

    def number(self, value: object) -> int:
        """The number of a value."""
        return self._numbers.setdefault(value, len(self._numbers))

    def sorted(self) -> tuple[list[Any], list[int]]:
        """The values in order, and the place there of each number."""
        order = sorted(self._numbers, key=lambda value: (value is None, "" if value is None else value))
        places = {value: place for place, value in enumerate(order)}
        return order, [places[value] for value in self._numbers]


def read_cube(connection: Connection) -> dict[str, Any]:
    """All users and plays in columns; page/cube.js says what they mean."""
    users = list(_rows(connection, users_select))
    place = {user: number for number, (user, _, _) in enumerate(users)}
    names = {name: Index() for name in ("song", "artist", "location", "level", "gender")}
    tracks: dict[tuple[int, int, float | None], int] = {}
    sessions: list[list[int]] = []  # the user, and how many plays
    seconds, played, locations, levels = [], [], [], []
    before, clock = None, 0
    for user, session, song, artist, length, location, level, start in _rows(connection, plays_select):
        if before != (user, session):
            before = (user, session)
            sessions.append([place[user], 0])
        sessions[-1][1] += 1
        seconds.append(start - clock)
        clock = start
        track = names["song"].number(song), names["artist"].number(artist), length
        played.append(tracks.setdefault(track, len(tracks)))
        locations.append(names["location"].number(location))
        levels.append(names["level"].number(level))
    of_users = [(names["gender"].number(gender), names["level"].number(level)) for _, gender, level in users]
    ordered = {name: index.sorted() for name, index in names.items()}
    places = {name: there for name, (_, there) in ordered.items()}
    return {
        "names": {name: values for name, (values, _) in ordered.items()},
        "users": {
            "gender": [places["gender"][gender] for gender, _ in of_users],
            "level": [places["level"][level] for _, level in of_users],
        },
        "tracks": {
            "song": [places["song"][song] for song, _, _ in tracks],
            "artist": [places["artist"][artist] for _, artist, _ in tracks],
            "length": [length for _, _, length in tracks],
        },
        "sessions": {"user": [user for user, _ in sessions], "plays": [plays for _, plays in sessions]},
        "plays": {
            "seconds": seconds,
            "track": played,
            "location": [places["location"][location] for location in locations],
            "level": [places["level"][level] for level in levels],
        },
    }


def _rows(connection: Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """What a statement selects, some at a time."""
    cursor = execute(connection, query)
    while rows := cursor.fetchmany(ROWS):
        yield from rows


def packed(content: object) -> str:
    """JSON, compressed by DEFLATE as a browser undoes it, in letters that HTML leaves alone."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()

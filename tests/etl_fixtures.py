"""What the tests of etl.py share: tiny inputs that a test can show, loads within this process, whole tables."""

import json
import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

import create_tables
import etl
from infra import config as configuration
from infra.execute import transaction
from infra.local import server
from infra.report import answer_all
from sql_queries import create_table_queries

TS = 1541121934796  # 2018-11-02 01:25:34.796 UTC
STAR = ("songplays", "users", "songs", "artists", "time")
TABLES = ("staging_events", "staging_songs", *STAR)
NATURAL = "start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, song, artist, length"


def event(**fields: object) -> dict:
    """A play of the song T by A, as a line of the log has it; keyword arguments take the place of its fields."""
    return {
        "artist": "A", "auth": "Logged In", "firstName": "Ada", "gender": "F", "itemInSession": 0, "lastName": "Berg",
        "length": 200.5, "level": "free", "location": "Fargo, ND-MN", "method": "PUT", "page": "NextSong",
        "registration": 1540344794796.0, "sessionId": 5, "song": "T", "status": 200, "ts": TS, "userAgent": "Agent",
        "userId": "1", **fields,
    }  # fmt: skip


def song(**fields: object) -> dict:
    """The song S1, T by A, as its file has it; keyword arguments take the place of its fields."""
    return {
        "num_songs": 1, "artist_id": "A1", "artist_latitude": None, "artist_longitude": None, "artist_location": "",
        "artist_name": "A", "song_id": "S1", "title": "T", "duration": 200.5, "year": 1999, **fields,
    }  # fmt: skip


def at(ms: int) -> datetime:
    """The instant of epoch milliseconds, UTC."""
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def snapshot(connection, tables: tuple[str, ...] = STAR, ids: bool = True) -> dict[str, list[tuple]]:
    """All rows of the tables in order, with songplay_id or without."""
    content = {}
    with transaction(connection), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT {'*' if ids or table != 'songplays' else NATURAL} FROM {table}")
            content[table] = sorted(cursor.fetchall(), key=repr)
    return content


def log_events(data: Path) -> list[dict]:
    """Every line of the log files below `data`."""
    files = sorted((data / "log_data").rglob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def answers_of(config: Path) -> dict[str, list[tuple]]:
    """What the warehouse of a dwh.cfg answers the analysts: question -> rows."""
    return {answer.question: answer.rows for answer in answer_all(configuration.load_settings(config))}


def plain_connection(path: Path) -> psycopg2.extensions.connection:
    """A plain PostgreSQL connection to the embedded warehouse in `path`, which somebody keeps up: for looking on."""
    return psycopg2.connect(**server.credentials(path))


class Case:
    """A warehouse with empty tables and the folders that its next load reads."""

    def __init__(self, config: Path, connection):
        """Create the tables."""
        self.config, self.connection = config, connection
        self.settings = configuration.load_settings(config)
        self.data = config.parent / "data"
        with transaction(connection):
            create_tables.run_queries(connection, create_table_queries)

    def write(self, logs: list[dict] | dict[str, list[dict]], songs: list[dict] | None = None) -> None:
        """Put these events (a list, or one for each file), and these songs if any are given, in place of all there."""
        files = logs if isinstance(logs, dict) else {"log.json": logs}
        shutil.rmtree(self.data / "log_data")
        (self.data / "log_data").mkdir()
        for name, events in files.items():
            self.write_text(f"log_data/{name}", "\n".join(map(json.dumps, events)))
        if songs is not None:
            self.write_text("song_data/songs.json", "\n".join(map(json.dumps, songs)))

    def write_text(self, name: str, text: str | bytes) -> Path:
        """Write one file below the data folder."""
        file = self.data / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def stage(self) -> None:
        """The first half of a load: COPY."""
        etl.load_staging_tables(self.connection, self.settings, 0, "test")

    def transform(self) -> None:
        """The second half of a load: star schema and checks."""
        etl.load_star_schema(self.connection, None)

    def load(self, logs: list[dict] | dict[str, list[dict]], songs: list[dict] | None = None) -> None:
        """A whole load of these events and songs (without `songs`: of those written before)."""
        self.write(logs, songs)
        self.stage()
        self.transform()

    def execute(self, statement: str, *values: object) -> list[tuple]:
        """One committed statement and its rows, in order."""
        with transaction(self.connection), self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return sorted(cursor.fetchall(), key=repr) if cursor.description else []

    def tables(self, ids: bool = True) -> dict[str, list[tuple]]:
        """All rows of the star schema."""
        return snapshot(self.connection, STAR, ids)

    def everything(self) -> dict[str, list[tuple]]:
        """All rows of all seven tables."""
        return snapshot(self.connection, TABLES)

    def clear(self) -> None:
        """Empty all seven tables."""
        for table in TABLES:
            self.execute(f"DELETE FROM {table}")


@pytest.fixture
def case(config: Path, connection) -> Case:
    """A warehouse with the seven tables, empty, and an empty data folder with one song, S1: T by A."""
    case = Case(config, connection)
    case.write([], [song()])
    return case


@pytest.fixture
def onlooker(warehouse_path: Path, connection):
    """A second, plain PostgreSQL connection to the shared warehouse, in autocommit."""
    with closing(plain_connection(warehouse_path)) as plain:
        plain.autocommit = True
        yield plain

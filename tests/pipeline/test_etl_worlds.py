"""Random worlds: whatever is written, loaded, corrected, cut off and reset, the five tables are the model's."""

import json
from contextlib import closing

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import event as note
from hypothesis import strategies as st
from psycopg2.extensions import cursor as PlainCursor

import create_tables
import etl
import sql_queries
from infra import warehouse
from infra.database import statement_name, transaction
from infra.errors import LoadError
from infra.load.copy_monitor import LoadRun
from tests.fixtures.etl import STAR, TS, Case, event, snapshot, song
from tests.pipeline.model import LoadFails, Model
from tests.pipeline.test_etl_checks import BROKEN

pytestmark = pytest.mark.long

DAY = 86_400_000
DOUBLE_ID = """
INSERT INTO songplays (songplay_id, start_time, user_id, session_id, level) OVERRIDING SYSTEM VALUE
SELECT songplay_id, start_time, user_id, 99, level FROM songplays
"""
# Few values, so that plays, users and songs of different files meet.
EVENTS = st.builds(
    event,
    ts=st.sampled_from([TS, TS + 1, TS + DAY, TS + 60 * DAY]),
    userId=st.sampled_from(["1", "2", "3"]),
    sessionId=st.sampled_from([5, 6]),
    page=st.sampled_from(["NextSong", "NextSong", "NextSong", "Home"]),
    level=st.sampled_from(["free", "paid", None]),
    firstName=st.sampled_from(["Ada", "", None]),
    song=st.sampled_from(["T", "Ünder 'x' | \\", "", None]),
    artist=st.sampled_from(["A", "A feat. B", None]),
    length=st.sampled_from([100.0, 150.25, 200.5, None]),
)
SONGS = st.builds(
    song,
    song_id=st.sampled_from(["S1", "S2", "S3", "S4"]),
    artist_id=st.sampled_from(["A1", "A2"]),
    artist_name=st.sampled_from(["A", "A feat. B", None]),
    artist_location=st.sampled_from(["", "Oslo", None]),
    artist_latitude=st.sampled_from([None, 59.9]),
    title=st.sampled_from(["T", "Ünder 'x' | \\", None]),
    duration=st.sampled_from([100.0, 200.5, None]),
    year=st.sampled_from([0, 1999, None]),
)
FAULTY_EVENTS = [event(ts=None), event(userId=""), event(level="gold"), event(length=-1.0), event(ts=TS - 20_000 * DAY)]
FAULTY_SONGS = [song(song_id=None), song(artist_id=None), song(year=3), song(duration=0.0)]


def written(folder: str, lines: st.SearchStrategy, faulty: list[dict]) -> st.SearchStrategy:
    """A file that is written, new or in place of an older one; one in twenty has a line that fails the load."""
    good = st.lists(lines, min_size=2, max_size=8)
    bad = st.tuples(st.lists(lines, max_size=2), st.sampled_from(faulty)).map(lambda parts: [*parts[0], parts[1]])
    names = st.sampled_from([f"{folder}/{name}.json" for name in ("a", "b", "c", "d")])
    return st.tuples(st.just("write"), names, st.integers(0, 19).flatmap(lambda number: good if number else bad))


WRITES = st.one_of(written("log_data", EVENTS, FAULTY_EVENTS), written("song_data", SONGS, FAULTY_SONGS))
LOADS = st.tuples(
    st.just("load"),
    st.booleans(),  # all files, or the new ones
    st.one_of(st.none(), st.none(), st.integers(0, 30)),  # the statement before which the load's session is killed
)
OTHERS = st.one_of(
    st.tuples(st.just("reject"), st.sampled_from(["log_data/a.json", "song_data/b.json"])),
    st.tuples(st.just("delete"), st.sampled_from(["log_data/a.json", "log_data/b.json", "song_data/b.json"])),
    st.tuples(st.just("create_tables")),
)
ACTIONS = st.one_of(*[WRITES] * 6, *[LOADS] * 5, OTHERS)
EVERYTHING = [  # an example that does all of it
    ("write", "log_data/a.json", [event(), event(userId="2", length=100.0), event(song=None, sessionId=6)]),
    ("load", False, None),
    ("write", "song_data/a.json", [song(song_id="S2", duration=100.0), song(song_id="S3", artist_id="A2", title=None)]),
    ("load", False, 12),
    ("load", False, None),
    ("write", "log_data/b.json", [event(level="paid"), event(ts=TS - DAY, userId="3"), event(song="", level="paid")]),
    ("reject", "song_data/b.json"),
    ("load", False, None),
    ("delete", "song_data/b.json"),
    ("write", "song_data/a.json", [song(song_id="S2", artist_name="A feat. B"), song(song_id="S1", year=0)]),
    ("load", False, None),
    ("write", "log_data/c.json", [event(level="gold")]),
    ("load", True, None),
    ("create_tables",),
]


class World:
    """A warehouse and its model, and what is done to both."""

    def __init__(self, case: Case) -> None:
        """Empty tables, and a file in each folder so that it holds something."""
        self.case, self.model = case, Model()
        self.files: dict[str, tuple[int, list[dict] | None]] = {}
        self.versions = 0
        for name in ("log_data", "song_data"):
            for file in (case.data / name).iterdir():
                file.unlink()
        self.reset()
        self.write("log_data/first.json", [event()])
        self.write("song_data/first.json", [song()])

    def reset(self) -> None:
        """Drop and create the tables, as create_tables.py does."""
        with transaction(self.case.connection):
            create_tables.drop_tables(self.case.connection)
            create_tables.create_tables(self.case.connection)
        self.model = Model()

    def write(self, name: str, lines: list[dict] | None) -> None:
        """Write a file; None is one that COPY rejects."""
        self.versions += 1
        text = "{oops}\n" if lines is None else "\n".join(map(json.dumps, lines))
        self.case.write_text(name, text)
        self.files[name] = (self.versions, lines)

    def load(self, everything: bool, killed: int | None) -> None:
        """Load both; a load that fails in one fails in the other, but for one that is killed."""
        before = snapshot(self.case.connection)
        after, fails = Model(), False
        vars(after).update(vars(self.model))
        try:
            after.load(self.files, everything)
        except LoadFails:
            fails = True
        connections = [warehouse.connect(self.case.settings) for _ in range(2)]
        with closing(connections[0]), closing(connections[1]):
            run = KilledRun(*connections, self.case.settings)
            run.left, error = killed, None
            try:
                etl.load(run, everything)
            except (LoadError, psycopg2.Error) as raised:
                error = raised
        if error is None:
            assert not fails, "the model refuses this load"
            self.model = after
        else:
            assert fails or run.left == -1, error
            assert snapshot(self.case.connection) == before
        note(f"load: {'killed' if run.left == -1 else 'fails' if fails else 'complete'}")

    def act(self, name: str, *arguments) -> None:
        """Do one of ACTIONS, and compare."""
        if name == "write":
            self.write(*arguments)
        elif name == "reject":
            self.write(*arguments, None)
        elif name == "delete":
            (self.case.data / arguments[0]).unlink(missing_ok=True)
            self.files.pop(arguments[0], None)
        elif name == "create_tables":
            self.reset()
        else:
            self.load(*arguments)
            assert snapshot(self.case.connection, STAR, ids=False) == self.model.tables()


class KilledRun(LoadRun):
    """A load whose session is killed before one of its statements."""

    left: int | None = None  # statements until then; -1 after it

    def execute(self, query: str) -> None:
        """Kill it in time."""
        self.count_down()
        super().execute(query)

    def copy(self, query: str) -> None:
        """The same."""
        self.count_down()
        super().copy(query)

    def count_down(self) -> None:
        """Count this statement."""
        if self.left is not None and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                pid = self.connection.info.backend_pid
                with self.connection.open_another() as plain:
                    plain.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
                plain.close()


def is_faulty(line: dict) -> bool:
    """Whether a load refuses a line."""
    return line in FAULTY_EVENTS or line in FAULTY_SONGS


def find_planted_defects(case: Case) -> int:
    """Each check finds the defect that is planted for it, if the world has a row to spoil; how many were found."""
    found = 0
    checks = {statement_name(query): query for query in sql_queries.quality_checks}
    for name, statement, _ in BROKEN:
        with case.connection.cursor(cursor_factory=None if statement else PlainCursor) as cursor:
            cursor.execute(statement or DOUBLE_ID)
            spoilt = cursor.rowcount > 0
        if spoilt:
            with case.connection.cursor() as cursor:
                cursor.execute(checks[name], sql_queries.ALL_TIME)
                assert cursor.fetchall(), f"{name} does not find: {statement}"
            found += 1
        case.connection.rollback()
    return found


def check_world(case: Case, actions: list[tuple]) -> None:
    """Play the actions, then load all that is there; then the audit finds nothing but what is planted."""
    world = World(case)
    for action in actions:
        world.act(*action)
    for name in [name for name, (_, lines) in world.files.items() if lines is None or any(map(is_faulty, lines))]:
        world.act("delete", name)
    world.act("load", True, None)
    etl.check_quality(case.connection, sql_queries.quality_checks, sql_queries.ALL_TIME, "")
    case.connection.rollback()
    note(f"{len(world.model.plays)} plays")
    if any(world.model.match(*row[:3])[0] for row in world.model.plays.values()):
        assert find_planted_defects(case) == len(BROKEN)


QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=1, derandomize=True, **QUIET)
@given(st.lists(ACTIONS, min_size=4, max_size=8))
@example(EVERYTHING)
def test_worlds(case, actions):
    check_world(case, actions)


@pytest.mark.slow
@settings(max_examples=25, **QUIET)
@given(st.lists(ACTIONS, min_size=6, max_size=16))
def test_many_worlds(case, actions):
    check_world(case, actions)

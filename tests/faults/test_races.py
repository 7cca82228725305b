"""Races: loads at once, a reset between them, and readers who look all the while: old or new, never a half."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import combinations

import pytest

import create_tables
import etl
from infra import warehouse
from infra.load.copy_monitor import LoadRun
from tests.fixtures.etl import NATURAL, STAR, TS, Case, event, plain_connection, snapshot, song
from tests.fixtures.faults import seeded
from tests.fixtures.server import ROOT
from tests.pipeline.model import Model

pytestmark = pytest.mark.long

ALL_AT_ONCE = "SELECT 1 FROM songplays, time, users, songs, artists WHERE false"  # takes their locks, in one statement
PATIENCE = 15.0  # seconds that a look may take on a busy machine; create_tables.py lets readers in after two


class Race:
    """One warehouse, two folders of logs, one of songs, and the model of what is there."""

    def __init__(self, case: Case, choose) -> None:
        """Empty tables; `choose` makes every choice."""
        self.case, self.choose = case, choose
        self.model = Model()
        self.settings = {}
        for name in ("log_a", "log_b"):
            (case.data / name).mkdir()
            self.settings[name] = replace(case.settings, log_data=str(case.data / name))
        self.files: dict[str, tuple[int, list[dict]]] = {}
        self.found: Counter = Counter()

    def write(self, number: int) -> None:
        """Write a new log into each folder, and the songs, of which one is corrected."""
        songs = [song(), song(song_id="S2", title="Other", year=1990 + number % 9)]
        self.files["song_data/songs.json"] = (number, songs)
        self.case.write([], songs)
        for name in self.settings:
            lines = [
                event(
                    ts=TS + 1000 * number + self.choose.randrange(3), userId=str(self.choose.randrange(1, 5)),
                    song=self.choose.choice(["T", "Other", "Unknown"]), level=self.choose.choice(["free", "paid"]),
                )
                for _ in range(6)
            ]  # fmt: skip
            self.case.write_text(f"{name}/{number}.json", "\n".join(map(json.dumps, lines)))
            self.files[f"log_data/{name}/{number}.json"] = (number, lines)

    def states(self, names: set[str], reset: bool) -> list[Model]:
        """What may be seen: any of these logs loaded or not, with or without a reset before."""
        found = []
        for start in [self.model, Model()] if reset else [self.model]:
            for count in range(len(names) + 1):
                for chosen in combinations(sorted(names), count):
                    state = Model()
                    vars(state).update(vars(start))
                    for name in chosen:
                        mine = {key: each for key, each in self.files.items() if name in key or "song" in key}
                        state.load(mine, everything=True)
                    found.append(state)
        return found

    def load(self, name: str, everything: bool) -> None:
        """Load one folder."""
        connections = [warehouse.connect(self.settings[name]) for _ in range(2)]
        with closing(connections[0]), closing(connections[1]):
            etl.load(LoadRun(*connections, self.settings[name]), everything)

    def reset(self, delay: float) -> None:
        """Drop and create the tables, in the midst of the loads."""
        time.sleep(delay)
        connections = [warehouse.connect(self.case.settings) for _ in range(2)]
        with closing(connections[0]), closing(connections[1]):
            create_tables.reset(*connections)

    def read(self, over: threading.Event, seen: list[dict], seconds: list[float]) -> None:
        """Read the five tables again and again, each time as they are at one moment."""
        with closing(plain_connection(self.case.settings.local_path)) as plain:
            plain.set_session(isolation_level="REPEATABLE READ")
            while not over.is_set():
                start = time.monotonic()
                with plain, plain.cursor() as cursor:
                    cursor.execute(ALL_AT_ONCE)
                    seen.append(rows_of(cursor))
                seconds.append(time.monotonic() - start)
                time.sleep(0.02)  # the loads need the processor, too

    def round(self, number: int) -> None:
        """Loads and readers at once, and in every second round a reset."""
        self.write(number)
        names = self.choose.choices(list(self.settings), k=self.choose.randrange(2, 5))
        reset, failures, over = number % 2 == 1, [], threading.Event()
        seen: list[dict] = []
        seconds: list[float] = []
        work = [(self.load, name, self.choose.random() < 0.5) for name in names]
        work += [(self.reset, self.choose.random() / 2)] * reset
        readers = [threading.Thread(target=guarded, args=(failures, self.read, over, seen, seconds)) for _ in range(2)]
        workers = [threading.Thread(target=guarded, args=(failures, *each)) for each in work]
        for thread in readers + workers:
            thread.start()
        for thread in workers:
            thread.join(120)
        over.set()
        for thread in readers:
            thread.join(60)
        assert failures == []
        states = self.states(set(names), reset)
        allowed = [state.tables() for state in states]
        assert all(each in allowed for each in seen), "half a load was seen"
        assert max(seconds) < PATIENCE
        final = snapshot(self.case.connection, STAR, ids=False)
        assert final in (allowed if reset else allowed[-1:])
        self.model = states[allowed.index(final)]
        self.found.update(loads=len(names), resets=reset, looks=len(seen), states=len(set(map(repr, seen))))


def rows_of(cursor) -> dict[str, list[tuple]]:
    """All rows of the star schema, as `snapshot` gives them."""
    found = {}
    for table in STAR:
        cursor.execute(f"SELECT {NATURAL if table == 'songplays' else '*'} FROM {table}")
        found[table] = sorted(cursor.fetchall(), key=repr)
    return found


def guarded(failures: list, call, *arguments) -> None:
    """Keep what a thread raises."""
    try:
        call(*arguments)
    except BaseException as error:  # the test fails by it
        failures.append(error)


@pytest.mark.parametrize("rounds", [pytest.param(2, id="2"), pytest.param(50, id="50", marks=pytest.mark.slow)])
def test_races(case, monkeypatch, rounds):
    monkeypatch.setattr(create_tables, "PAUSE", 0.2)
    race = Race(case, seeded(f"{rounds} rounds"))
    for number in range(rounds):
        race.round(number)
    print(dict(race.found))
    assert race.found["looks"] > 10 * rounds


@pytest.mark.slow
def test_24_loads_started_together_all_end_well(case):
    """Each is a process of its own, as from as many terminals; the first loads, the others find nothing new."""
    case.write({f"{user}.json": [event(userId=str(user))] for user in range(1, 9)})
    command = [sys.executable, "-W", "error", str(ROOT / "etl.py"), "--config", str(case.config)]
    loads = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(24)]
    ends = [(*load.communicate(timeout=300), load.returncode) for load in loads]
    assert [code for *_, code in ends] == [0] * 24, ends
    told = [line for _, error, _ in ends for line in error.splitlines() if line]
    assert [line for line in told if not line.startswith("Waiting for session ")] == []
    assert sum("Nothing new" in out for out, *_ in ends) == 23
    assert len(case.tables()["songplays"]) == 8

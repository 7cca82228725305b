"""How long whole loads take: the first one, one more day on a large warehouse, and one with nothing new.

    python -m tests.bench.loads [--events N] [--songs N] [--times N] [--rounds N]

Each load is a process of etl.py against an embedded warehouse that is up. A first load is set beside PostgreSQL's own
COPY of the same events as a ready CSV, by turns; COPY alone, too. A day of some 5,000 events comes alone, with all song
files staged again, and with 100 new songs and 100 corrected ones: on a large warehouse and on one with songs but hardly
a play. The last table has the bars. The default needs 6 GB of disk and half an hour.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path

import create_tables
from infra import simulate_data, warehouse
from infra.config import load_settings
from infra.local import supervisor
from tests.bench.embedded import EVENTS, Warehouse, open_warehouse
from tests.bench.loading import cut
from tests.bench.measure import Way, machine, measure

CHANGED = 100  # songs that are new, and as many that are corrected
DAY = 5_000  # events of a day, at most
VARIANTS = ("a day", "a day, all songs staged again", f"a day, {CHANGED} songs new and {CHANGED} corrected")
PROGRAM = """
import re, sys, time
start = time.perf_counter()
import etl
code = etl.main(["--config", sys.argv[1], "--quiet"])
seconds = time.perf_counter() - start
try:
    memory = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
except OSError:
    memory = 0
print(seconds, memory)
sys.exit(code)
"""


class House:
    """An embedded warehouse with data of its own, and what its loads took."""

    def __init__(self, folder: Path):
        """Make its dwh.cfg."""
        self.folder, self.config, self.memory = folder, folder / "dwh.cfg", 0
        self.config.write_text(
            f"[LOCAL]\nPATH={folder / 'local'}\n[S3]\nLOG_DATA={folder / 'log_data'}\n"
            f"SONG_DATA={folder / 'song_data'}\nLOG_JSONPATH={folder / 'log_json_path.json'}\n",
            encoding="utf-8",
        )

    def load(self) -> float:
        """Load what is new; the seconds, with the start of Python."""
        start = time.perf_counter()
        command = [sys.executable, "-c", PROGRAM, str(self.config)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        self.memory = max(self.memory, int(done.stdout.split()[-1]))
        return seconds

    def empty(self) -> None:
        """Drop and create the tables."""
        subprocess.run([sys.executable, create_tables.__file__, "--config", str(self.config), "--yes"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    def add_day(self, lines: list[bytes], name: str, variant: str) -> None:
        """Put a day's events, and what else the variant says, into the data."""
        (self.folder / "log_data" / name).write_bytes(b"".join(lines))
        files = sorted((self.folder / "song_data").rglob("*.json"))
        if variant == VARIANTS[1]:
            for file in files:
                os.utime(file)
        if variant == VARIANTS[2]:
            for number, file in enumerate(files[:: max(1, len(files) // (2 * CHANGED))][: 2 * CHANGED]):
                song = json.loads(file.read_bytes())
                song["title"] = f"{song['title']} ({name})"
                if number % 2:
                    song["song_id"] = f"SO{abs(hash((name, number))):016X}"[:18]
                    file = file.with_name(f"{song['song_id']}.json")
                file.write_text(json.dumps(song), encoding="utf-8")


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """A warehouse that stays up, with empty tables."""
    house = House(folder)
    settings = load_settings(house.config)
    try:
        with closing(warehouse.connect(settings)):
            house.empty()
            yield house
    finally:
        supervisor.release(settings.local_path)


def hold_out(folder: Path, count: int) -> list[list[bytes]]:
    """Take the last `count` days out of the log; the first events of each."""
    days = []
    for file in sorted((folder / "log_data").rglob("*.json"))[-count:]:
        with file.open("rb") as stream:
            days.append(list(islice(stream, DAY)))
        file.unlink()
    return days


def copies(house: Warehouse, folder: Path, rows: int, rounds: int) -> list[Way]:
    """COPY from files of two sizes and, first, PostgreSQL's own of a ready CSV, into one table; they can run again."""
    house.execute("CREATE TABLE events (LIKE staging_events)")  # with its changes logged, as tables are
    options = f"FORMAT JSON '{folder / 'log_json_path.json'}' {EVENTS}"
    cut(folder / "log_data", folder / "cut", 10)
    house.copy("events", str(folder / "log_data"), options)()
    csv = folder / "events.csv"
    with house.plain() as cursor, csv.open("wb") as file:
        cursor.copy_expert("COPY events TO STDOUT (FORMAT csv)", file)
    house.connection.commit()

    def ready_csv() -> None:
        """Read the file and send it."""
        with house.plain() as cursor, csv.open("rb") as file:
            cursor.copy_expert("COPY events FROM STDIN (FORMAT csv)", file, size=1 << 18)
        house.connection.commit()

    ways = [Way("PostgreSQL's COPY of a ready CSV", ready_csv, rows, house.empty("events"))]
    for name in ("log_data", "cut"):
        count = sum(1 for _ in (folder / name).rglob("*.json"))
        copy = house.copy("events", str(folder / name), options)
        ways.append(Way(f"embedded COPY of {count} files", copy, rows, house.empty("events")))
    measure("Events, JSON on disk into one table", ways, rounds)
    return ways


def first_loads(folder: Path, options: argparse.Namespace, table: list[tuple[str, float, str]]) -> float:
    """COPY alone and first loads, by turns with a ready CSV; adds rows to the table. Returns a load's seconds."""
    counts = simulate_data.simulate(folder, songs=options.songs, users=5_000, events=options.events, days=30)
    (folder / "copy").mkdir()
    for name in ("log_data", "log_json_path.json", "song_data"):
        (folder / "copy" / name).symlink_to(folder / name)
    with open_warehouse(folder / "copy") as plain, open_house(folder) as house:
        ready, *others = copies(plain, folder / "copy", counts["events"], options.rounds)
        for way in others:
            table.append((f"{way.name} / of a ready CSV", way.median / ready.median, "1.2"))
        seconds = []
        ready.seconds.clear()
        for _ in range(options.rounds):
            house.empty()
            seconds.append(house.load())
            ready.before()
            start = time.perf_counter()
            ready.run()
            ready.seconds.append(time.perf_counter() - start)
        first, limit = statistics.median(seconds), statistics.median(ready.seconds)
    print(f"first load: {first:.2f} s; PostgreSQL's COPY of a ready CSV beside it: {limit:.2f} s")
    table.append(("first load / COPY of a ready CSV", first / limit, "3.2"))
    table.append(("Python's memory, first load, MB", house.memory, "200"))
    return first


def later_loads(folder: Path, options: argparse.Namespace, table: list[tuple[str, float, str]]) -> float:
    """A large first load, and days after it; adds rows to the table. Returns the large load's seconds."""
    for name, events, days in (("large", options.events * options.times, 30 * options.times), ("small", 10, 1)):
        (folder / name).mkdir()
        simulate_data.simulate(folder / name, songs=options.songs, users=5_000, events=events, days=days)
    days = hold_out(folder / "large", options.rounds * len(VARIANTS))
    with ExitStack() as stack:
        houses = [stack.enter_context(open_house(folder / name)) for name in ("large", "small")]
        large, _ = (house.load() for house in houses)
        seconds: dict[str, list[list[float]]] = {variant: [[], []] for variant in VARIANTS}
        for number, lines in enumerate(days):
            variant = VARIANTS[number % len(VARIANTS)]
            for house, taken in zip(houses, seconds[variant], strict=True):
                house.add_day(lines, f"day-{number:02}.json", variant)
                taken.append(house.load())
        for variant, (on_large, on_small) in seconds.items():
            median = statistics.median(on_large)
            print(f"{variant}: {median:.2f} s on the large warehouse, {statistics.median(on_small):.2f} s on the small")
            table.append((f"{variant}: large / small warehouse", median / statistics.median(on_small), "1.3"))
        first = [taken[0] for taken in seconds[VARIANTS[0]]]
        table.append(("the first day after the first load: large / small", first[0] / first[1], "1.3"))
        nothing = statistics.median(houses[0].load() for _ in range(options.rounds))
        table.append(("nothing new, seconds", nothing, "1.5"))
        table.append(("Python's memory, large load, MB", houses[0].memory, "200"))
    return large


def main() -> int:
    """Measure, and print each bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 1_000_000), ("songs", 15_000), ("times", 5), ("rounds", 3)):
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default:,}")
    options = parser.parse_args()
    print(machine("duckdb", "psycopg2-binary"))
    table: list[tuple[str, float, str]] = []
    with tempfile.TemporaryDirectory() as name:
        first = first_loads(Path(name) / "first", options, table)
        large = later_loads(Path(name), options, table)
        table.append(
            (f"first load of {options.times} times as many / first load", large / first, str(options.times + 0.2))
        )
    print()
    for row, value, bar in table:
        print(f"{row:64}{value:>9.2f}   bar {bar}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

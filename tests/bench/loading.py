"""How fast a COPY and a whole load are, beside PostgreSQL's own COPY of a ready CSV and beside other ways to load.

    python -m tests.bench.loading [--events N] [--songs N] [--rounds N]

COPY reads simulated events from as many files as days and from ten times as many. The other ways read the same JSON
into one table and do no more; a whole load fills the star schema and checks it, too. A way that would take hours for
all events loads fewer, and is compared row for row.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from infra import simulate_data
from infra.config import ROOT
from tests.bench.embedded import EVENTS, Warehouse, open_warehouse
from tests.bench.measure import Way, machine, measure

SAMPLE = 20_000  # events that a slow peer loads
FEW = 2_000  # and the slowest
TABLE = "staging_events"
FIELDS = (
    "artist", "auth", "firstName", "gender", "itemInSession", "lastName", "length", "level", "location", "method",
    "page", "registration", "sessionId", "song", "status", "ts", "userAgent", "userId",
)  # fmt: skip


def cut(logs: Path, target: Path, parts: int) -> None:
    """The same events in `parts` files for each file."""
    target.mkdir()
    for file in sorted(logs.rglob("*.json")):
        lines = file.read_bytes().splitlines()
        for part in range(parts):
            chosen = lines[len(lines) * part // parts : len(lines) * (part + 1) // parts]
            (target / f"{file.stem}-{part}.json").write_bytes(b"\n".join(chosen))


def events(folder: Path, count: int) -> Iterator[dict[str, Any]]:
    """The first events of the log."""
    files = sorted((folder / "log_data").rglob("*.json"))
    return islice((json.loads(line) for file in files for line in file.open(encoding="utf-8")), count)


def values(event: dict[str, Any]) -> list[Any]:
    """An event's values in the order of the columns."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(event["ts"] / 1000))
    return [moment if name == "ts" else None if event.get(name) == "" else event.get(name) for name in FIELDS]


class Peers:
    """Other ways to load the events, each with its own connection where it needs one."""

    def __init__(self, house: Warehouse, folder: Path):
        """`folder` holds the data."""
        self.house, self.folder = house, folder
        self.info = house.connection.connection_info
        self.samples: dict[int, Path] = {}

    def ready_csv(self) -> Callable[[], None]:
        """PostgreSQL's own COPY of what the table holds now."""
        csv = self.folder / "events.csv"
        with self.house.plain() as cursor, csv.open("wb") as file:
            cursor.copy_expert(f"COPY {TABLE} TO STDOUT (FORMAT csv)", file)
        self.house.connection.commit()

        def copy() -> None:
            """Read the file and send it."""
            with self.house.plain() as cursor, csv.open("rb") as file:
                cursor.copy_expert(f"COPY {TABLE} FROM STDIN (FORMAT csv)", file, size=1 << 18)
            self.house.connection.commit()

        return copy

    def whole_load(self) -> None:
        """Run etl.py: files to a checked star schema, songs included."""
        command = [sys.executable, ROOT / "etl.py", "--config", self.folder / "dwh.cfg", "--quiet"]
        subprocess.run(command, check=True)

    def make_tables(self) -> None:
        """Empty the warehouse before a whole load."""
        self.house.connection.commit()
        command = [sys.executable, ROOT / "create_tables.py", "--config", self.folder / "dwh.cfg"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def values_in_pages(self, count: int) -> None:
        """psycopg2's execute_values."""
        with self.house.plain() as cursor:
            rows = map(values, events(self.folder, count))
            execute_values(cursor, f"INSERT INTO {TABLE} VALUES %s", rows, page_size=1000)
        self.house.connection.commit()

    def row_by_row(self, count: int) -> None:
        """One INSERT for each event and one commit, as the course does."""
        places = ", ".join(["%s"] * len(FIELDS))
        with self.house.plain() as cursor:
            for event in events(self.folder, count):
                cursor.execute(f"INSERT INTO {TABLE} VALUES ({places})", values(event))
        self.house.connection.commit()

    def to_sql(self, count: int) -> None:
        """pandas, several rows in a statement."""
        import pandas
        import sqlalchemy

        engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=self.house.connection.open_another)
        frame = pandas.DataFrame(events(self.folder, count))
        frame.to_sql("pandas_events", engine, if_exists="replace", index=False, method="multi", chunksize=500)
        engine.dispose()

    def dlt(self, count: int) -> None:
        """dlt from files to PostgreSQL, with its defaults."""
        import dlt
        from dlt.sources.filesystem import filesystem, read_jsonl

        if count not in self.samples:
            self.samples[count] = self.folder / f"sample-{count}"
            self.samples[count].mkdir()
            lines = "".join(json.dumps(event) + "\n" for event in events(self.folder, count))
            (self.samples[count] / "events.jsonl").write_text(lines, encoding="utf-8")
        info = self.info
        target = dlt.destinations.postgres(
            {
                "database": info["dbname"], "username": info["user"], "password": info["password"],
                "host": info["host"], "port": info["port"],
            }
        )  # fmt: skip
        files = filesystem(bucket_url=self.samples[count].as_uri(), file_glob="*.jsonl") | read_jsonl()
        name = f"bench_{time.monotonic_ns()}"  # a first load each time
        pipeline = dlt.pipeline(name, destination=target, dataset_name=name, pipelines_dir=str(self.folder / "dlt"))
        pipeline.run(files.with_name("events"))
        with closing(psycopg2.connect(**info)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {name}.events")
            assert cursor.fetchone() == (count,)
            cursor.execute(f"DROP SCHEMA {name} CASCADE")


def main() -> int:
    """Make the data, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 1_000_000), ("songs", 15_000), ("rounds", 5)):
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default:,}")
    options = parser.parse_args()
    print(machine("duckdb", "psycopg2-binary", "dlt", "pandas", "sqlalchemy"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = simulate_data.simulate(folder, songs=options.songs, users=5_000, events=options.events, days=30)
        rows, files = counts["events"], len(list((folder / "log_data").rglob("*.json")))
        cut(folder / "log_data", folder / "cut", 10)
        with open_warehouse(folder) as house:
            peers, empty = Peers(house, folder), house.empty(TABLE)
            json_paths = f"FORMAT JSON '{folder / 'log_json_path.json'}' {EVENTS}"
            copy = house.copy(TABLE, str(folder / "log_data"), json_paths)
            copy()
            sample, few = min(rows, SAMPLE), min(rows, FEW)
            ways = [
                Way("PostgreSQL's COPY of a ready CSV", peers.ready_csv(), rows, empty),
                Way(f"embedded COPY of {files} JSON files", copy, rows, empty),
                Way(
                    f"embedded COPY of {10 * files} JSON files",
                    house.copy(TABLE, str(folder / "cut"), json_paths),
                    rows,
                    empty,
                ),
                Way("`etl.py`, whole: star schema and checks, too", peers.whole_load, rows, peers.make_tables),
                Way("dlt, filesystem to PostgreSQL", lambda: peers.dlt(sample), sample),
                Way("psycopg2's execute_values", lambda: peers.values_in_pages(sample), sample, empty),
                Way("an INSERT a row, one commit", lambda: peers.row_by_row(few), few, empty),
                Way("pandas to_sql(method='multi')", lambda: peers.to_sql(few), few),
            ]
            title = (
                f"{rows:,} events and {counts['songs']:,} songs, JSON on disk; medians of {options.rounds}, by turns"
            )
            measure(title, ways, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

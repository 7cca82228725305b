"""How fast a COPY is, in ratios from one run, and how much memory it takes. A million events are made first, and the
machine must have nothing else to do: run it alone, with -m speed."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from psycopg2.extensions import cursor as PlainCursor

from infra import simulate_data, warehouse
from infra.config import load_settings
from infra.local import binaries, supervisor
from sql_queries import staging_events_copy, staging_events_table_create, staging_songs_copy, staging_songs_table_create
from tests.fixtures.warehouse import ROOT

pytestmark = pytest.mark.speed
EVENTS = 1_000_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory):
    """A dwh.cfg for a warehouse of its own and a million simulated events."""
    folder = tmp_path_factory.mktemp("million")
    simulate_data.simulate(folder, songs=15_000, users=5_000, events=EVENTS, days=30)
    yield write_config(folder, "log_data", "song_data")
    supervisor.release(folder / "local")


def write_config(folder: Path, log_data: str, song_data: str) -> Path:
    """A dwh.cfg in `folder` for data in it."""
    file = folder / f"{log_data}-{song_data}.cfg"
    file.write_text(
        f"[LOCAL]\nPATH={folder / 'local'}\n[S3]\nLOG_DATA={folder / log_data}\nSONG_DATA={folder / song_data}\n"
        f"LOG_JSONPATH={folder / 'log_json_path.json'}\n"
    )
    return file


def copy(config: Path, query: str, create: str) -> float:
    """The seconds that a COPY into its empty table takes."""
    settings = load_settings(config)
    with closing(warehouse.connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(create)
        [table] = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", create)
        cursor.execute(f"TRUNCATE {table}")
        start = time.perf_counter()
        cursor.execute(query, {**vars(settings), "max_errors": 0})
        connection.commit()
        return time.perf_counter() - start


def peak_memory() -> int:
    """The most memory that this process has held, in MB.

    Linux has it in /proc: its ru_maxrss begins with the parent's, which is pytest's here.
    """
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset // 2**20
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_048_576


def test_copy_of_events_is_at_most_half_slower_than_postgresql_s_own_of_a_ready_csv(million: Path, tmp_path: Path):
    """The same rows, by turns; psql's \\copy of the CSV, into a table like any other, is PostgreSQL's own way."""
    settings = load_settings(million)
    csv = tmp_path / "events.csv"
    ours, theirs = [], []
    with closing(warehouse.connect(settings)) as connection:
        copy(million, staging_events_copy, staging_events_table_create)
        with connection.cursor(cursor_factory=PlainCursor) as cursor, open(csv, "wb") as file:
            cursor.copy_expert("COPY staging_events TO STDOUT (FORMAT csv)", file)
            cursor.execute("CREATE TABLE ready (LIKE staging_events)")
        connection.commit()
        info = connection.connection_info
        psql = [binaries.folder() / "psql", "-q", "-h", info["host"], "-p", str(info["port"]), "-U", info["user"]]
        command = [*psql, "-d", info["dbname"], "-c", f"\\copy ready FROM '{csv}' (FORMAT csv)", "-c"]
        for _ in range(6):
            ours.append(copy(million, staging_events_copy, staging_events_table_create))
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE ready")
            start = time.perf_counter()
            environment = {**os.environ, "PGPASSWORD": info["password"]}
            subprocess.run([*command, "ANALYZE ready"], env=environment, check=True)  # as STATUPDATE ON does
            theirs.append(time.perf_counter() - start)
    print(f"COPY {min(ours):.2f} s, CSV {min(theirs):.2f} s, ratio {min(ours) / min(theirs):.2f}")
    assert min(ours) <= 1.5 * min(theirs)


@pytest.mark.parametrize("times", [1, 5])
def test_peak_memory_does_not_grow_with_the_data(million: Path, times: int):
    """About 200 MB for Python at one and at five million events: the same files, linked once and five times over."""
    folder = million.parent
    logs = folder / f"log_data_{times}"
    for number in range(times):
        (logs / str(number)).mkdir(parents=True)
        for file in (folder / "log_data").rglob("*.json"):
            os.link(file, logs / str(number) / file.name)
    config = write_config(folder, logs.name, "song_data")
    program = (
        "import sys; from pathlib import Path; import tests.copy_command.test_speed as t;"
        "t.copy(Path(sys.argv[1]), t.staging_events_copy, t.staging_events_table_create);"
        "print(t.peak_memory())"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(config)], env=environment, capture_output=True, text=True, check=True
    )
    print(f"{times * EVENTS:,} events: {done.stdout.strip()} MB")
    assert int(done.stdout) < 220


def test_fifteen_thousand_files_take_at_most_two_seconds_more_than_one(million: Path):
    """One song a file against the same songs in one file."""
    folder = million.parent
    files = list((folder / "song_data").rglob("*.json"))
    assert len(files) == 15_000
    (folder / "one_file").mkdir()
    songs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    with open(folder / "one_file" / "songs.json", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(song) + "\n" for song in songs)
    one = copy(write_config(folder, "log_data", "one_file"), staging_songs_copy, staging_songs_table_create)
    many = copy(million, staging_songs_copy, staging_songs_table_create)
    print(f"15,000 files {many:.2f} s, one file {one:.2f} s")
    assert many <= one + 2

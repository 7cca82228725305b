"""What a load, and a compaction, hold in memory does not grow with the number of its files."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra import compact_songs
from infra.aws.inventory import open_inventory
from infra.aws.manifest import Entry, entries
from infra.aws.packs import Pack
from infra.aws.s3_object import S3Object
from infra.config import load_settings
from infra.load.source_files import Comparison, compare
from infra.load.work_folder import SourceFile, WorkFolder
from infra.local import supervisor
from infra.local.copy_command import model
from infra.local.copy_command.file_list import file_list
from tests.fixtures.etl import song
from tests.fixtures.warehouse import ROOT

PROGRAM = """
import re, sys
from pathlib import Path
import create_tables, etl
for script in (create_tables, etl):
    assert script.main(["--config", sys.argv[1]]) == 0
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak(work: Callable[[], object]) -> int:
    """The most bytes of Python's that the work holds at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_comparison_with_the_ledger_holds_one_file_at_a_time(config: Path):
    def run(count: int) -> None:
        """Compare a listing with a ledger that knows each second file, and one that is gone for each."""
        names = (f"s3://bucket/song_data/{number:08}.json" for number in range(count))
        ledger = (row for number in range(0, count, 2) for row in ledger_rows(number))
        result = Comparison()
        folder = WorkFolder(load_settings(config), f"memory-{count}")
        with folder.open_ledger() as rows, folder.open_manifest("log_data") as manifest:
            for file in compare((SourceFile(name, 250, "e" * 32) for name in names), ledger, result):
                rows.add(file)
                manifest.add(file)
        assert (result.new, result.known, result.vanished) == (count // 2, count // 2, count // 2)
        folder.delete()

    def ledger_rows(number: int) -> list[tuple[str, int, str]]:
        """A file that is known, and one that is gone."""
        name = f"s3://bucket/song_data/{number:08}.json"
        return [(name, 250, "e" * 32), (name + "~", 250, "e" * 32)]

    run(10)
    assert peak(lambda: run(6_000)) < peak(lambda: run(1_000)) + 50_000


def test_a_copy_holds_a_part_of_its_manifest_and_none_of_its_files(tmp_path: Path):
    def run(count: int) -> None:
        """Read a manifest, keep its files on disk, and go over them."""
        line = b'{"url": "s3://bucket/song_data/%08d.json", "mandatory": true, "meta": {"content_length": 250}}'
        blocks = (line % number + (b",\n" if number < count - 1 else b"]}") for number in range(count))
        found = entries(block for group in ([b'{"entries": ['], blocks) for block in group)
        with file_list((as_file(entry) for entry in found), tmp_path) as files:
            assert sum(file.size for file in files) == files.size == 250 * count

    def as_file(entry: Entry) -> model.SourceFile:
        """The file of an entry."""
        return model.SourceFile(entry.url, entry.size)

    run(10)
    assert peak(lambda: run(6_000)) < peak(lambda: run(1_000)) + 50_000


def test_a_compaction_holds_the_files_of_one_gzip_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compact_songs, "MOST", 100)

    def run(count: int) -> None:
        """Plan a compaction of which a hundred files are done, and go over the rest."""
        files = [S3Object("bucket", f"song_data/{number:08}.json", 250, "e" * 32) for number in range(100)]
        listed = (S3Object("bucket", f"song_data/{number:08}.json", 250, "e" * 32) for number in range(count))
        with open_inventory("bucket") as inventory:
            assert inventory.add_listed(listed) == count
            inventory.add_pack("done", Pack(tuple(files)).entries)
            assert inventory.drop_stale() == ["done"]
            packs = compact_songs.plan(inventory, *inventory.find_new(), slices=1)
            assert set(packs.values()) == {100} and sum(packs.values()) == count - 100
            assert sum(len(inventory.pack(name).files) for name in packs) == count - 100
            assert inventory.find_difference() == ""

    run(1_000)
    assert peak(lambda: run(6_000)) < peak(lambda: run(1_000)) + 50_000


def test_what_is_not_listed_or_twice_in_gzip_files_is_found():
    first, second = (S3Object("bucket", key, 250, "e" * 32) for key in ("first", "second"))
    for packs in ([], [[first]], [[first, second], [second]], [[first, second, replace(second, etag="f" * 32)]]):
        with open_inventory("bucket") as inventory:
            inventory.add_listed([first, second])
            for number, files in enumerate(packs):
                inventory.add_pack(str(number), Pack(tuple(files)).entries)
            assert inventory.find_difference() == ("second" if packs else "first")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from Linux's /proc")
def test_a_load_of_four_hundred_thousand_files_takes_as_much_memory_as_one_of_fifteen_thousand(tmp_path: Path):
    peaks = {}
    for count in (15_000, 400_000):
        folder = tmp_path / str(count)
        (folder / "log_data").mkdir(parents=True)
        (folder / "log_data" / "empty.json").touch()
        (folder / "paths.json").write_text('{"jsonpaths": []}')
        for number in range(count):  # a thousand in a folder, links to a song of its own in each
            path = folder / "song_data" / str(number // 1000) / f"{number:06}.json"
            if number % 1000 == 0:
                path.parent.mkdir(parents=True)
                path.write_text(json.dumps(song(song_id=f"S{number}")))
            else:
                os.link(path.parent / f"{number // 1000 * 1000:06}.json", path)
        config = folder / "dwh.cfg"
        config.write_text(
            f"[LOCAL]\nPATH={folder / 'local'}\n[S3]\nLOG_DATA={folder / 'log_data'}\n"
            f"SONG_DATA={folder / 'song_data'}\nLOG_JSONPATH={folder / 'paths.json'}\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(config)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        supervisor.release(folder / "local")
        peaks[count] = int(re.findall(r"\d+", done.stdout)[-1]) // 1024
    print(peaks, "MB")
    assert peaks[400_000] < 200
    assert peaks[400_000] < peaks[15_000] + 60  # a full batch of files in place of a small one

"""Compaction: what COPY reads from the manifest is what it reads from the source, however often it was stopped."""

import gzip
import json
import signal
import sys

import pytest

from infra import compact_songs
from infra.aws.object_store import ObjectStore
from infra.aws.policies import read_policy
from infra.config import ROOT, load_settings
from notebooks.source_counts import count_rows
from tests.fixtures import processes
from tests.fixtures.copying import AUTO, Copier
from tests.fixtures.etl import event, song
from tests.fixtures.warehouse import LOG_FIELDS

SOURCE, TARGET = "s3://sparkify/song_data/", "s3://sparkify/compact/"
MANIFEST = TARGET + "songs.manifest"


class Bucket:
    """The songs in S3, and the script run on them."""

    def __init__(self, s3, copier: Copier):
        """No songs yet."""
        self.s3, self.copier = s3, copier
        self.songs: dict[int, str] = {}  # what is in the bucket: number -> the text that is to be loaded

    def put(self, *numbers: int, text: str = "") -> None:
        """Put songs there, with and without a line break at the end."""
        for number in numbers:
            self.songs[number] = f"{number:03}{text}"
            body = json.dumps({"a": self.songs[number]}) + "\n" * (number % 2)
            self.s3.put_object(Bucket="sparkify", Key=f"song_data/A/{number:03}.json", Body=body.encode())

    def delete(self, number: int) -> None:
        """Delete a song."""
        del self.songs[number]
        self.s3.delete_object(Bucket="sparkify", Key=f"song_data/A/{number:03}.json")

    def content(self) -> list[str]:
        """What the songs that are there come to, loaded."""
        return sorted(self.songs.values())

    def written(self) -> list[str]:
        """The keys of the target."""
        answer = self.s3.list_objects_v2(Bucket="sparkify", Prefix="compact/")
        return [entry["Key"] for entry in answer.get("Contents", [])]

    def run(self, *options: str) -> int:
        """Run the script."""
        return compact_songs.main(
            [SOURCE, TARGET, "--config", str(self.copier.settings.path), "--slices", "4", *options]
        )

    def rows(self, source: str = MANIFEST, options: str = "MANIFEST GZIP") -> list[str]:
        """What a COPY loads."""
        self.copier.copy(source, f"{AUTO} {options}")
        rows = sorted(row for (row,) in self.copier.rows())
        self.copier.connection.rollback()
        return rows


@pytest.fixture
def bucket(s3, copier: Copier) -> Bucket:
    """Sixteen songs."""
    bucket = Bucket(s3, copier)
    bucket.put(*range(16))
    return bucket


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the source files that are read."""
    keys: list[str] = []
    reading = ObjectStore.read

    def note(store: ObjectStore, objects):
        """Note what is read."""
        noted = list(objects)
        keys.extend(each.key for each in noted if each.key.startswith("song_data/"))
        return reading(store, noted)

    monkeypatch.setattr(ObjectStore, "read", note)
    return keys


def test_all_is_there_once_in_gzip_files_of_equal_size(bucket: Bucket, capsys: pytest.CaptureFixture[str]):
    assert bucket.run() == 0
    assert "Each of the 16 files is in one of 4 gzip files, exactly once." in capsys.readouterr().out
    assert bucket.rows() == bucket.content() == bucket.rows(SOURCE, "")
    entries = json.loads(bucket.s3.get_object(Bucket="sparkify", Key="compact/songs.manifest")["Body"].read())[
        "entries"
    ]
    lines = []
    for entry in entries:
        body = bucket.s3.get_object(Bucket="sparkify", Key=entry["url"].removeprefix("s3://sparkify/"))["Body"].read()
        assert entry["mandatory"]
        assert entry["meta"]["content_length"] == len(body)
        lines.append(gzip.decompress(body).decode().splitlines())
    assert [len(each) for each in lines] == [4, 4, 4, 4]
    assert [json.loads(line)["a"] for each in lines for line in each] == bucket.content()


def test_the_number_of_gzip_files_is_a_multiple_of_the_slices(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compact_songs, "LARGEST", 40)  # bytes; the songs are some 200 in all
    assert bucket.run() == 0
    names = [key for key in bucket.written() if key.endswith(".json.gz")]
    assert len(names) == 8
    assert bucket.rows() == bucket.content()


def test_a_second_run_reads_only_what_is_new(bucket: Bucket, read: list[str], capsys: pytest.CaptureFixture[str]):
    assert bucket.run() == 0
    before = bucket.written()
    read.clear()
    assert bucket.run() == 0
    assert (read, bucket.written()) == ([], before)
    bucket.put(*range(16, 20))
    assert bucket.run() == 0
    assert read == [f"song_data/A/{number:03}.json" for number in range(16, 20)]
    assert bucket.rows() == bucket.content()


def test_what_was_changed_or_is_gone_is_replaced(bucket: Bucket, read: list[str]):
    assert bucket.run() == 0
    read.clear()
    bucket.put(1, text=" corrected")
    bucket.delete(15)
    assert bucket.run() == 0
    assert sorted(read) == [f"song_data/A/{number:03}.json" for number in [*range(4), *range(12, 15)]]
    assert bucket.rows() == bucket.content()
    assert len(bucket.written()) == 2 * (4 + 4) + 1  # a COPY may still read what is replaced
    assert bucket.run() == 0
    assert len(bucket.written()) == 2 * (2 + 4) + 1


@pytest.mark.parametrize("second", [False, True])
def test_a_run_that_is_stopped_anywhere_goes_on(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys, second: bool):
    """Before each of its writes: data, index, ..., manifest. A COPY meanwhile reads the manifest of before."""
    expected = []
    if second:
        assert bucket.run() == 0
        expected = bucket.content()
        bucket.put(5, *range(16, 20), text=" later")
    write = ObjectStore.write
    for allowed in range(20):
        left = allowed
        with monkeypatch.context() as patch:

            def stop(store: ObjectStore, url: str, data: bytes) -> None:
                """Write as often as allowed, then stop as Ctrl-C does."""
                nonlocal left
                if not left:
                    raise KeyboardInterrupt
                left -= 1
                write(store, url, data)

            patch.setattr(ObjectStore, "write", stop)
            if bucket.run() == 0:
                break
        assert "run again, and it goes on" in capsys.readouterr().err
        if second:
            assert bucket.rows() == expected
        else:
            assert "compact/songs.manifest" not in bucket.written()
    else:
        pytest.fail("it never ends")
    assert allowed > 0
    assert bucket.rows() == bucket.content()


@pytest.mark.parametrize("damage", ["cut", "other", "empty", "doubled", "more"])
def test_a_gzip_file_that_is_not_what_was_written_is_found(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys, damage
):
    """The store keeps other bytes than it was given: what S3 says of them is no help."""
    write = ObjectStore.write

    def spoil(store: ObjectStore, url: str, data) -> None:
        """Write something else in place of the second gzip file."""
        if url.endswith(".json.gz"):
            packs.append(url)
            if len(packs) == 2:
                plain = gzip.decompress(data.read())
                text = {
                    "cut": plain[:-20], "other": plain.replace(b"004", b"040"), "empty": b"", "doubled": plain + plain,
                    "more": plain + b'{"a": "x"}\n',
                }[damage]  # fmt: skip
                data = gzip.compress(text)
        write(store, url, data)

    packs: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "write", spoil)
        assert bucket.run() == 1
    assert f"{packs[1]} is not what was written" in capsys.readouterr().err
    assert "compact/songs.manifest" not in bucket.written()
    assert bucket.run() == 0
    assert bucket.rows() == bucket.content()


def test_a_gzip_file_that_was_damaged_later_is_written_anew(bucket: Bucket, read: list[str]):
    assert bucket.run() == 0
    damaged = next(key for key in bucket.written() if key.endswith(".json.gz"))
    bucket.s3.put_object(Bucket="sparkify", Key=damaged, Body=gzip.compress(b'{"a": "x"}'))
    read.clear()
    assert bucket.run() == 0
    assert len(read) == 4
    assert bucket.rows() == bucket.content()


KILLED = """
import os, signal, sys
import boto3
from infra import compact_songs
from infra.aws.object_store import ObjectStore
left = int(sys.argv.pop(1))
def count(work):
    def change(*arguments):
        global left
        for after in (False, True):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            if not after:
                work(*arguments)
    return change
ObjectStore.write, ObjectStore.delete = count(ObjectStore.write), count(ObjectStore.delete)
sys.exit(compact_songs.main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    "points", [pytest.param((3, 17), id="some"), pytest.param(range(100), id="all", marks=pytest.mark.slow)]
)
def test_a_run_that_is_killed_loses_and_doubles_nothing(bucket: Bucket, points):
    """Before and after each write and deletion: four gzip files with their indexes, the manifest, what goes."""
    assert bucket.run() == 0
    options = [SOURCE, TARGET, "--config", str(bucket.copier.settings.path), "--slices", "4"]
    kills = 0
    for point in points:
        expected = bucket.content()
        bucket.put(5, *range(16, 20), text=f" {point}")
        done = processes.run("-c", KILLED, point, *options, cwd=ROOT)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        assert bucket.rows() in (expected, bucket.content())
        assert bucket.run() == 0
        assert bucket.rows() == bucket.content()
        kills += done.returncode != 0
        if done.returncode == 0:
            break
    assert kills > 1


def test_a_file_that_changes_while_it_is_read_changes_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys):
    listing = ObjectStore.list

    def change(store: ObjectStore, url: str):
        """Change a song after it was listed."""
        found = list(listing(store, url))
        if url == SOURCE:
            bucket.put(7, text=" changed")
        return found

    monkeypatch.setattr("infra.aws.s3_fetcher.PAUSE", 0)
    monkeypatch.setattr(ObjectStore, "list", change)
    assert bucket.run() == 1
    assert "song_data/A/007.json cannot be read: it was changed" in capsys.readouterr().err
    assert "compact/songs.manifest" not in bucket.written()


def test_a_dry_run_writes_nothing(bucket: Bucket, capsys: pytest.CaptureFixture[str], read: list[str]):
    assert bucket.run("--dry-run") == 0
    printed = capsys.readouterr().out
    assert f"{SOURCE}: 16 files, 16 of them" in printed
    assert "Nothing was written: this was a dry run." in printed
    assert (read, bucket.written()) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["s3://nowhere/a/", TARGET], 1, "s3://nowhere cannot be read: the bucket does not exist"),
        ([SOURCE, "s3://nowhere/a/"], 1, "s3://nowhere cannot be read: the bucket does not exist"),
        (["s3://sparkify/none/", TARGET], 1, "s3://sparkify/none/ holds no files"),
        ([SOURCE, SOURCE + "compact/"], 2, "must not lie in SOURCE"),
        (["/tmp/songs", TARGET], 2, "is no folder in S3"),
        (["s3:///", TARGET], 2, "is no folder in S3"),
        ([SOURCE, TARGET, "--slices", "0"], 2, "is not a number from 1"),
        ([SOURCE, TARGET, "--slices", "9" * 5000], 2, "is not a number from 1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(bucket: Bucket, capsys, arguments: list[str], code: int, says: str):
    try:
        ended = compact_songs.main([*arguments, "--config", str(bucket.copier.settings.path)])
    except SystemExit as exit:
        ended = exit.code
    assert ended == code
    assert says in capsys.readouterr().err


def test_compressed_files_are_refused(bucket: Bucket, capsys: pytest.CaptureFixture[str]):
    bucket.s3.put_object(Bucket="sparkify", Key="song_data/x.json.gz", Body=b"x")
    assert bucket.run() == 1
    assert "song_data/x.json.gz is compressed" in capsys.readouterr().err


def test_a_load_reads_the_manifest_that_song_data_names(bucket: Bucket, tmp_path, run_script, s3):
    """Songs come in by it, the next load has nothing new, and after another compaction it reads the new file alone."""
    paths = json.dumps({"jsonpaths": [f"$['{name}']" for name in LOG_FIELDS]})
    s3.put_object(Bucket="sparkify", Key="log/1.json", Body=json.dumps(event()).encode())
    s3.put_object(Bucket="sparkify", Key="paths.json", Body=paths.encode())
    for number in range(16):
        bucket.delete(number)
        s3.put_object(
            Bucket="sparkify", Key=f"song_data/S{number}.json", Body=json.dumps(song(song_id=f"S{number}")).encode()
        )
    assert bucket.run() == 0
    config = tmp_path / "compacted.cfg"
    config.write_text(
        f"[LOCAL]\nPATH={bucket.copier.settings.local_path}\n[S3]\nLOG_DATA=s3://sparkify/log\nSONG_DATA={MANIFEST}\n"
        "LOG_JSONPATH=s3://sparkify/paths.json\n"
    )
    assert run_script("create_tables.py", "--config", config).returncode == 0
    loads = [run_script("etl.py", "--config", config) for _ in range(2)]
    assert [load.returncode for load in loads] == [0, 0], loads[0].stderr
    assert "Nothing new" in loads[1].stdout
    assert bucket.copier.execute("SELECT COUNT(*), MAX(song_id) FROM songs") == [(16, "S9")]
    assert count_rows(load_settings(config))["songs"] == 16
    s3.put_object(Bucket="sparkify", Key="song_data/S99.json", Body=json.dumps(song(song_id="S99")).encode())
    assert bucket.run() == 0
    bucket.copier.connection.rollback()
    assert run_script("etl.py", "--config", config).returncode == 0
    assert bucket.copier.execute("SELECT COUNT(*), MAX(song_id) FROM songs") == [(17, "S99")]
    assert bucket.copier.execute("SELECT COUNT(*) FROM staging_songs") == [(1,)]


def test_the_role_may_read_what_the_manifest_names():
    read, listing = read_policy(("s3://own/songs/songs.manifest",), "aws")["Statement"]
    assert read["Resource"] == ["arn:aws:s3:::own/songs/*"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["songs/*"]}}

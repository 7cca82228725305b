r"""Put many small song files in S3 together in a few gzip files of equal size, with a manifest that COPY reads.

    python infra/compact_songs.py s3://udacity-dend/song_data/ s3://yours/songs/

Small files dominate a COPY: 385,252 of them took one about 35 minutes. The manifest, s3://yours/songs/songs.manifest,
is what [S3] SONG_DATA names afterwards. The number of gzip files is a multiple of --slices: each slice of a cluster
reads as many.

Run it again whenever there are new songs: it reads what is new, and what stood in one gzip file with a song that was
changed or is gone. It may be stopped at any time, and run again it goes on: a gzip file is named for what it holds and
is there whole or not at all, and the manifest comes last. Before that, each gzip file is read back and every source
file in it compared, by size and checksum, with what was read; only then it gets its index. And every source file must
be in one gzip file, exactly once, with the ETag that S3 lists for it now.
"""

import argparse
import gzip
import hashlib
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli, progress
from infra.aws.inventory import Inventory, open_inventory
from infra.aws.object_store import ObjectStore
from infra.aws.packs import Pack, Target, check_written
from infra.aws.s3_object import S3Object, split_url
from infra.aws.session import make_session
from infra.config import Settings, load_settings
from infra.errors import SourceError

LARGEST = 128 << 20  # bytes of JSON in one gzip file
MOST = 100_000  # source files in one gzip file, whose list is held in memory
SLICES = 16  # a multiple of what one, two, four or eight nodes of ra3.large have
PACKED = (".gz", ".bz2", ".zst", ".lzo", ".manifest")


def plan(inventory: Inventory, files: int, size: int, slices: int) -> dict[str, int]:
    """Put what is new, so many `files` and bytes, into gzip files of equal size; their names and numbers of files."""
    count = min(files, slices * max(1, -(-size // (LARGEST * slices)), -(-files // (MOST * slices))))
    packs = {}
    for _, group in groupby(place(inventory.new(), files, size, count), itemgetter(0)):
        pack = Pack(tuple(file for _, file in group))
        inventory.add_pack(pack.name, pack.entries)
        packs[pack.name] = len(pack.files)
    return packs


def place(new: Iterable[S3Object], files: int, size: int, count: int) -> Iterator[tuple[int, S3Object]]:
    """Yield each file with the number of its gzip file, of `count`; none stays empty."""
    done = 0
    for number, file in enumerate(new):
        by_size = done * count // max(1, size)
        yield min(max(by_size, count - (files - number)), number), file
        done += file.size


def write_packs(
    source: ObjectStore, inventory: Inventory, target: Target, store: ObjectStore, packs: dict[str, int]
) -> None:
    """Write each gzip file, prove it, and write its index, reading ahead over the borders between them."""
    contents = source.read(file for name in packs for file in inventory.pack(name).files)
    total = sum(packs.values())
    done = 0
    with progress.step("compact songs") as step:
        for pack in map(inventory.pack, packs):
            checksums = []
            with TemporaryFile() as file:
                with gzip.GzipFile("", "wb", 6, cast(BinaryIO, file), mtime=0) as packed:  # the same bytes each time
                    for _ in pack.files:
                        _, blocks = next(contents)
                        checksum = hashlib.sha256()
                        for block in ended(blocks):
                            checksum.update(block)
                            packed.write(block)
                        checksums.append(checksum.digest())
                        done += 1
                        step.update(done, total, "files")
                file.seek(0)
                store.write(target.data(pack.name), cast(BinaryIO, file))
            target.write_index(pack, check_written(store, target.data(pack.name), pack, checksums))


def ended(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass a file's contents on, with a line break at the end: the next file's object has a line of its own."""
    last = b""
    for last in blocks:
        yield last
    if last and not last.endswith(b"\n"):
        yield b"\n"


def find_files(store: ObjectStore, url: str) -> Iterator[S3Object]:
    """Yield the files to compact. Raises SourceError for those that are compressed already."""
    for each in store.list(url):
        if each.size and each.key.endswith(PACKED):
            raise SourceError(f"{each.url} is compressed or a manifest: name a folder of JSON files.")
        if each.size:
            yield each


def open_store(settings: Settings, url: str) -> ObjectStore:
    """S3 in the region of a URL's bucket. Raises SourceError."""
    region = ObjectStore(make_session(settings)).region(split_url(url)[0])
    return ObjectStore(make_session(settings, region or None))


def compact(settings: Settings, source_url: str, target_url: str, slices: int, dry_run: bool) -> None:
    """Bring the gzip files and the manifest up to date, and say what was done. Raises SourceError."""
    source = open_store(settings, source_url)
    store = open_store(settings, target_url)
    with open_inventory(split_url(source_url)[0]) as inventory:
        listed = inventory.add_listed(find_files(source, source_url))
        if not listed:
            raise SourceError(f"{source_url} holds no files.")
        target = Target(store, target_url)
        known = []
        for name in target.names():
            if entries := target.proved(name):
                inventory.add_pack(name, entries)
                known.append(name)
        stay = inventory.drop_stale()
        files, size = inventory.find_new()
        packs = plan(inventory, files, size, slices)
        print(f"{source_url}: {listed:,} files, {files:,} of them ({size / 1e6:,.1f} MB) to be compacted.")
        print(f"{target_url}: {len(stay):,} gzip files stay, {len(packs):,} are new, {len(known) - len(stay):,} go.")
        if dry_run:
            print("Nothing was written: this was a dry run.")
            return
        missing = {name: count for name, count in packs.items() if not target.proved(name)}
        if len(missing) < len(packs):
            print(f"{len(packs) - len(missing):,} of them are there already, from a run that was stopped.")
        write_packs(source, inventory, target, store, missing)
        if key := inventory.find_difference():
            raise SourceError(f"{key} is not exactly once in the gzip files: nothing was changed, run again.")
    names = [*stay, *packs]
    if packs or len(stay) < len(known):
        target.write_manifest(names)
    target.delete_leftovers([*known, *names])
    print(f"Each of the {listed:,} files is in one of {len(names):,} gzip files, exactly once.")
    print(f"For loads from now on: [S3] SONG_DATA={target.manifest}")


def folder(text: str) -> str:
    """An s3:// folder for argparse; it ends with a slash."""
    if not text.startswith("s3://") or not text.removeprefix("s3://").strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is no folder in S3: it must look like s3://bucket/folder/")
    return text.rstrip("/") + "/"


def positive(text: str) -> int:
    """A number of slices for argparse."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 10000")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Exit code 0, 1 if it failed and the manifest is as before, 2 for usage or dwh.cfg."""
    parser = cli.make_parser(__doc__, dry_run="say what would be written, and write nothing")
    parser.add_argument("source", metavar="SOURCE", type=folder, help="the folder of the small files")
    parser.add_argument("target", metavar="TARGET", type=folder, help="a folder of your own, for this alone")
    parser.add_argument("--slices", metavar="N", type=positive, default=SLICES, help=f"default: {SLICES}")
    options = parser.parse_args(argv)
    if options.target.startswith(options.source) or options.source.startswith(options.target):
        parser.error("TARGET must not lie in SOURCE, nor SOURCE in TARGET")

    def work() -> int:
        """Do it."""
        compact(load_settings(options.config), options.source, options.target, options.slices, options.dry_run)
        return 0

    return cli.run("compact_songs", work, aftermath="The manifest is as it was; run again, and it goes on.")


if __name__ == "__main__":
    sys.exit(main())

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
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli, progress
from infra.aws.object_store import ObjectStore
from infra.aws.packs import Entry, Pack, Target, check_written
from infra.aws.s3_object import S3Object, split_url
from infra.aws.session import make_session
from infra.config import Settings, load_settings
from infra.errors import SourceError

LARGEST = 128 << 20  # bytes of JSON in one gzip file
SLICES = 16  # a multiple of what one, two, four or eight nodes of ra3.large have
PACKED = (".gz", ".bz2", ".zst", ".lzo", ".manifest")


def plan(listed: list[S3Object], known: dict[str, list[Entry]], slices: int) -> tuple[list[str], list[Pack]]:
    """The gzip files that stay, and those to write: what is in none that stays, cut into equal sizes."""
    now = {(each.key, each.etag, each.size): each for each in listed}
    stay = [name for name, entries in known.items() if all(entry in now for entry in entries)]
    kept = {entry for name in stay for entry in known[name]}
    new = [each for entry, each in now.items() if entry not in kept]
    size = sum(each.size for each in new)
    count = min(len(new), slices * max(1, -(-size // (LARGEST * slices))))
    packs: list[list[S3Object]] = [[] for _ in range(count)]
    done = 0
    for number, each in enumerate(new):
        by_size = done * count // max(1, size)
        place = min(max(by_size, count - (len(new) - number)), number)  # none stays empty
        packs[place].append(each)
        done += each.size
    return stay, [Pack(tuple(files)) for files in packs]


def check_complete(listed: list[S3Object], packs: Iterable[list[Entry]]) -> None:
    """Raise SourceError unless every source file is in the gzip files exactly once, as it is listed."""
    wanted = Counter((each.key, each.etag, each.size) for each in listed)
    found = Counter(entry for entries in packs for entry in entries)
    if wanted != found:
        key = next(iter((wanted - found) or (found - wanted)))[0]
        raise SourceError(f"{key} is not exactly once in the gzip files: nothing was changed, run again.")


def write_packs(source: ObjectStore, target: Target, store: ObjectStore, packs: list[Pack]) -> None:
    """Write each gzip file, prove it, and write its index, reading ahead over the borders between them."""
    contents = source.read(file for pack in packs for file in pack.files)
    total = sum(len(pack.files) for pack in packs)
    done = 0
    with progress.step("compact songs") as step:
        for pack in packs:
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


def find_files(store: ObjectStore, url: str) -> list[S3Object]:
    """The files to compact. Raises SourceError for none, and for those that are compressed or large already."""
    listed = [each for each in store.list(url) if each.size]
    if not listed:
        raise SourceError(f"{url} holds no files.")
    for each in listed:
        if each.key.endswith(PACKED):
            raise SourceError(f"{each.url} is compressed or a manifest: name a folder of JSON files.")
    return listed


def open_store(settings: Settings, url: str) -> ObjectStore:
    """S3 in the region of a URL's bucket. Raises SourceError."""
    region = ObjectStore(make_session(settings)).region(split_url(url)[0])
    return ObjectStore(make_session(settings, region or None))


def compact(settings: Settings, source_url: str, target_url: str, slices: int, dry_run: bool) -> None:
    """Bring the gzip files and the manifest up to date, and say what was done. Raises SourceError."""
    source = open_store(settings, source_url)
    store = open_store(settings, target_url)
    listed = find_files(source, source_url)
    target = Target(store, target_url)
    known = target.packs()
    stay, packs = plan(listed, known, slices)
    files, size = sum(len(pack.files) for pack in packs), sum(file.size for pack in packs for file in pack.files)
    print(f"{source_url}: {len(listed):,} files, {files:,} of them ({size / 1e6:,.1f} MB) to be compacted.")
    print(f"{target_url}: {len(stay):,} gzip files stay, {len(packs):,} are new, {len(known) - len(stay):,} go.")
    if dry_run:
        print("Nothing was written: this was a dry run.")
        return
    missing = [pack for pack in packs if not target.proved(pack.name)]
    if len(missing) < len(packs):
        print(f"{len(packs) - len(missing):,} of them are there already, from a run that was stopped.")
    write_packs(source, target, store, missing)
    check_complete(listed, [*(known[name] for name in stay), *(pack.entries for pack in packs)])
    names = [*stay, *(pack.name for pack in packs)]
    if packs or len(stay) < len(known):
        target.write_manifest(names)
    target.delete_leftovers([*known, *names])
    print(f"Each of the {len(listed):,} files is in one of {len(names):,} gzip files, exactly once.")
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

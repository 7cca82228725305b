"""The gzip files of a compaction, what each holds, and the proof that it holds it."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.aws import manifest
from infra.aws.object_store import ObjectStore
from infra.aws.s3_object import S3Object
from infra.errors import SourceError

READ = 1 << 20  # bytes of JSON that are unpacked at a time

Entry = tuple[str, str, int]  # key, ETag and size in bytes of a source file


@dataclass(frozen=True)
class Pack:
    """The source files of one gzip file, whose name is their digest."""

    files: tuple[S3Object, ...]

    @property
    def entries(self) -> list[Entry]:
        """What the index says of the files."""
        return [(file.key, file.etag, file.size) for file in self.files]

    @property
    def name(self) -> str:
        """The digest of the entries."""
        return hashlib.sha256(json.dumps(self.entries).encode()).hexdigest()[:32]


class Target:
    """The folder of the gzip files, their indexes and the manifest."""

    def __init__(self, store: ObjectStore, url: str):
        """See what is there. Raises SourceError."""
        self._store, self.url = store, url
        self.manifest = f"{url}songs.manifest"
        self.there = {each.url: each for each in store.list(url)}

    def data(self, name: str) -> str:
        """The URL of a gzip file."""
        return f"{self.url}packs/{name}.json.gz"

    def index(self, name: str) -> str:
        """The URL of what a gzip file holds."""
        return f"{self.url}packs/{name}.index.gz"

    def names(self) -> list[str]:
        """The gzip files that the manifest names. Raises SourceError."""
        if self.manifest not in self.there:
            return []
        entries = manifest.entries(self._store.read_one(self.manifest))
        return [entry.url.rpartition("/")[2].removesuffix(".json.gz") for entry in entries]

    def proved(self, name: str) -> list[Entry]:
        """What a gzip file holds, if it is there as it was when it was compared with what was read; else nothing."""
        data = self.there.get(self.data(name))
        if data is None or self.index(name) not in self.there:
            return []
        index = json.loads(gzip.decompress(self._store.read_small(self.index(name))))
        if (index["etag"], index["size"]) != (data.etag, data.size):
            return []
        return [(key, etag, size) for key, etag, size in index["files"]]

    def write_index(self, pack: Pack, data: S3Object) -> None:
        """Note that a gzip file holds what it should, and which object that is."""
        index = {"etag": data.etag, "size": data.size, "files": pack.entries}
        self._store.write(self.index(pack.name), gzip.compress(json.dumps(index).encode(), mtime=0))

    def write_manifest(self, names: Iterable[str]) -> None:
        """Have the manifest name these gzip files."""
        urls = [self.data(name) for name in names]
        sizes = {each.url: each.size for each in self._store.list(f"{self.url}packs/")}
        entries = [{"url": url, "mandatory": True, "meta": {"content_length": sizes[url]}} for url in urls]
        self._store.write(self.manifest, json.dumps({"entries": entries}, indent=1).encode())

    def delete_leftovers(self, named: Iterable[str]) -> None:
        """Delete what a run that was stopped left; what the last manifest named may still be read by a COPY."""
        keep = {url for name in named for url in (self.data(name), self.index(name))} | {self.manifest}
        for url in sorted(self.there.keys() - keep):
            if url.startswith(f"{self.url}packs/"):
                self._store.delete(url)


def check_written(store: ObjectStore, url: str, pack: Pack, checksums: list[bytes]) -> S3Object:
    """Read a gzip file back and return it as S3 lists it. Raises SourceError unless it holds each file as it was read.

    A checksum is that of a file's contents with the line break at its end, which may have been added.
    """
    written = store.find(url)
    problem = "it is not there"
    if written:
        try:
            problem = _difference(
                unpacked(block for _, blocks in store.read([written]) for block in blocks), pack, checksums
            )
        except zlib.error as error:
            problem = str(error)
    if not written or problem:
        raise SourceError(f"{url} is not what was written ({problem}): the manifest is as it was, run again.")
    return written


def _difference(blocks: Iterator[bytes], pack: Pack, checksums: list[bytes]) -> str:
    """Return the first thing in which contents are not those of a gzip file's source files."""
    text, at = b"", 0
    for file, checksum in zip(pack.files, checksums, strict=True):
        while len(text) - at < file.size + 1 and (block := next(blocks, b"")):
            text, at = text[at:] + block, 0
        end = at + file.size
        end += text[end - 1 : end] != b"\n"  # the line break that was added
        if hashlib.sha256(text[at:end]).digest() != checksum:
            return f"{file.key} differs"
        at = end
    return f"{len(pack.files):,} files and more" if text[at:] or next(blocks, b"") else ""


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip data hold. Raises zlib.error."""
    inflate = zlib.decompressobj(wbits=31)
    for block in blocks:
        while block:
            if data := inflate.decompress(block, READ):
                yield data
            block = inflate.unconsumed_tail
    if not inflate.eof or inflate.unused_data:
        raise zlib.error("it does not end where it should")

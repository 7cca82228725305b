"""The files that a COPY reads: where they are, and why one cannot be read."""

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from infra.aws.manifest import Entry, entries
from infra.aws.s3_object import PART, S3Object, split_url
from infra.config import Settings
from infra.errors import CopyError, is_disk_full
from infra.folders import walk
from infra.local.copy_command.model import CopyStatement, SourceFile

if TYPE_CHECKING:
    from infra.aws.object_store import ObjectStore

BLOCK = 2 << 20  # bytes read at a time
ENTRIES = 10_000  # of a manifest that are looked for at a time
_IN_S3 = re.compile(r"s3://[^/\ud800-\udfff]+/[^\0\ud800-\udfff]+")


class Source:
    """Where a COPY reads: this machine's disk, and S3 as you."""

    def __init__(self, statement: CopyStatement, settings: Settings, stop: threading.Event):
        """`stop` ends every wait for S3."""
        self._statement, self._settings, self._stop = statement, settings, stop
        self._store: ObjectStore | None = None
        self._buckets: set[str] = set()  # seen to be in the COPY's region

    def find(self) -> Iterator[SourceFile]:
        """Yield the files under the statement's source by name; empty ones hold no rows and are left out.

        Raises CopyError where there is none, or the place cannot be read, and SourceError for S3.
        """
        where = self._statement.source
        found = False
        try:
            for file in self._found(where):
                found = True
                if file.size:
                    yield file
        except OSError as error:
            raise CopyError(explain(where, error)) from None
        if not found and self._statement.manifest:
            raise CopyError(f"Manifest {where} names no file that exists.")
        if not found:
            raise CopyError(f"The specified S3 prefix '{where}' does not exist: no file's name begins with it.")

    def _found(self, where: str) -> Iterator[SourceFile]:
        """Yield all files. Raises as `find` does, and OSError."""
        if self._statement.manifest:
            named = self._entries(where)
            while some := list(islice(named, ENTRIES)):
                yield from self._named(some)
        elif where.startswith("s3://"):
            yield from (SourceFile("", each.size, each) for each in self.store(where).list(where))
        elif os.path.isfile(where):
            yield SourceFile(where, os.path.getsize(where))
        else:
            yield from (SourceFile(path, status.st_size) for path, status in walk(where))

    def _entries(self, where: str) -> Iterator[Entry]:
        """Yield the entries of a manifest; one that is on disk may name files on disk. Raises CopyError."""
        try:
            for entry in entries(self.blocks(where)):
                on_disk = not where.startswith("s3://") and os.path.isabs(entry.url) and "\0" not in entry.url
                if not (on_disk or _IN_S3.fullmatch(entry.url)):
                    raise ValueError
                yield entry
        except ValueError:
            raise CopyError(f'Manifest {where} is not of the form {{"entries": [{{"url": "s3://..."}}]}}.') from None

    def _named(self, named: list[Entry]) -> Iterator[SourceFile]:
        """Yield the files of a manifest; one listed twice is loaded twice, one that is missing only if optional.

        S3 is not asked for a file that must be there and whose size, of one part, the manifest says: reading finds out.
        """
        in_s3 = [each for each in named if each.url.startswith("s3://")]
        asked = [each.url for each in in_s3 if not (each.mandatory and 0 < each.size <= PART)]
        found = dict(zip(asked, self.store(asked[0]).find_all(asked), strict=True)) if asked else {}
        for each in named:
            if not each.url.startswith("s3://"):
                if each.mandatory or os.path.exists(each.url):
                    yield SourceFile(each.url, os.path.getsize(each.url))
            elif each.url not in found:
                yield SourceFile("", each.size, S3Object(*split_url(each.url), each.size, ""))
            elif listed := found[each.url]:
                yield SourceFile("", listed.size, listed)
            elif each.mandatory:
                raise CopyError(f"S3ServiceException: {each.url} cannot be read: it does not exist.")

    def read(self, where: str) -> bytes:
        """Return the contents of one small file, such as a jsonpaths file. Raises CopyError and SourceError."""
        return b"".join(self.blocks(where))

    def blocks(self, where: str, size: int = 0) -> Iterator[bytes]:
        """Yield the contents of one file, which is of this `size` if it is known. Raises CopyError and SourceError."""
        try:
            if where.startswith("s3://"):
                yield from self.store(where).read_one(where)
            else:
                with open(where, "rb", buffering=0) as file:  # a small file costs less than a buffer
                    block = file.read(min(BLOCK, size + 1) if size else BLOCK)
                    yield block
                    while len(block) != size and (block := file.read(BLOCK)):  # it is larger, or has changed
                        yield block
        except (OSError, ValueError) as error:
            raise CopyError(explain(where, error)) from None

    def store(self, url: str) -> "ObjectStore":
        """Return S3 for a URL, whose bucket must be in the region that the statement names. Raises CopyError."""
        wanted = self._statement.region or self._settings.region
        if self._store is None:
            from infra.aws.object_store import ObjectStore  # only for those who use AWS
            from infra.aws.session import make_session

            keys = self._statement.keys
            settings = replace(self._settings, aws=keys) if keys.key else self._settings
            self._store = ObjectStore(make_session(settings, wanted), self._stop)
        bucket, _ = split_url(url)
        if bucket not in self._buckets:
            region = self._store.region(bucket)
            if region and region != wanted:
                raise CopyError(
                    f"S3ServiceException: the bucket {bucket} is in {region}, the COPY looked for it in {wanted}: "
                    "say so with REGION."
                )
            self._buckets.add(bucket)
        return self._store


def explain(where: str, error: Exception) -> str:
    """One sentence on why a file on disk cannot be read."""
    if isinstance(error, FileNotFoundError):
        return f"The specified S3 prefix '{printable(error.filename or where)}' does not exist."
    if is_disk_full(error):
        return f"The disk of {where} is full: make room there and run again."
    name = printable(getattr(error, "filename", None) or where)
    return f"{name} cannot be read: {getattr(error, 'strerror', None) or error}."


def printable(name: str) -> str:
    """Return a file's name for a message or a table: bytes that are no UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

"""The files that a COPY reads: where they are, and why one cannot be read."""

import json
import os
import re
import threading
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.aws.object_store import ObjectStore, split_url
from infra.aws.session import make_session
from infra.config import Settings
from infra.errors import CopyError, SourceError, is_disk_full
from infra.local.copy_command.model import CopyStatement, SourceFile


class Source:
    """Where a COPY reads: this machine's disk, and S3 as you; a context manager, for S3 is read in the background."""

    def __init__(self, statement: CopyStatement, settings: Settings, stop: threading.Event):
        """`stop` ends every wait for S3."""
        self._statement, self._settings, self._stop = statement, settings, stop
        self._store: ObjectStore | None = None
        self._buckets: set[str] = set()  # seen to be in the COPY's region

    def __enter__(self) -> "Source":
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what is read in the background."""
        if self._store:
            self._store.__exit__()

    def find(self) -> list[SourceFile]:
        """Return the files under the statement's source by name; empty ones hold no rows and are left out.

        Raises CopyError where there is none, or the place cannot be read.
        """
        where = self._statement.source
        try:
            if self._statement.manifest:
                files = self._manifest_files()
            elif where.startswith("s3://"):
                files = [SourceFile("", each.size, each) for each in self.store(where).list(where)]
            else:
                files = _local_files(where)
        except SourceError as error:
            raise CopyError(f"S3ServiceException: {error}") from None
        except OSError as error:
            raise CopyError(explain(where, error)) from None
        if not files:
            raise CopyError(f"The specified S3 prefix '{where}' does not exist: no file's name begins with it.")
        return [file for file in files if file.size]

    def read(self, where: str) -> bytes:
        """Return the contents of one small file, such as a jsonpaths file. Raises CopyError."""
        try:
            return self.store(where).read_small(where) if where.startswith("s3://") else Path(where).read_bytes()
        except SourceError as error:
            raise CopyError(f"S3ServiceException: {error}") from None
        except (OSError, ValueError) as error:
            raise CopyError(explain(where, error)) from None

    def store(self, url: str) -> ObjectStore:
        """Return S3 for a URL, whose bucket must be in the region that the statement names. Raises CopyError."""
        wanted = self._statement.region or self._settings.region
        if self._store is None:
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

    def _manifest_files(self) -> list[SourceFile]:
        """Return the files of a manifest; one listed twice is loaded twice, one that is missing only if optional."""
        where = self._statement.source
        entries = _manifest_entries(where, self.read(where))
        urls = [url for url, _ in entries if url.startswith("s3://")]
        for url in urls:
            self.store(url)
        found = dict(zip(urls, self._store.find_all(urls), strict=True)) if self._store and urls else {}
        files = []
        for url, mandatory in entries:
            if url not in found:
                files += [SourceFile(url, os.path.getsize(url))] if mandatory or os.path.exists(url) else []
            elif listed := found[url]:
                files.append(SourceFile("", listed.size, listed))
            elif mandatory:
                raise CopyError(f"S3ServiceException: {url} cannot be read: it does not exist.")
        if not files:
            raise CopyError(f"Manifest {where} names no file that exists.")
        return files


def _manifest_entries(where: str, text: bytes) -> list[tuple[str, bool]]:
    """Return URL and `mandatory` of each entry of a manifest; one on disk may name files on disk. Raises CopyError."""
    try:
        entries: list[dict[str, Any]] = json.loads(text)["entries"]
        wanted = [(entry["url"], bool(entry.get("mandatory", False))) for entry in entries]
        in_s3, on_disk = re.compile(r"s3://[^/\ud800-\udfff]+/[^\0\ud800-\udfff]+"), not where.startswith("s3://")
        if not all(in_s3.fullmatch(url) or (on_disk and os.path.isabs(url) and "\0" not in url) for url, _ in wanted):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CopyError(f'Manifest {where} is not of the form {{"entries": [{{"url": "s3://..."}}]}}.') from None
    return wanted


def _local_files(where: str) -> list[SourceFile]:
    """Return a file, or every file below a directory; a directory that links lead to again is read once."""
    if os.path.isfile(where):
        return [SourceFile(where, os.path.getsize(where))]
    found: list[SourceFile] = []
    seen: set[tuple[int, int]] = set()
    folders = deque([where])
    while folders:
        folder = folders.popleft()
        status = os.stat(folder)
        if (identity := (status.st_dev, status.st_ino)) in seen:
            continue
        seen.add(identity)
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir():
                    found.append(SourceFile(entry.path, entry.stat().st_size))
                elif entry.is_symlink():
                    folders.append(entry.path)  # after all that are reached without a link
                else:
                    folders.appendleft(entry.path)
    return sorted(found, key=lambda file: file.name)


def explain(where: str, error: Exception) -> str:
    """One sentence on why a file on disk cannot be read."""
    if isinstance(error, FileNotFoundError):
        return f"The specified S3 prefix '{printable(error.filename or where)}' does not exist."
    if is_disk_full(error):
        return f"The disk of {where} is full: make room there and run again."
    name, reason = getattr(error, "filename", None) or where, getattr(error, "strerror", None) or error
    return f"{printable(name)} cannot be read: {reason}."


def printable(name: str) -> str:
    """Return a file's name for a message or a table: bytes that are no UTF-8 are written as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

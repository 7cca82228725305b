"""Which files of the source a load has to read, and what it writes down for its COPYs: manifests and the ledger's rows.

To be read is what the ledger in the warehouse does not hold just so. Listing and ledger come in the order of their
names and are compared as they come, so that neither is held in memory.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra.config import Settings
from infra.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True)
class SourceFile:
    """A file to load: its path or s3:// URL, its size in bytes, and its ETag or the time of its last change."""

    name: str
    size: int
    version: str


@dataclass
class Comparison:
    """What became of the files of one source since they were loaded."""

    new: list[SourceFile] = field(default_factory=list)  # or changed
    known: int = 0  # loaded just so, or empty
    vanished: list[str] = field(default_factory=list)  # loaded before and not there any more


def compare(files: Iterable[SourceFile], ledger: Iterable[tuple[str, int, str]]) -> Comparison:
    """Compare a listing with the ledger's rows (name, size, version).

    Both come in the order of names; of several rows for one name the last counts.
    """
    result = Comparison()
    latest = (list(rows)[-1] for _, rows in groupby(ledger, key=itemgetter(0)))
    row = next(latest, None)
    for file in files:
        while row and row[0] < file.name:
            result.vanished.append(row[0])
            row = next(latest, None)
        if row == (file.name, file.size, file.version) or not file.size:
            result.known += 1
        else:
            result.new.append(file)
        if row and row[0] == file.name:
            row = next(latest, None)
    result.vanished += [name for name, *_ in [*([row] if row else []), *latest]]
    return result


@dataclass
class Sources:
    """The files of both sources; not `listed` where everything is loaded without a ledger."""

    logs: Comparison = field(default_factory=Comparison)
    songs: Comparison = field(default_factory=Comparison)
    listed: bool = False

    @property
    def new(self) -> list[SourceFile]:
        """All files to load."""
        return self.logs.new + self.songs.new

    @property
    def known(self) -> int:
        """How many files are loaded just so."""
        return self.logs.known + self.songs.known


def work_place(settings: Settings) -> str:
    """Where a load writes for its COPYs: a folder of the embedded warehouse, a cluster's in S3, "" for nowhere."""
    return str(settings.local_path / "work") if settings.embedded else settings.work


def find_sources(connection: Connection, settings: Settings, everything: bool) -> Sources:
    """What is to load: files that are new or changed since the ledger noted them, or `everything`.

    Raises SourceError for a source that cannot be listed or holds nothing.
    """
    if not work_place(settings):
        return Sources()
    found = []
    for source in (settings.log_data, settings.song_data):
        with connection.cursor(name="ledger") as ledger:
            place = source.rpartition("/")[0] + "/" if source.endswith(".manifest") else source
            ledger.execute(sql.loaded_files_select, {"source": place})
            rows = (row for row in ledger if place.endswith(("/", os.sep)) or row[0] == place)
            comparison = compare(list_files(source, settings), [] if everything else rows)
        if not (comparison.new or comparison.known):
            raise SourceError(f"{source} holds no files: correct [S3] in dwh.cfg.")
        found.append(comparison)
    logs, songs = found
    return Sources(logs, songs, listed=True)


def list_files(source: str, settings: Settings) -> Iterator[SourceFile]:
    """The files of a folder, a file, a manifest or an s3:// URL, in the order of their names. Raises SourceError."""
    if source.endswith(".manifest") and source.startswith("s3://"):
        from infra.aws.object_store import list_manifest  # only for those who use AWS

        return (SourceFile(each.url, each.size, each.etag) for each in list_manifest(source, settings))
    return _in_s3(source, settings) if source.startswith("s3://") else _on_disk(Path(source))


def _on_disk(path: Path) -> Iterator[SourceFile]:
    """A file, or the files below a folder."""
    try:
        if path.is_dir():
            yield from _walk(str(path), Path(os.path.realpath(path)), frozenset())
        else:
            status = path.stat()
            yield SourceFile(_text(str(path)), status.st_size, str(status.st_mtime_ns))
    except FileNotFoundError as error:
        raise SourceError(f"{error.filename or path} does not exist: correct [S3] in dwh.cfg.") from None
    except OSError as error:
        raise SourceError(f"{error.filename or path} cannot be read: {error.strerror}.") from None


def _walk(folder: str, root: Path, parents: frozenset[tuple[int, int]]) -> Iterator[SourceFile]:
    """The files below a folder, in the order of their whole names; those that links lead to again come once."""
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in parents:
        return
    with os.scandir(folder) as found:
        entries = [(entry.path + os.sep * entry.is_dir(), entry) for entry in found]
    for path, entry in sorted(entries, key=itemgetter(0)):
        if path.endswith(os.sep):
            if entry.is_symlink() and Path(os.path.realpath(path)).is_relative_to(root):
                continue  # what it leads to is read where it is
            yield from _walk(entry.path, root, parents | {identity})
        else:
            status = entry.stat()
            yield SourceFile(_text(path), status.st_size, str(status.st_mtime_ns))


def _text(path: str) -> str:
    """The path, if it can be written down. Raises SourceError for one that is not UTF-8."""
    if not path.isascii():
        try:
            path.encode()
        except UnicodeEncodeError:
            raise SourceError(f"{os.fsencode(path)!r}: the name of the file is not UTF-8: rename it.") from None
    return path


def _in_s3(url: str, settings: Settings) -> Iterator[SourceFile]:
    """The objects whose key begins with that of the URL."""
    bucket, prefix = _split(url)
    with _s3(settings, f"{url} cannot be listed") as client:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                if not entry["Key"].endswith("/"):
                    yield SourceFile(f"s3://{bucket}/{entry['Key']}", entry["Size"], entry["ETag"].strip('"'))


class WorkFolder:
    """The files of one load that its COPYs read: below [S3] WORK for a cluster, else in the warehouse's own folder."""

    def __init__(self, settings: Settings, load_id: str) -> None:
        """Make the folder, if it is one on disk."""
        self._settings = settings
        self._written: list[str] = []
        self._path = Path(work_place(settings) or tempfile.gettempdir(), load_id)
        self._url = f"{work_place(settings)}{load_id}/" if work_place(settings).startswith("s3://") else ""
        if work_place(settings) and not self._url:
            self._path.mkdir(parents=True, exist_ok=True)

    def write(self, sources: Sources, load_id: str) -> dict[str, str]:
        """Write what a load's COPYs read; where it is, as the statements bind it."""
        if not sources.listed:
            return {}
        return {
            "log_data": self.write_manifest("log_data.manifest", sources.logs.new),
            "song_data": self.write_manifest("song_data.manifest", sources.songs.new),
            "file_list": self.write_ledger("loaded_files.json", sources.new, load_id),
        }

    def write_manifest(self, name: str, files: Iterable[SourceFile]) -> str:
        """Write a COPY's manifest of these files; where it is."""
        entries = ({"url": file.name, "mandatory": True, "meta": {"content_length": file.size}} for file in files)
        return self._write(name, '{"entries": [\n', map(json.dumps, entries), "]}\n", comma=",")

    def write_ledger(self, name: str, files: Iterable[SourceFile], load_id: str) -> str:
        """Write the rows of these files in loaded_files; where they are."""
        now = int(datetime.now(timezone.utc).timestamp() * 1000)
        rows = (
            {"file_name": file.name, "size": file.size, "version": file.version, "load_id": load_id, "loaded_at": now}
            for file in files
        )
        return self._write(name, "", map(json.dumps, rows), "")

    def _write(self, name: str, begin: str, lines: Iterable[str], end: str, comma: str = "") -> str:
        """Write the lines, with a `comma` between two of them; where they are."""
        if not self._url:
            path = self._path / name
            try:
                with path.open("wb") as file:
                    file.writelines(_encoded(begin, lines, end, comma))
            except OSError as error:  # a failed write does not name its file
                raise OSError(error.errno, error.strerror, str(path)) from None
            return str(path)
        with (
            tempfile.TemporaryFile() as file,
            _s3(self._settings, f"{self._url}, below [S3] WORK, cannot be written") as client,
        ):
            file.writelines(_encoded(begin, lines, end, comma))
            file.seek(0)
            client.upload_fileobj(file, *_split(self._url + name))
        self._written.append(name)
        return self._url + name

    def delete(self) -> None:
        """Delete what was written. In S3 it stays where that is not allowed: it is small and belongs to this load."""
        shutil.rmtree(self._path, ignore_errors=True)
        with suppress(SourceError):
            for name in self._written:
                with _s3(self._settings, f"{self._url}, below [S3] WORK, cannot be written") as client:
                    bucket, key = _split(self._url + name)
                    client.delete_object(Bucket=bucket, Key=key)


@contextmanager
def work_folder(settings: Settings, load_id: str) -> Iterator[WorkFolder]:
    """The folder of a load while it runs."""
    folder = WorkFolder(settings, load_id)
    try:
        yield folder
    finally:
        folder.delete()


def _encoded(begin: str, lines: Iterable[str], end: str, comma: str) -> Iterator[bytes]:
    """The bytes of a file."""
    yield begin.encode()
    for number, line in enumerate(lines):
        yield (f"{comma}\n{line}" if number else line).encode()
    yield ("\n" + end).encode()


def _split(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


@contextmanager
def _s3(settings: Settings, failure: str) -> Iterator["S3Client"]:
    """An S3 client. Raises SourceError, `failure` and the reason, for whatever S3 answers."""
    from boto3.exceptions import Boto3Error  # only for those who use AWS
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.aws.client_errors import explain
    from infra.aws.session import make_session

    try:
        yield make_session(settings, settings.region).client("s3")
    except (BotoCoreError, ClientError) as error:
        raise SourceError(f"{failure}: {explain(error)}") from None
    except Boto3Error as error:
        raise SourceError(f"{failure}: {error}") from None

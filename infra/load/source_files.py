"""Which files of the source a load has to read: what the ledger in the warehouse does not hold just so.

Listing and ledger come in the order of their names, are compared as they come, and what is new is written down for the
load's COPYs at once: none of it is held in memory.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra.config import Settings
from infra.database import execute
from infra.errors import SourceError
from infra.folders import walk
from infra.load.work_folder import SourceFile, WorkFolder, work_place

MAPPING = "jsonpaths "  # before the checksum of LOG_JSONPATH in the ledger, whose other rows are files that were loaded


@dataclass
class Comparison:
    """What became of the files of one source since they were loaded."""

    new: int = 0  # or changed
    known: int = 0  # loaded just so, or empty
    vanished: int = 0  # loaded before and not there any more
    gone: str = ""  # the first of those


@dataclass
class Sources:
    """The files of both sources; not `listed` where everything is loaded without a ledger."""

    logs: Comparison = field(default_factory=Comparison)
    songs: Comparison = field(default_factory=Comparison)
    listed: bool = False
    mapping_changed: bool = False  # LOG_JSONPATH, since the load before

    @property
    def new(self) -> int:
        """How many files are to load."""
        return self.logs.new + self.songs.new

    @property
    def known(self) -> int:
        """How many files are loaded just so."""
        return self.logs.known + self.songs.known


def compare(
    files: Iterable[SourceFile], ledger: Iterable[tuple[str, int, str]], result: Comparison
) -> Iterator[SourceFile]:
    """Yield the files of a listing that the ledger's rows (name, size, version) do not hold just so, and count all.

    Both come in the order of names; of several rows for one name the last counts.
    """
    latest = (list(rows)[-1] for _, rows in groupby(ledger, key=itemgetter(0)))
    row = next(latest, None)

    def vanish(name: str) -> None:
        """Count a file that is not there any more."""
        result.vanished += 1
        result.gone = result.gone or name

    for file in files:
        while row and row[0] < file.name:
            vanish(row[0])
            row = next(latest, None)
        if row == (file.name, file.size, file.version) or not file.size:
            result.known += 1
        else:
            result.new += 1
            yield file
        if row and row[0] == file.name:
            row = next(latest, None)
    while row:
        vanish(row[0])
        row = next(latest, None)


def find_sources(connection: Connection, settings: Settings, folder: WorkFolder, everything: bool) -> Sources:
    """Find what is to load, files that are new or changed since the ledger noted them or `everything`, and list it.

    In `folder` there are then a manifest of each source's files, and the ledger's new rows. Raises SourceError for a
    source that cannot be listed or holds nothing.
    """
    if not work_place(settings):
        return Sources()
    sources = Sources(listed=True)
    with folder.open_ledger() as ledger:
        for place, result, name in (
            (settings.log_data, sources.logs, "log_data"),
            (settings.song_data, sources.songs, "song_data"),
        ):
            with connection.cursor(name="ledger") as cursor, folder.open_manifest(name) as manifest:
                beside = place.rpartition("/")[0] + "/" if place.endswith(".manifest") else place
                cursor.execute(sql.loaded_files_select, {"source": beside})
                rows = (row for row in cursor if beside.endswith(("/", os.sep)) or row[0] == beside)
                for file in compare(list_files(place, settings), [] if everything else rows, result):
                    manifest.add(file)
                    ledger.add(file)
            if not (result.new or result.known):
                raise SourceError(f"{place} holds no files: correct [S3] in dwh.cfg.")
        if mapping := find_mapping(settings):
            before = execute(connection, sql.loaded_mapping_select).fetchone()
            sources.mapping_changed = before is not None and before[0] != mapping.version
            if sources.logs.new:
                ledger.add(mapping)
    return sources


def find_mapping(settings: Settings) -> SourceFile | None:
    """The jsonpaths file with the checksum of its contents, None where there is none. Raises SourceError.

    A log file that was read with another one is not what it would be with this one.
    """
    name = settings.log_jsonpath
    if name.startswith("s3://"):
        listed = next(list_files(name, settings), None)
        found = listed if listed and listed.name == name else None
        return found and SourceFile(found.name, found.size, MAPPING + found.version)
    try:
        data = Path(name).read_bytes()
    except OSError:  # COPY says why
        return None
    return SourceFile(name, len(data), MAPPING + hashlib.md5(data, usedforsecurity=False).hexdigest())  # as in S3


def list_files(source: str, settings: Settings) -> Iterator[SourceFile]:
    """The files of a folder, a file, a manifest or an s3:// URL, in the order of their names. Raises SourceError."""
    if not source.startswith("s3://"):
        return _on_disk(Path(source))
    from infra.aws.object_store import ObjectStore, list_manifest  # only for those who use AWS
    from infra.aws.session import make_session

    is_manifest = source.endswith(".manifest")
    store = ObjectStore(make_session(settings, settings.region))
    listed = list_manifest(source, settings) if is_manifest else store.list(source)
    return (SourceFile(each.url, each.size, each.etag) for each in listed)


def _on_disk(path: Path) -> Iterator[SourceFile]:
    """A file, or the files below a folder."""
    try:
        for name, status in walk(str(path)) if path.is_dir() else [(str(path), path.stat())]:
            yield SourceFile(_text(name), status.st_size, str(status.st_mtime_ns))
    except FileNotFoundError as error:
        raise SourceError(f"{error.filename or path} does not exist: correct [S3] in dwh.cfg.") from None
    except OSError as error:
        raise SourceError(f"{error.filename or path} cannot be read: {error.strerror}.") from None


def _text(path: str) -> str:
    """The path, if it can be written down. Raises SourceError for one that is not UTF-8."""
    if not path.isascii():
        try:
            path.encode()
        except UnicodeEncodeError:
            raise SourceError(f"{os.fsencode(path)!r}: the name of the file is not UTF-8: rename it.") from None
    return path

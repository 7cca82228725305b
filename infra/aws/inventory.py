"""The source files of a compaction, and the gzip file each is in: on disk, for there may be hundreds of thousands."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from tempfile import gettempdir

from infra.aws.packs import Entry, Pack
from infra.aws.s3_object import S3Object
from infra.errors import SourceError

_TABLES = """
    CREATE TABLE listed (key TEXT PRIMARY KEY, etag TEXT, size INTEGER) WITHOUT ROWID;
    CREATE TABLE packed (pack TEXT, key TEXT, etag TEXT, size INTEGER);
    CREATE INDEX packed_key ON packed (key);
    CREATE INDEX packed_pack ON packed (pack);
"""


class Inventory:
    """What S3 lists, and what each gzip file holds."""

    def __init__(self, database: sqlite3.Connection, bucket: str):
        """Begin with nothing; `bucket` is that of the source files."""
        self._database, self._bucket = database, bucket

    def add_listed(self, files: Iterable[S3Object]) -> int:
        """Note what S3 lists; return the number of files."""
        rows = ((file.key, file.etag, file.size) for file in files)
        return self._database.executemany("INSERT INTO listed VALUES (?, ?, ?)", rows).rowcount

    def add_pack(self, name: str, entries: list[Entry]) -> None:
        """Note what a gzip file holds."""
        rows = ((name, *entry) for entry in entries)
        self._database.executemany("INSERT INTO packed VALUES (?, ?, ?, ?)", rows)

    def drop_stale(self) -> list[str]:
        """Forget the gzip files with a source file that was changed or is gone; return the names of the others."""
        self._database.execute(
            "DELETE FROM packed WHERE pack IN (SELECT pack FROM packed LEFT JOIN listed USING (key, etag, size)"
            " WHERE listed.key IS NULL)"
        )
        names = self._database.execute("SELECT pack FROM packed GROUP BY pack ORDER BY MIN(rowid)")
        return [name for (name,) in names]

    def find_new(self) -> tuple[int, int]:
        """Find the files that are in no gzip file; return their number and their bytes."""
        self._database.execute(
            "CREATE TABLE new AS SELECT listed.* FROM listed LEFT JOIN packed USING (key, etag, size)"
            " WHERE packed.key IS NULL ORDER BY key"
        )
        [(count, size)] = self._database.execute("SELECT COUNT(*), TOTAL(size) FROM new")
        return count, int(size)

    def new(self) -> Iterator[S3Object]:
        """Yield the files that were found to be new, by key."""
        for row in self._database.execute("SELECT key, etag, size FROM new ORDER BY rowid"):
            yield self._object(row)

    def pack(self, name: str) -> Pack:
        """Return a gzip file with its source files."""
        rows = self._database.execute("SELECT key, etag, size FROM packed WHERE pack = ? ORDER BY rowid", (name,))
        return Pack(tuple(self._object(row) for row in rows.fetchall()))

    def _object(self, row: Entry) -> S3Object:
        """Return a source file."""
        key, etag, size = row
        return S3Object(self._bucket, key, size, etag)

    def find_difference(self) -> str:
        """Return the key of a source file that is not in one gzip file, exactly once, as it is listed; "" if none."""
        found = self._database.execute(
            "SELECT key FROM (SELECT *, 1 AS times FROM listed UNION ALL SELECT key, etag, size, -1 FROM packed)"
            " GROUP BY key, etag, size HAVING SUM(times) <> 0 LIMIT 1"
        ).fetchone()
        return found[0] if found else ""


@contextmanager
def open_inventory(bucket: str) -> Iterator[Inventory]:
    """Keep an inventory in a temporary file of SQLite's. Raises SourceError where that cannot be written."""
    with closing(sqlite3.connect("", check_same_thread=False)) as database:  # files are read ahead in other threads
        try:
            database.executescript(_TABLES)
            yield Inventory(database, bucket)
        except sqlite3.OperationalError as error:
            raise SourceError(
                f"The list of files cannot be kept in {gettempdir()} ({error}): make room there."
            ) from None

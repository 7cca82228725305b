"""What a COPY tells about itself in Redshift's system tables."""

import time
from itertools import islice

from infra.local.copy_command.file_list import FileList
from infra.local.copy_command.files import printable
from infra.local.copy_command.model import Record, RecordError, SourceFile, WarehouseConnection

_KINDS = {"character varying": "varchar", "character": "char", "integer": "int4", "bigint": "int8"}


class LoadLog:
    """What a COPY tells about itself while it runs and after it fails, over a connection of its own.

    Its rows in stl_load_errors and its count survive a rollback; its row in stv_load_state is there while it runs.
    """

    INTERVAL = 0.2  # seconds between two rows of progress at least

    def __init__(self, connection: WarehouseConnection, table: int, files: FileList):
        """Open the connection and announce the COPY; `table` is the table's number in the catalog."""
        self._connection = connection.open_another()
        self._connection.autocommit = True
        self._pid = connection.info.backend_pid
        self._table = table
        self._files = files
        self._last = 0.0
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT nextval('redshift.query_id')")
            [(self.query,)] = cursor.fetchall()
            for name in ("stv_load_state", "last_copy"):  # of processes that were killed
                cursor.execute(
                    f"DELETE FROM redshift.{name} WHERE session NOT IN (SELECT pid FROM pg_stat_get_activity(NULL))"
                )
            cursor.execute(
                """INSERT INTO redshift.last_copy VALUES (%s, %s, 0)
                ON CONFLICT (session) DO UPDATE SET query = excluded.query, rows_loaded = 0""",
                (self._pid, self.query),
            )
            cursor.execute(
                """INSERT INTO redshift.stv_load_state VALUES
                (100, %s, %s, 0, %s, now(), %s, 0, %s, 0, 0, %s, 0, '', 0)""",
                (self._pid, self.query, self._pid, files.size, files.size, files.count),
            )

    def _write(self, query: str, values: tuple[object, ...]) -> None:
        """Run one statement; progress and rejected records come from different threads, so each has its cursor."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)

    def progress(self, files: int, size: int, last: SourceFile) -> None:
        """Note the files and bytes read so far and the last file, now and then."""
        if time.monotonic() - self._last < self.INTERVAL:
            return
        self._last = time.monotonic()
        self._write(
            """UPDATE redshift.stv_load_state SET recordtime = now(), num_files_complete = %s, bytes_loaded = %s,
            bytes_loaded_compressed = %s, current_file = %s, pct_complete = %s WHERE query = %s""",
            (files, size, size, printable(last.name), 100 * files // self._files.count, self.query),
        )

    def note(self, record: Record, fault: RecordError) -> None:
        """Write a rejected record to stl_load_errors."""
        column = fault.column
        self._write(
            """INSERT INTO redshift.stl_load_errors VALUES
            (100, 0, %s, now(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                self._table, self._pid, self.query, printable(record.file), record.line,
                column.name if column else "", _KINDS.get(column.kind, column.kind) if column else "",
                (str(column.length) if "char" in column.kind else "0") if column else "", fault.position,
                _storable(record.text), _storable(fault.value), fault.code, _storable(fault.reason),
            ),
        )  # fmt: skip

    def loaded(self, rows: int) -> None:
        """Note how many rows the COPY has loaded, for pg_last_copy_count()."""
        self._write("UPDATE redshift.last_copy SET rows_loaded = %s WHERE query = %s", (rows, self.query))
        names = (printable(file.name) for file in self._files)
        while some := list(islice(names, 1000)):
            self._write("INSERT INTO redshift.load_files SELECT %s, unnest(%s::text[]), now()", (self.query, some))

    def close(self) -> None:
        """Take the row in stv_load_state back and close the connection."""
        self._write("DELETE FROM redshift.stv_load_state WHERE query = %s", (self.query,))
        self._connection.close()


def _storable(text: str) -> str:
    """The first 1,024 characters without what PostgreSQL cannot store."""
    return text[:1024].encode(errors="replace").decode().replace("\0", "")

"""Watch a COPY from a second session: how far it is, and which records it rejects.

A cluster of nodes has other system tables for this than Redshift Serverless, where those of the nodes are missing, not
to be read, or empty. A view that cannot be read is asked once.
"""

import psycopg2
from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra.database import execute

UNREADABLE = (psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege)


class CopyMonitor:
    """The COPYs of one session as another one, `observer`, sees them; it needs to be in autocommit mode."""

    def __init__(self, observer: Connection, session: int) -> None:
        """`session` is the number of the session that runs the COPYs: its pg_backend_pid()."""
        self._observer = observer
        self._session = session
        self._unreadable: set[str] = set()
        self._newest: dict[str, int] = {}

    def start(self) -> None:
        """Note what the system tables hold before a COPY, so that `rejected_records` tells of the next one alone."""
        self._newest = {query: self._newest_id(query) for query in sql.rejected_records_queries}

    def progress(self) -> str:
        """How far the running COPY is, in words; "" if there is none or nothing to say."""
        for query in sql.copy_progress_queries:
            rows = self._ask(query, {"session": self._session})
            if rows:
                files, all_files, size, all_bytes = (int(number or 0) for number in rows[0])
                if all_files:
                    return f"{files:,} of {all_files:,} files, {size / 1e6:,.1f} of {all_bytes / 1e6:,.1f} MB"
        return ""

    def rejected_records(self) -> list[str]:
        """A line for each record, up to 100, that a COPY has rejected since `start`."""
        for query in sql.rejected_records_queries:
            rows = self._ask(query, {"session": self._session, "after": self._newest.get(query, -1)})
            if rows:
                return [_describe(*row[1:]) for row in rows]
        return []

    def _newest_id(self, query: str) -> int:
        """The newest COPY of the session that has rejected records; -1 if there is none."""
        rows = self._ask(query, {"session": self._session, "after": -1})
        return max((row[0] for row in rows), default=-1)

    def _ask(self, query: str, parameters: dict[str, int]) -> list[tuple]:
        """The rows of a view that may be missing."""
        if query in self._unreadable:
            return []
        try:
            return execute(self._observer, query, parameters).fetchall()
        except UNREADABLE:
            self._unreadable.add(query)
            return []


def _describe(line: int, code: int, value: str | None, file: str, column: str | None, reason: str) -> str:
    """One rejected record in a line."""
    place = f", column {column}" if column else ""
    what = f": {value!r}" if value else ""
    return f"{file}, line {line}{place}{what}: {reason} (error {code})"

"""Which statements ran, for STL_QUERY and SYS_QUERY_HISTORY: written over a connection of its own, as COPY's log is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection as Connection

from infra.local.connection_info import ConnectionInfo, open_plain

NOTE = "SELECT redshift.note_query(%(pid)s, %(label)s, %(verb)s, %(text)s, %(start)s, %(fault)s, %(rows)s)"


class QueryLog:
    """The log of one session; its own connection is opened with the first statement."""

    def __init__(self, info: ConnectionInfo, pid: int):
        """`pid` is the session's."""
        self.label = "default"  # query_group
        self._info, self._pid = info, pid
        self._connection: Connection | None = None

    @contextmanager
    def noted(self, cursor: psycopg2.extensions.cursor, verb: str, text: str) -> Iterator[None]:
        """Note a statement with its times, its rows and its fault, when it has ended."""
        values = {"pid": self._pid, "label": self.label, "verb": verb, "text": text, "start": time.time()}
        fault = None
        try:
            yield
        except BaseException as error:
            fault = str(error).split("\n")[0] or type(error).__name__
            raise
        finally:
            with suppress(psycopg2.Error):  # a server that has just ended; the statement's own error says so
                if self._connection is None:
                    self._connection = open_plain(self._info)
                    self._connection.autocommit = True
                    self._connection.cursor().execute("SET synchronous_commit TO off")
                self._connection.cursor().execute(NOTE, {**values, "fault": fault, "rows": cursor.rowcount})

    def close(self) -> None:
        """Close the log's connection."""
        if self._connection is not None:
            self._connection.close()

"""Run a load's statements and watch them from a second session: how far a COPY is, what it rejects, who is waited for.

A cluster of nodes has other system tables for COPY than Redshift Serverless, where those of the nodes are missing, not
to be read, or empty.
"""

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra import progress
from infra.config import Settings
from infra.database import execute, explain, statement_name, transaction
from infra.errors import LoadError, LockedError, RejectedRecordsError
from infra.load.source_files import Sources
from infra.warehouse import source_region

UNREADABLE = (psycopg2.errors.UndefinedTable, psycopg2.errors.InsufficientPrivilege)

LIMIT = 1800.0  # seconds that a load waits for another one, or for somebody's open transaction
TELL_AFTER, TELL_EVERY = 2.0, 30.0  # seconds


logger = logging.getLogger("etl")  # of the script that prints it


class Views:
    """System views that may be missing, or closed to the user: such a one is asked once."""

    def __init__(self, observer: Connection) -> None:
        """`observer` needs to be in autocommit mode."""
        self._observer = observer
        self._unreadable: set[str] = set()

    def ask(self, query: str, parameters: dict[str, int]) -> list[tuple[Any, ...]]:
        """The rows of a view, none where it cannot be read."""
        if query in self._unreadable:
            return []
        try:
            return execute(self._observer, query, parameters).fetchall()
        except UNREADABLE:
            self._unreadable.add(query)
            return []


class CopyMonitor:
    """The COPYs of one session as another one sees them."""

    def __init__(self, views: Views, session: int) -> None:
        """`session` is the number of the session that runs the COPYs: its pg_backend_pid()."""
        self._views = views
        self._session = session
        self._newest: dict[str, int] = {}

    def start(self) -> None:
        """Note what the system tables hold before a COPY, so that `rejected_records` tells of the next one alone."""
        self._newest = {query: self._newest_id(query) for query in sql.rejected_records_queries}

    def look(self, step: progress.Step) -> None:
        """Tell `step` how far the running COPY is, if anything is known."""
        for query in sql.copy_progress_queries:
            for row in self._views.ask(query, {"session": self._session}):
                files, all_files, size, all_bytes = (int(number or 0) for number in row)
                if all_files:
                    step.update(size / 1e6, all_bytes / 1e6, "MB", f"{files:,}/{all_files:,} files")
                    return

    def rejected_records(self) -> tuple[int, list[str]]:
        """How many records a COPY has rejected since `start`, and a line for each of the first 100."""
        for query in sql.rejected_records_queries:
            rows = self._views.ask(query, {"session": self._session, "after": self._newest.get(query, -1)})
            if rows:
                number, lines = int(rows[0][-1]), [_describe(*row[1:-1]) for row in rows]
                return number, lines + [f"and {number - len(lines):,} more"] * (number > len(lines))
        return 0, []

    def _newest_id(self, query: str) -> int:
        """The newest COPY of the session that has rejected records; -1 if there is none."""
        rows = self._views.ask(query, {"session": self._session, "after": -1})
        return max((row[0] for row in rows), default=-1)


def _describe(line: int, code: int, value: str | None, file: str, column: str | None, reason: str) -> str:
    """One rejected record in a line."""
    place = f", column {column}" if column else ""
    what = f": {value!r}" if value else ""
    return f"{file}, line {line}{place}{what}: {reason} (error {code})"


class LockMonitor:
    """What one session waits for as another one sees it."""

    def __init__(self, views: Views, session: int, limit: float | None = None) -> None:
        """`session` is the number of the session that waits: its pg_backend_pid(); `limit` is in seconds."""
        self._views = views
        self._session = session
        self._limit = LIMIT if limit is None else limit
        self._since: float | None = None
        self._told = 0.0

    def look(self) -> None:
        """Look once, while a statement runs. Raises LockedError when the session has waited for too long."""
        rows = self._views.ask(sql.lock_holders_select, {"session": self._session})
        now = time.monotonic()
        if not rows:
            self._since = None
            return
        if self._since is None:
            self._since, self._told = now, now - TELL_EVERY + TELL_AFTER
        pid, owner, start = rows[0]
        holder = f"session {pid} of {owner}, whose transaction is open since {start:%Y-%m-%d %H:%M:%S} UTC"
        if now - self._since >= self._limit:
            raise LockedError(
                f"Waited {self._limit:.0f} s for {holder}. Run again when it has ended, or end it: "
                f"SELECT pg_terminate_backend({pid})."
            )
        if now - self._told >= TELL_EVERY:
            self._told = now
            with progress.aside("\n"):
                progress.notice(f"Waiting for {holder}: another load, or somebody who uses these tables.")


@dataclass
class LoadResult:
    """What a load did, in rows, for whoever puts it into words."""

    sources: Sources = field(default_factory=Sources)
    staged_events: int = 0
    staged_plays: int = 0  # events of the page NextSong
    staged_songs: int = 0
    new_plays: int = 0
    new_matched: int = 0  # of them with a song
    replaced_plays: int = 0  # of another play with the same key, of which one can be kept
    rematched_plays: int = 0  # older ones, whose song came or changed
    new_users: int = 0
    changed_users: int = 0
    new_songs: int = 0
    changed_songs: int = 0
    new_artists: int = 0
    changed_artists: int = 0
    rejected: int = 0  # records that COPY left out
    garbled_texts: int = 0  # values that look as if they were encoded twice, and one of them
    garbled_example: str = ""
    checks: int = 0  # that passed

    @property
    def known_plays(self) -> int:
        """Staged plays that add no row: they are there, or staged twice."""
        return self.staged_plays - self.new_plays

    @property
    def unchanged_songs(self) -> int:
        """Staged songs that are there just so, or staged twice."""
        return self.staged_songs - self.new_songs - self.changed_songs


NUMBERS = {  # a statement's rows -> what they are in the result
    sql.staging_events_copy: "staged_events",
    sql.staging_songs_copy: "staged_songs",
    sql.songplay_table_insert: "new_plays",
    sql.songplay_table_delete: "replaced_plays",
    sql.songplay_table_match: "rematched_plays",
    sql.user_table_insert: "new_users",
    sql.user_table_update: "changed_users",
    sql.song_table_insert: "new_songs",
    sql.song_table_update: "changed_songs",
    sql.artist_table_insert: "new_artists",
    sql.artist_table_update: "changed_artists",
}
RESULTS = {statement_name(query): number for query, number in NUMBERS.items()}
STAGING_CHECKS, CHECKS = "staging checks", "quality checks"
STEPS = [  # the names of a load's steps, in order
    *map(statement_name, [sql.load_lock, *sql.staging_table_queries, *sql.copy_table_queries]),
    STAGING_CHECKS,
    *map(statement_name, sql.insert_table_queries + sql.analyze_table_queries + sql.change_table_drop_queries),
    CHECKS,
    statement_name(sql.loaded_files_copy),
]


def step_of_load(name: str) -> AbstractContextManager[progress.Step]:
    """Show a step of a load, and its place if it is one that all loads have."""
    return progress.step(name, f"{STEPS.index(name) + 1} of {len(STEPS)}" if name in STEPS else "")


def step_of_checks(checks: list[str], in_load: bool) -> AbstractContextManager[progress.Step]:
    """Show quality checks, in a load with their place."""
    name = STAGING_CHECKS if checks is sql.staging_checks else CHECKS
    return step_of_load(name) if in_load else progress.step(name)


class LoadRun:
    """One load: its connection, the session that watches it, what its statements bind, and what they did."""

    def __init__(self, connection: Connection, observer: Connection, settings: Settings, max_errors: int = 0) -> None:
        """Load around up to `max_errors` bad records per COPY."""
        observer.autocommit = True  # each look sees the newest state
        self.connection, self.settings, self.id = connection, settings, str(uuid.uuid4())
        self.parameters: dict[str, Any] = {
            "load_id": self.id,
            "log_data": settings.log_data,
            "log_jsonpath": settings.log_jsonpath,
            "song_data": settings.song_data,
            "role_arn": settings.role_arn,
            "region": source_region(settings),
            "max_errors": min(max_errors + 1, 100_000) if max_errors else 0,  # Redshift fails at this number of errors
        }
        self.result = LoadResult()
        self.ready = False  # everything is done but the commit
        with transaction(connection):  # of its own: a load sees what is there when its lock is granted
            session = self.count(sql.session_select)
        views = Views(observer)
        self._copies, self._locks = CopyMonitor(views, session), LockMonitor(views, session)

    def count(self, query: str) -> int:
        """The number that a statement selects."""
        row = execute(self.connection, query, self.parameters).fetchone()
        return int(row[0]) if row else 0

    def execute(self, query: str) -> None:
        """Execute one statement, note and log its rows and seconds. Raises LoadError with the reason it failed."""
        self._watched(query, lambda step: self._locks.look(), lambda rows: rows)

    def copy(self, query: str) -> None:
        """The same for a COPY, and note the records that it rejects."""
        name = statement_name(query)
        self._copies.start()
        try:
            self._watched(query, self._copies.look, lambda rows: self.count(sql.last_copy_select))
        except LoadError as error:
            _, records = self._copies.rejected_records()
            if not records:
                raise
            advice = "Correct the files, or load around bad records with --max-errors N."
            raise RejectedRecordsError("\n".join([f"{name}: rejected records:", *records, advice])) from error
        number, records = self._copies.rejected_records()
        self.result.rejected += number
        for record in records:
            logger.warning("%s: rejected and left out: %s", name, record)

    def _watched(self, query: str, look: Callable[[progress.Step], None], rows_of: Callable[[int], int]) -> None:
        """Execute one statement and `look` now and then how it goes; `rows_of` turns the cursor's rows into those."""
        name, start = statement_name(query), time.monotonic()
        try:
            with step_of_load(name) as step:
                rows = rows_of(max(execute(self.connection, query, self.parameters, lambda: look(step)).rowcount, 0))
        except psycopg2.Error as error:
            raise LoadError(f"{name}: {explain(error)}") from error
        if name in RESULTS:
            setattr(self.result, RESULTS[name], rows)
        logger.debug("%-52s %9s rows %6.2f s", name, f"{rows:,}", time.monotonic() - start)

"""A psycopg2 connection to the embedded server whose cursors take Redshift SQL."""

import re
import shutil
import threading
import time
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import fasteners
import psycopg2
from psycopg2.extensions import cursor as PlainCursor

from infra import progress, simulate_data
from infra.config import Settings
from infra.errors import CopyError, LackingError, NotSupportedError, WarehouseError
from infra.local import supervisor, zone_maps
from infra.local.connection_info import ConnectionInfo, open_connection, open_plain
from infra.local.copy_command import load
from infra.local.dialect import lexer, rewrite, translate
from infra.local.query_log import QueryLog

SETTLING = 0.5  # seconds after which a supervisor has noticed that its server has ended
WAL_SEGMENT = 16 << 20  # bytes that PostgreSQL's log grows by
FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, INTERNAL_ERROR = "0A000", "42601", "XX000"


def connect(settings: Settings) -> "RedshiftConnection":
    """A connection to the embedded warehouse of these settings; the first one makes its simulated data.

    Raises WarehouseError.
    """
    with progress.step("Starting the embedded warehouse"):
        info = supervisor.acquire(settings.local_path)
    if settings.simulated:
        _simulate(settings.local_path / "simulated")
    for wait in (SETTLING, 0):
        try:
            return open_connection(info, partial(RedshiftConnection, settings=settings, info=info))
        except psycopg2.OperationalError as error:
            reason = " ".join(str(error).split())
        if "refused" not in reason or not wait:
            break
        time.sleep(wait)  # the server has just ended; whoever uses it next starts it anew
        info = supervisor.acquire(settings.local_path)
    raise WarehouseError(f"The embedded warehouse in {settings.local_path} does not answer: {reason}")


def _simulate(directory: Path) -> None:
    """Make the default simulated data unless they are there whole; what a killed run left is made anew."""
    parts = ("song_data", "log_data", "log_json_path.json")
    try:
        lock = fasteners.InterProcessLock(f"{directory}.lock")
        supervisor.wait_for(lock.acquire, f"{directory} to be made by another run")
        try:
            if not all((directory / part).exists() for part in parts):
                if directory.is_dir():
                    shutil.rmtree(directory)
                simulate_data.simulate(directory)
        finally:
            lock.release()
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        raise WarehouseError(f"The simulated data cannot be made in {directory} ({reason}).") from None


class RedshiftConnection(psycopg2.extensions.connection):
    """psycopg2's connection, with the settings that a COPY on it needs."""

    def __init__(self, dsn: str, async_: int = 0, *, settings: Settings, info: ConnectionInfo) -> None:
        """Connect; `info` is what `dsn` was made of."""
        super().__init__(dsn, async_=async_)
        self.cursor_factory = RedshiftCursor
        self.settings = settings
        self.connection_info = info
        self.cancelled = threading.Event()  # a COPY that waits for S3 is not in the server
        self.query_log = QueryLog(info, self.info.backend_pid)

    def close(self) -> None:
        """Close the connection, and that of its log."""
        self.query_log.close()
        super().close()

    def cancel(self) -> None:
        """Cancel the statement that runs, wherever it is."""
        self.cancelled.set()
        super().cancel()

    def open_another(self) -> psycopg2.extensions.connection:
        """A plain PostgreSQL connection to the same database, for what must survive a rollback here."""
        return open_plain(self.connection_info)

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """psycopg2's cursor of any class (DictCursor, ...), for Redshift SQL; `PlainCursor` alone stays as it is."""
        kind = options.get("cursor_factory") or self.cursor_factory
        if kind is not PlainCursor:
            options["cursor_factory"] = _redshift(kind)
        return super().cursor(*arguments, **options)


@cache
def _redshift(kind: type[PlainCursor]) -> type[PlainCursor]:
    """The cursor class `kind` with Redshift's SQL."""
    return kind if issubclass(kind, RedshiftSQL) else type(f"Redshift{kind.__name__}", (RedshiftSQL, kind), {})


class RedshiftSQL(PlainCursor):
    """Makes a cursor class take Redshift SQL: each statement is translated, run as a COPY, or refused."""

    connection: RedshiftConnection

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run one Redshift statement or several; parameters as in psycopg2. The last one's result is there after."""
        if self.name and (self.withhold or self.scrollable):
            self._fail(FEATURE_NOT_SUPPORTED, "Amazon Redshift has no cursor WITH HOLD or SCROLL.")
        parts = lexer.split(self.mogrify(query, vars).decode(_encoding(self.connection)))
        if len(parts) == 1 or not self.connection.autocommit:
            for part in parts:
                self._execute(part)
            return
        with self.connection.cursor(cursor_factory=PlainCursor) as plain:  # together in one transaction, as one message
            plain.execute("BEGIN")
            try:
                for part in parts:
                    self._execute(part)
            except psycopg2.Error:
                plain.execute("ROLLBACK")
                raise
            plain.execute("COMMIT")

    def _execute(self, text: str) -> None:
        """Run one statement."""
        try:
            statement = translate.translate(text)
            if statement.tables:
                statement = translate.translate(text, self._columns(statement.tables))
        except NotSupportedError as error:
            self._fail(FEATURE_NOT_SUPPORTED if isinstance(error, LackingError) else SYNTAX_ERROR, str(error))
        with self.connection.query_log.noted(self, statement.verb, text):
            try:
                self._run(statement, text)
            except psycopg2.OperationalError as error:
                place = self.connection.settings.local_path  # a server that cannot write its log ends at once
                if self.connection.closed and shutil.disk_usage(place).free < WAL_SEGMENT:
                    raise psycopg2.errors.DiskFull("No space left on device") from error
                raise

    def _run(self, statement: translate.Statement, text: str) -> None:
        """Run a translated statement of this text."""
        if statement.verb == "COPY":
            try:
                load.run(self.connection, statement.sql)
            except CopyError as error:
                self._fail(INTERNAL_ERROR, str(error))
            return
        try:
            needless = statement.verb == "ANALYZE" and self._is_needless(statement)
            if not needless:
                super().execute(statement.sql)
        except psycopg2.errors.CheckViolation as error:  # the only CHECKs are ours
            message = rewrite.explain_length_check(error.diag.constraint_name or "")
            raise psycopg2.errors.StringDataRightTruncation(message) from None
        except psycopg2.errors.GeneratedAlways:
            raise psycopg2.errors.GeneratedAlways("cannot set an identity column to a value") from None
        except psycopg2.errors.UndefinedFunction as error:  # nothing is named that nobody wrote
            name = re.match(r"function ([\w.]+)(\(.*\))", error.diag.message_primary or "")
            if name is None or name[1] in text.lower():
                raise
            message = f"a function of this statement does not take arguments of these types: {name[2]}"
            raise psycopg2.errors.UndefinedFunction(message) from None
        if statement.verb in ("SET", "RESET"):
            with self.connection.cursor(cursor_factory=PlainCursor) as plain:
                plain.execute("SELECT current_setting('redshift.query_group')")
                self.connection.query_log.label = plain.fetchall()[0][0].replace("unset", "default")
        if statement.verb == "TRUNCATE":
            self.connection.commit()
        elif statement.sorted_by or statement.verb == "ANALYZE":
            with self.connection.cursor(cursor_factory=PlainCursor) as plain:
                zone_maps.follow(plain, statement, needless)

    def _is_needless(self, statement: translate.Statement) -> bool:
        """Whether this ANALYZE is one that Redshift leaves out."""
        with self.connection.cursor(cursor_factory=PlainCursor) as plain:
            return zone_maps.is_needless(plain, statement)

    def _columns(self, tables: tuple[str, ...]) -> translate.TableColumns:
        """The columns of these tables and their types, of those that there are."""
        with self.connection.cursor(cursor_factory=PlainCursor) as plain:
            plain.execute("SELECT name, names, types FROM redshift.columns_of(%s)", (list(tables),))
            return tuple((name, tuple(zip(names, types, strict=True))) for name, names, types in plain.fetchall())

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        """Run the statement once for each of `vars_list`."""
        for values in vars_list:
            self.execute(query, values)

    def _not_in_redshift(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse what reaches PostgreSQL past `execute` and has no counterpart in Redshift."""
        self._fail(FEATURE_NOT_SUPPORTED, "Amazon Redshift has no COPY FROM STDIN, COPY TO STDOUT or callproc.")

    copy_expert = copy_from = copy_to = callproc = _not_in_redshift

    def _fail(self, code: str, message: str) -> NoReturn:
        """Raise `message` from the server, so that the transaction ends up aborted as it would on Redshift."""
        with self.connection.cursor(cursor_factory=PlainCursor) as plain:
            statement = plain.mogrify("BEGIN RAISE EXCEPTION USING MESSAGE = %s, ERRCODE = %s; END", (message, code))
            plain.execute("DO %s", (statement.decode(_encoding(self.connection)),))
        raise AssertionError(message)  # the server raises it before


class RedshiftCursor(RedshiftSQL):
    """psycopg2's own cursor for Redshift SQL."""


def _encoding(connection: psycopg2.extensions.connection) -> str:
    """Python's name of a connection's encoding."""
    return psycopg2.extensions.encodings[connection.encoding]

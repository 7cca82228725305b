"""A psycopg2 connection to the embedded server whose cursors take Redshift SQL."""

import shutil
from functools import cache, partial
from pathlib import Path
from typing import Any

import fasteners
import psycopg2
from psycopg2.extensions import cursor as PlainCursor
from psycopg2.sql import SQL, Composable, Composed

from infra import simulate_data
from infra.config import Settings
from infra.errors import CopyError, NotSupportedError, WarehouseError
from infra.local import supervisor
from infra.local.connection_info import ConnectionInfo, open_connection, open_plain
from infra.local.copy_command import load
from infra.local.dialect import translate

FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, INTERNAL_ERROR = "0A000", "42601", "XX000"


def connect(settings: Settings) -> "RedshiftConnection":
    """A connection to the embedded warehouse of these settings; the first one makes its simulated data.

    Raises WarehouseError.
    """
    info = supervisor.acquire(settings.local_path)
    if settings.simulated:
        _simulate(settings.local_path / "simulated")
    try:
        return open_connection(info, partial(RedshiftConnection, settings=settings, info=info))
    except psycopg2.OperationalError as error:
        reason = " ".join(str(error).split())
        raise WarehouseError(f"The embedded warehouse in {settings.local_path} does not answer: {reason}") from None


def _simulate(directory: Path) -> None:
    """Make the default simulated data unless they are there whole; what a killed run left is made anew."""
    parts = ("song_data", "log_data", "log_json_path.json")
    try:
        with fasteners.InterProcessLock(f"{directory}.lock"):
            if not all((directory / part).exists() for part in parts):
                if directory.is_dir():
                    shutil.rmtree(directory)
                simulate_data.simulate(directory)
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


class RedshiftSQL:
    """Makes a cursor class take Redshift SQL: each statement is translated, run as the stand-in's COPY, or refused."""

    def execute(self, query, vars=None):
        """Run one Redshift statement; parameters as in psycopg2."""
        if "\\" in _written(query):
            message = "The stand-in does not cover a backslash in a statement, an escape in Redshift: bind the value."
            self._fail(SYNTAX_ERROR, message)
        if self.name and (self.withhold or self.scrollable):
            self._fail(FEATURE_NOT_SUPPORTED, "Amazon Redshift has no cursor WITH HOLD or SCROLL.")
        text = self.mogrify(query, vars).decode(psycopg2.extensions.encodings[self.connection.encoding])
        try:
            statement = translate.translate(text)
        except NotSupportedError as error:
            self._fail(FEATURE_NOT_SUPPORTED if error.lacking else SYNTAX_ERROR, str(error))
        if statement.verb == "COPY":
            try:
                load.run(self.connection, statement.sql)
            except CopyError as error:
                self._fail(INTERNAL_ERROR, str(error))
            return
        try:
            super().execute(statement.sql)
        except psycopg2.errors.CheckViolation as error:  # the only CHECKs are ours, named in rewrite.py
            kind, length, _ = error.diag.constraint_name.split("_")
            message = f"value too long for type character varying({length})"
            if kind == "char":
                message = f"Multibyte character not supported for CHAR {length}: use VARCHAR"
            raise psycopg2.errors.StringDataRightTruncation(message) from None
        if statement.verb == "TRUNCATE":
            self.connection.commit()

    def executemany(self, query, vars_list):
        """Run the statement once for each of `vars_list`."""
        for values in vars_list:
            self.execute(query, values)

    def _not_in_redshift(self, *_, **__):
        """Refuse what reaches PostgreSQL past `execute` and has no counterpart in Redshift."""
        self._fail(FEATURE_NOT_SUPPORTED, "Amazon Redshift has no COPY FROM STDIN, COPY TO STDOUT or callproc.")

    copy_expert = copy_from = copy_to = callproc = _not_in_redshift

    def _fail(self, code: str, message: str):
        """Raise `message` from the server, so that the transaction ends up aborted as it would on Redshift."""
        with self.connection.cursor(cursor_factory=PlainCursor) as plain:
            statement = plain.mogrify("BEGIN RAISE EXCEPTION USING MESSAGE = %s, ERRCODE = %s; END", (message, code))
            plain.execute("DO %s", (statement.decode(psycopg2.extensions.encodings[self.connection.encoding]),))


class RedshiftCursor(RedshiftSQL, PlainCursor):
    """psycopg2's own cursor for Redshift SQL."""


def _written(query: str | bytes | Composable) -> str:
    """What the programmer wrote of a query, without values (execute_values hands over bytes that hold them)."""
    if isinstance(query, Composed):
        return "".join(_written(part) for part in query)
    if isinstance(query, SQL):
        return query.string
    return query if isinstance(query, str) else ""

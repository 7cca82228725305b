"""A psycopg2 connection to the embedded server whose cursors take Redshift SQL."""

import shutil
from pathlib import Path

import fasteners
import psycopg2
from psycopg2.extensions import cursor as PlainCursor

from infra import simulate_data
from infra.config import Settings
from infra.local import copy_load, dialect, keeper
from infra.local.copy_statement import CopyError
from infra.local.server import ServerError
from infra.warehouse import WarehouseError

FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, INTERNAL_ERROR = "0A000", "42601", "XX000"


def connect(settings: Settings) -> psycopg2.extensions.connection:
    """A connection to the embedded warehouse of these settings; the first one makes its simulated data.

    Raises WarehouseError.
    """
    try:
        reach = keeper.acquire(settings.local_path)
        if settings.simulated:
            _simulate(settings.local_path / "simulated")
        connection = psycopg2.connect(
            **reach, application_name="sparkify", connection_factory=RedshiftConnection, cursor_factory=RedshiftCursor
        )
    except ServerError as error:
        raise WarehouseError(str(error)) from None
    except psycopg2.OperationalError as error:
        reason = " ".join(str(error).split())
        raise WarehouseError(f"The embedded warehouse in {settings.local_path} does not answer: {reason}") from None
    connection.settings = settings
    connection.reach = reach
    return connection


def _simulate(directory: Path) -> None:
    """Make the default simulated data unless they are there whole; what a killed run left is made anew."""
    parts = ("song_data", "log_data", "log_json_path.json")
    with fasteners.InterProcessLock(f"{directory}.lock"):
        if not all((directory / part).exists() for part in parts):
            shutil.rmtree(directory, ignore_errors=True)
            simulate_data.simulate(directory)


class RedshiftConnection(psycopg2.extensions.connection):
    """psycopg2's connection, with the settings and address that a COPY on it needs."""

    settings: Settings
    reach: dict[str, str | int]


class RedshiftCursor(PlainCursor):
    """psycopg2's cursor for Redshift SQL: each statement is translated, run by the stand-in's COPY, or refused."""

    def execute(self, query, vars=None):
        """Run one Redshift statement; parameters as in psycopg2."""
        text = self.mogrify(query, vars).decode(psycopg2.extensions.encodings[self.connection.encoding])
        try:
            statement = dialect.translate(text)
        except dialect.Refused as error:
            self._fail(FEATURE_NOT_SUPPORTED if error.lacking else SYNTAX_ERROR, str(error))
        if statement.verb == "COPY":
            try:
                copy_load.run(self.connection, statement.sql)
            except CopyError as error:
                self._fail(INTERNAL_ERROR, str(error))
            return
        try:
            super().execute(statement.sql)
        except psycopg2.errors.CheckViolation as error:  # the only CHECKs are ours: VARCHAR(n) counts bytes
            length = error.diag.constraint_name.split("_")[1]
            message = f"value too long for type character varying({length})"
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
        quoted = psycopg2.extensions.QuotedString(message)
        quoted.encoding = psycopg2.extensions.encodings[self.connection.encoding]
        literal = quoted.getquoted().decode()
        body = f"BEGIN RAISE EXCEPTION USING MESSAGE = {literal}, ERRCODE = '{code}'; END"
        super().execute(f"DO $stand_in${body}$stand_in$")

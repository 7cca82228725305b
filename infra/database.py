"""Run a statement so that it can be watched and interrupted, and say in one sentence what went wrong."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from infra.errors import Interrupted, OutcomeUnknownError, same_config
from infra.progress import notice

CLIENT_LINES = (  # what libpq and psycopg2 add where a connection is lost
    "server closed the connection unexpectedly",
    "This probably means the server terminated abnormally",
    "before or while processing the request",
    "connection already closed",
)
Parameters = Mapping[str, Any] | None  # what a statement binds, by name
TICK = 0.5  # seconds between two looks at a running statement
PATIENCE = 5.0  # seconds that a server may take to cancel one before the user is told

PHRASES = {  # of Redshift, for which it has no code of its own
    "disk full": psycopg2.errors.DiskFull,
    "isolation violation": psycopg2.errors.SerializationFailure,
}


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit at the end, or roll back for an error; a lost connection does not hide the error that tells of it."""
    with _rolled_back_for_an_error(connection):
        yield
    connection.commit()


@contextmanager
def change(connection: Connection) -> Iterator[None]:
    """A transaction after which the user is told that something was changed, or that nothing was.

    Raises OutcomeUnknownError where the answer to the commit is lost, and Interrupted for Ctrl-C that comes too late.
    """
    with _rolled_back_for_an_error(connection):
        yield
    try:
        connection.commit()
    except psycopg2.Error as error:
        if connection.closed:
            raise unknown_outcome(explain(error)) from error
        raise
    except KeyboardInterrupt:
        if connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            raise Interrupted("interrupted, but what was under way is complete.") from None
        raise


@contextmanager
def _rolled_back_for_an_error(connection: Connection) -> Iterator[None]:
    """Roll back for whatever is raised, and let it through."""
    try:
        yield
    except BaseException:
        with suppress(psycopg2.Error):
            connection.rollback()
        raise


def unknown_outcome(reason: str) -> OutcomeUnknownError:
    """The error of a commit whose answer was lost."""
    return OutcomeUnknownError(
        f"{reason} The answer to the commit was lost, and nobody can say whether it is complete. "
        "Run the same again: it repeats safely."
    )


def execute(
    connection: Connection, query: str, parameters: Parameters = None, watch: Callable[[], None] | None = None
) -> Cursor:
    """Execute on a new cursor and return it; `watch()` is called twice a second meanwhile.

    The statement runs in a thread, for libpq would not notice Ctrl-C before it ends. KeyboardInterrupt cancels the
    statement on the server, waits until it has ended there, and is raised then; a second one breaks the connection.
    """
    cursor = connection.cursor()
    failure: list[BaseException] = []

    def run() -> None:
        """Execute, and keep the error for the waiting thread."""
        try:
            cursor.execute(query, parameters)
        except BaseException as error:  # re-raised below, in the thread that asked
            failure.append(error)
        finally:
            ended.set()

    ended = threading.Event()  # Thread.join takes a thread for dead when Ctrl-C interrupts it, up to Python 3.12
    threading.Thread(target=run, daemon=True).start()
    try:
        while not ended.wait(TICK):
            if watch:
                watch()
    except BaseException:  # Ctrl-C, or a fault of watch(): the statement must not go on alone
        _end(connection, ended)
        raise
    if failure:
        raise failure[0]
    return cursor


def _end(connection: Connection, ended: threading.Event) -> None:
    """Cancel what runs on the connection until it has `ended`; where Ctrl-C comes again, break the connection.

    Cancelled again and again: between two commands of the embedded COPY it hits nothing. In threads, for it waits
    for a server that is out of reach.
    """

    def cancel() -> None:
        """Ask the server once."""
        with suppress(psycopg2.Error):
            connection.cancel()

    canceller, begin, told = None, time.monotonic(), False
    while not ended.is_set():
        try:
            if canceller is None or not canceller.is_alive():
                canceller = threading.Thread(target=cancel, daemon=True)
                canceller.start()
            ended.wait(TICK)
            if not told and time.monotonic() - begin > PATIENCE:
                notice("The server has not ended the statement yet. Press Ctrl-C again to break the connection.")
                told = True
        except KeyboardInterrupt:
            _break(connection)


def _break(connection: Connection) -> None:
    """Break a connection off, also while another thread waits on it: that one gets an error."""
    with suppress(OSError, psycopg2.Error):  # it is broken or closed already
        line = socket.socket(fileno=connection.fileno())
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.detach()  # it stays the connection's own


def select_one(connection: Connection, query: str, parameters: Parameters = None) -> dict[str, Any]:
    """The only row that a statement selects, by column."""
    cursor = execute(connection, query, parameters)
    names = [column.name for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def statement_name(query: str) -> str:
    """The name of a statement: its first line, a comment such as `-- songplays: add new plays`."""
    return query.strip().partition("\n")[0].removeprefix("-- ")


def explain(error: psycopg2.Error) -> str:
    """The server's message in one line, and what to do about it where that is known."""
    primary = error.diag.message_primary or ""
    if primary.strip().isdecimal():  # Redshift's 1018, 1020 and 1023 say in DETAIL what happened
        detail, number = (error.diag.message_detail or "").strip().rstrip("."), f"error {primary.strip()}"
        primary = f"{detail} ({number})" if detail else number
    message = " ".join((primary or _own_words(error)).split()).rstrip(".") + "."
    named = {kind for phrase, kind in PHRASES.items() if phrase in f"{error}".lower()}
    hints = [hint for kind, hint in _hints().items() if isinstance(error, kind) or kind in named]
    return " ".join([message, *hints])


def _hints() -> dict[type[psycopg2.Error], str]:
    """What to do about an error of the server."""
    return {
        psycopg2.errors.UndefinedTable: f"Run create_tables.py{same_config()} first.",
        psycopg2.errors.UndefinedColumn: (
            f"The tables are of another version: run create_tables.py{same_config()}, which empties them."
        ),
        psycopg2.errors.DiskFull: "The disk of the warehouse is full: make room there and run again.",
        psycopg2.errors.SerializationFailure: "Another load changed the same rows: run again.",
        psycopg2.errors.InsufficientPrivilege: "Ask the owner of the tables for the right to do this.",
    }


def _own_words(error: psycopg2.Error) -> str:
    """What is known of a lost connection: the server's last words without those that the client adds to them."""
    lines = [re.sub(r"^(FATAL|ERROR|PANIC): +", "", line.strip()) for line in str(error).splitlines()]
    own = [line for line in lines if line and not line.startswith(CLIENT_LINES)]
    return "; ".join(own) or "The server closed the connection unexpectedly"

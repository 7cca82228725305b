"""How to reach the embedded server, and a plain connection to it that nothing in the environment bends."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict, TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection

from infra.progress import notice

PATIENCE = 300.0  # seconds that a recovery from a crash may take
ANSWER = 30  # seconds after which a server that says nothing is taken to hang
SILENT = 5.0  # seconds of waiting before a sentence says so
CRASHED = (  # what libpq says while a server goes through a crash
    "the database system is",  # starting up, in recovery mode, not yet accepting connections, shutting down
    "server closed the connection unexpectedly",
)

_environment = threading.Lock()
One = TypeVar("One", bound=Connection)


class ConnectionInfo(TypedDict):
    """The arguments of psycopg2.connect."""

    host: str
    port: int
    user: str
    password: str
    dbname: str


@contextmanager
def _without_libpq_variables() -> Iterator[None]:
    """Hide PGSERVICE, PGOPTIONS, PGSSLMODE and the rest, which are meant for other servers, from libpq."""
    with _environment:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
        try:
            yield
        finally:
            os.environ.update(hidden)


def open_plain(info: ConnectionInfo) -> Connection:
    """A connection that speaks PostgreSQL's SQL. Raises psycopg2.OperationalError."""
    return open_connection(info, Connection)


def open_connection(info: ConnectionInfo, factory: Callable[..., One]) -> One:
    """Connect; while the server recovers from a crash, wait. Raises psycopg2.OperationalError."""
    begin = time.monotonic()
    said = False
    while True:
        try:
            with _without_libpq_variables():
                connection: One = psycopg2.connect(
                    **info, connection_factory=factory, application_name="sparkify", sslmode="disable",
                    gssencmode="disable", connect_timeout=ANSWER,
                )  # fmt: skip
            return connection
        except psycopg2.OperationalError as error:
            waited = time.monotonic() - begin
            if not any(phrase in str(error) for phrase in CRASHED) or waited > PATIENCE:
                raise
        if waited > SILENT and not said:
            notice("The embedded PostgreSQL recovers from a crash; waiting for it.")
            said = True
        time.sleep(0.1)

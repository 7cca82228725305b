"""What became of a load that was interrupted or lost its connection: the warehouse is asked, so that nobody guesses."""

import logging
import time
from contextlib import closing

import psycopg2

import sql_queries as sql
from infra import progress
from infra.database import execute, explain, select_one, transaction, unknown_outcome
from infra.errors import DatabaseError, Interrupted, SparkifyError, same_config
from infra.load.copy_monitor import LoadRun, LockMonitor, Views
from infra.warehouse import connect

PATIENCE, PAUSE = 60.0, 3.0  # seconds that a warehouse has to come back, and between two tries

logger = logging.getLogger("etl")  # of the script that prints it


def settle(run: LoadRun, error: KeyboardInterrupt | psycopg2.Error) -> None:
    """Return, with a warning, if the load is complete all the same; else raise an error that says how it ended."""
    run.connection.close()  # it may still hold the lock that is asked for below
    if isinstance(error, KeyboardInterrupt):
        if not (run.ready and _is_committed(run, "interrupted.")):
            raise Interrupted(f"interrupted. The star schema is as it was; run etl.py{same_config()} again.") from None
        logger.warning("Interrupted, but the load was complete.")
        return
    if not run.ready:
        raise error
    reason = explain(error)
    if not _is_committed(run, reason):
        raise DatabaseError(f"{reason} The load was not committed: run etl.py{same_config()} again.") from None
    logger.warning("The load is complete. Then the connection was lost: %s", reason)


def _is_committed(run: LoadRun, reason: str) -> bool:
    """Whether a load is there that was ready for its commit. Raises OutcomeUnknownError if the warehouse cannot say."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with progress.step("Asking the warehouse whether the load is complete"):
                return _ask(run)
        except KeyboardInterrupt:
            break
        except (SparkifyError, psycopg2.Error):
            if time.monotonic() + PAUSE > end:
                break
        time.sleep(PAUSE)
    raise unknown_outcome(reason)


def _ask(run: LoadRun) -> bool:
    """Look for the load's rows in the ledger, on a new connection.

    The session that was lost may still be at its commit. It holds the lock of all loads until that has ended, so this
    waits for the lock first.
    """
    with closing(connect(run.settings)) as connection, closing(connect(run.settings)) as observer:
        observer.autocommit = True
        with transaction(connection):
            session = select_one(connection, sql.session_select)["session_pid"]
        with transaction(connection):
            execute(connection, sql.load_lock, watch=LockMonitor(Views(observer), session, limit=PATIENCE).look)
            return bool(select_one(connection, sql.load_select, {"load_id": run.id})["files"])

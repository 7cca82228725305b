"""Load the Sparkify warehouse: COPY the logs and songs into staging, then add what is new to the star schema.

A load adds to what is there and can be repeated: loading the same files again changes nothing. The star schema is
changed in one transaction, after its quality checks have passed, or not at all.
"""

import argparse
import logging
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra import cli
from infra.config import Settings, load_settings
from infra.copy_monitor import CopyMonitor
from infra.database import ProgressLine, execute, explain, select_one, statement_name, transaction
from infra.errors import Interrupted, LoadError, QualityError, RejectedRecordsError
from infra.warehouse import connect, source_region
from notebooks.answers import answer_all
from notebooks.report import as_text

logger = logging.getLogger(__name__)


def run(
    connection: Connection, query: str, parameters: dict[str, object] | None = None, watch: Callable | None = None
) -> None:
    """Execute one statement of the load and log its rows and seconds. Raises LoadError with the reason it failed."""
    start = time.monotonic()
    name = statement_name(query)
    try:
        cursor = execute(connection, query, parameters, watch)
        rows = cursor.rowcount
        if query in (sql.staging_events_copy, sql.staging_songs_copy):
            rows = execute(connection, sql.last_copy_select).fetchone()[0]
    except psycopg2.Error as error:
        raise LoadError(f"{name}: {explain(error)}") from error
    logger.info("%-48s %11s rows %8.2f s", name, f"{max(rows, 0):,}", time.monotonic() - start)


def copy(connection: Connection, query: str, parameters: dict[str, object], monitor: CopyMonitor) -> None:
    """Run a COPY, show how far it is, and tell of the records that it rejects. Raises LoadError."""
    name = statement_name(query)
    line = ProgressLine(logger.isEnabledFor(logging.INFO))
    monitor.start()
    try:
        run(connection, query, parameters, lambda: line.show(name, monitor.progress()))
    except LoadError as error:
        records = monitor.rejected_records()
        if not records:
            raise
        advice = "Correct the files, or load around bad records with --max-errors N."
        raise RejectedRecordsError("\n".join([f"{name}: rejected records:", *records, advice])) from error
    finally:
        line.clear()
    for record in monitor.rejected_records():
        logger.warning("%s: rejected and left out: %s", name, record)


def load_staging_tables(connection: Connection, settings: Settings, max_errors: int, load_id: str) -> None:
    """Replace the staging tables by what the files hold, in one transaction, and mark them as this load's.

    Raises LoadError; both tables are as they were then.
    """
    parameters = {
        "log_data": settings.log_data,
        "log_jsonpath": settings.log_jsonpath,
        "song_data": settings.song_data,
        "role_arn": settings.role_arn,
        "region": source_region(settings),
        "max_errors": min(max_errors + 1, 100_000) if max_errors else 0,  # Redshift fails at this number of errors
    }
    with closing(connect(settings)) as observer, transaction(connection):
        observer.autocommit = True  # each look sees the newest state
        run(connection, sql.staging_lock)
        monitor = CopyMonitor(observer, execute(connection, sql.session_select).fetchone()[0])
        run(connection, sql.staging_events_delete)
        copy(connection, sql.staging_events_copy, parameters, monitor)
        run(connection, sql.staging_songs_delete)
        copy(connection, sql.staging_songs_copy, parameters, monitor)
        execute(connection, sql.staging_mark, {"load_id": load_id})


def insert_tables(connection: Connection, load_id: str | None) -> None:
    """Bring the staged rows into the star schema and check it, in one transaction.

    `load_id` is the mark that the staging tables must carry, None for whatever is staged. Raises LoadError; the star
    schema is as it was then, and what is staged stays.
    """
    with transaction(connection):
        run(connection, sql.staging_lock)
        if load_id is not None:
            marks = [mark for (mark,) in execute(connection, sql.staging_mark_select).fetchall()]
            if load_id not in marks:
                raise LoadError("Another load replaced the staging tables before this one could use them. Run again.")
        for query in sql.insert_table_queries + sql.analyze_table_queries:
            run(connection, query)
        check_quality(connection)


def row_counts(connection: Connection) -> dict[str, int]:
    """The number of rows of each table."""
    with transaction(connection):
        return select_one(connection, sql.row_counts_select)


def check_quality(connection: Connection) -> None:
    """Run the quality checks. Raises LoadError that lists each failed one with the first of its offending rows."""
    start = time.monotonic()
    failed = []
    for query in sql.quality_checks:
        cursor = execute(connection, query)
        columns = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            values = ", ".join(f"{column}={value}" for column, value in zip(columns, row, strict=True))
            failed.append(f"{statement_name(query)}: but {values}")
    if failed:
        failures = "\n".join(failed)
        raise QualityError(f"Quality checks failed, so the star schema stays as it was:\n{failures}")
    logger.info("%-48s %11s passed %6.2f s", "quality checks", len(sql.quality_checks), time.monotonic() - start)


class Printer(logging.StreamHandler):
    """Prints what is logged. Whoever reads the output may stop doing so: the load goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Let a line go that nobody reads."""


def not_negative(text: str) -> int:
    """A number of records for argparse."""
    if not text.isdecimal() or int(text) > 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100000")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """Run a load or a report. Exit code 0, 1 if it failed and the star schema is as before, 2 for usage or dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--skip-copy", action="store_true", help="use what is staged already")
    parser.add_argument(
        "--max-errors",
        metavar="N",
        type=not_negative,
        default=0,
        help="load around up to N bad records per COPY and list them (default: 0, at most 100000)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--report", action="store_true", help="load nothing: print what analysts ask of the plays that are loaded"
    )
    options = parser.parse_args(argv)
    if options.report and (options.skip_copy or options.max_errors or options.quiet):
        parser.error("--report loads nothing, so it goes with --config only")
    logging.basicConfig(level=logging.ERROR, format="%(message)s", handlers=[Printer(sys.stdout)])
    logger.setLevel(logging.WARNING if options.quiet else logging.INFO)  # ours alone: boto3 has much to tell
    return cli.run("etl", lambda: report(options.config) if options.report else load(options))


def report(config: str | None) -> int:
    """Print the analysts' answers."""
    settings = load_settings(config)
    logger.info(settings.describe())
    print(*map(as_text, answer_all(settings)), sep="\n\n")
    return 0


def load(options: argparse.Namespace) -> int:
    """Run a load and say what it did."""
    outcome = "The star schema is as it was; run etl.py again."
    try:
        settings = load_settings(options.config)
        logger.info(settings.describe())
        with closing(connect(settings)) as connection:
            before = row_counts(connection)  # and that the tables are there, before a long COPY
            load_id = None if options.skip_copy else f"staged by load {uuid.uuid4()}"
            if load_id:
                load_staging_tables(connection, settings, options.max_errors, load_id)
            insert_tables(connection, load_id)
            outcome = "The load was complete."
            after = row_counts(connection)
        logger.info("%-20s %12s %12s", "rows", "before", "after")
        for name, count in before.items():
            logger.info("%-20s %12s %12s", name.replace("_matched", ", matched"), f"{count:,}", f"{after[name]:,}")
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted. {outcome}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())

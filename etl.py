"""Load the Sparkify warehouse: COPY new log and song files into staging, then add what is new to the star schema.

A load is one transaction: analysts see the warehouse as it was or, when all checks pass, as it is then. It reads the
files that are new or changed since they were loaded. It repeats safely: loading the same files again changes nothing.
"""

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

import argparse
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection

import sql_queries as sql
from infra import cli, progress
from infra.config import Settings, load_settings
from infra.database import execute, select_one, statement_name, transaction
from infra.errors import QualityError
from infra.load import outcome, summary
from infra.load.copy_monitor import LoadResult, LoadRun, step_of_checks
from infra.load.source_files import Sources, find_sources
from infra.load.work_folder import work_folder
from infra.warehouse import connect

logger = logging.getLogger("etl")  # as a script and as a module
ROLLED_BACK = ", so the star schema stays as it was"


def load_staging_tables(run: LoadRun, sources: Sources) -> None:
    """Make the staging tables anew and COPY the files into them. Raises LoadError."""
    for query in sql.staging_table_queries:
        run.execute(query)
    events, songs = sql.copy_new_table_queries if sources.listed else sql.copy_table_queries
    if run.settings.song_data.endswith(".manifest"):
        songs = sql.staging_songs_copy_compacted
    if sources.logs.new or not sources.listed:
        run.copy(events)
    if sources.songs.new or not sources.listed:
        run.copy(songs)


def insert_tables(run: LoadRun) -> None:
    """Bring what is staged into the star schema and check it. Raises LoadError."""
    plays = select_one(run.connection, sql.staged_plays_select)
    run.parameters |= {"first": plays["first_time"], "last": plays["last_time"]}
    run.result.staged_plays = int(str(plays["plays"]))
    garbled = select_one(run.connection, sql.garbled_texts_select)
    run.result.garbled_texts, run.result.garbled_example = (
        int(str(garbled["garbled_texts"])),
        str(garbled["garbled_example"] or ""),
    )
    check_quality(run.connection, sql.staging_checks, run.parameters, ROLLED_BACK)
    for query in sql.dimension_queries:
        run.execute(query)
    if run.result.new_songs or run.result.changed_songs:
        run.execute(sql.songplay_table_match)
    run.execute(sql.songplay_table_delete)
    matched = run.count(sql.matched_select)
    run.execute(sql.songplay_table_insert)
    run.result.new_matched = run.count(sql.matched_select) - matched
    for query in sql.analyze_table_queries + sql.change_table_drop_queries:
        run.execute(query)
    check_quality(run.connection, sql.quality_checks, run.parameters, ROLLED_BACK)
    run.result.checks = len(sql.staging_checks + sql.quality_checks)


def check_quality(connection: Connection, checks: list[str], parameters: Mapping[str, object], outcome: str) -> None:
    """Run quality checks. Raises QualityError: `outcome`, and each failed one with the first of its offending rows."""
    failed = []
    with step_of_checks(checks, in_load=bool(outcome)) as step:
        for number, query in enumerate(checks):
            step.update(number, len(checks), "checks")
            cursor = execute(connection, query, parameters)
            columns = [column.name for column in cursor.description or ()]
            for row in cursor.fetchall():
                values = ", ".join(f"{column}={value}" for column, value in zip(columns, row, strict=True))
                failed.append(f"{statement_name(query)}: but {values}")
    if failed:
        raise QualityError("\n".join([f"Quality checks failed{outcome}:", *failed]))


def load(run: LoadRun, everything: bool = False) -> LoadResult:
    """Load the files that are new or changed, or `everything`, in one transaction. Raises SparkifyError."""
    with work_folder(run.settings, run.id) as folder, transaction(run.connection):
        run.execute(sql.load_lock)
        execute(run.connection, sql.tables_select)
        sources = find_sources(run.connection, run.settings, folder, everything)
        run.result.sources = sources
        if sources.listed and not sources.new:
            return run.result
        if sources.listed:
            run.parameters |= folder.publish()
        load_staging_tables(run, sources)
        insert_tables(run)
        if sources.listed:
            run.copy(sql.loaded_files_copy)
        else:
            run.execute(sql.load_insert)
        run.ready = True
    return run.result


def audit(settings: Settings) -> None:
    """Run every check over everything. Raises QualityError."""
    with closing(connect(settings)) as connection, transaction(connection):
        check_quality(connection, sql.quality_checks, sql.ALL_TIME, "")
    logger.info("All %d checks pass over the whole warehouse.", len(sql.quality_checks))


def run_load(options: argparse.Namespace, settings: Settings) -> LoadResult:
    """Run a load and end with the truth whatever happens at the commit or after it."""
    with closing(connect(settings)) as connection, closing(connect(settings)) as observer:
        run = LoadRun(connection, observer, settings, options.max_errors)
        try:
            load(run, options.all)
        except (KeyboardInterrupt, psycopg2.Error) as error:
            outcome.settle(run, error)
    return run.result


def main(argv: list[str] | None = None) -> int:
    """Run a load or an audit. Exit code 0, 1 if it failed and the star schema is as before, 2 for usage or dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--all", action="store_true", help="read all files, also those that are loaded already")
    parser.add_argument(
        "--max-errors",
        metavar="N",
        type=cli.not_negative,
        default=0,
        help="load around up to N bad records per COPY and list them (default: 0, at most 100000)",
    )
    parser.add_argument("--audit", action="store_true", help="load nothing: run every check over the whole warehouse")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors and what was left out")
    parser.add_argument("--verbose", action="store_true", help="print each statement with its rows and seconds")
    options = parser.parse_args(argv)
    if options.audit and (options.all or options.max_errors):
        parser.error("--audit loads nothing, so it goes with --config and --quiet only")

    def work() -> int:
        """Do what the options say."""
        start = time.monotonic()
        cli.print_log(logger, logging.DEBUG if options.verbose else logging.WARNING if options.quiet else logging.INFO)
        with progress.quiet(options.quiet):
            settings = load_settings(options.config)
            logger.info(settings.describe())
            if options.audit:
                audit(settings)
            else:
                result = run_load(options, settings)
                logger.info("\n".join(summary.describe(result, time.monotonic() - start)))
        return 0

    return cli.run("etl", work)


if __name__ == "__main__":
    sys.exit(main())

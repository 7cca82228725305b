"""Drop the tables of the Sparkify warehouse, if there are any, and create them anew and empty."""

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

import sys
import time
from contextlib import closing

from psycopg2.extensions import connection as Connection

from infra import cli, progress
from infra.config import Settings, load_settings
from infra.database import change, execute, select_one, transaction
from infra.errors import LockedError, SparkifyError, same_config
from infra.load.copy_monitor import LockMonitor, Views
from infra.warehouse import connect
from sql_queries import (
    comment_queries,
    create_table_queries,
    drop_table_queries,
    present_tables_select,
    row_count_selects,
    session_select,
)

PATIENCE = 2.0  # seconds that a DROP waits for others at a time: those who want to read meanwhile wait behind it
TRIES, PAUSE = 20, 3.0  # times and seconds between two


def drop_tables(connection: Connection, locks: LockMonitor | None = None) -> None:
    """Drop every table of the warehouse that is there. With `locks`, raise LockedError when others use one for long."""
    for query in drop_table_queries:
        execute(connection, query, watch=locks.look if locks else None)


def create_tables(connection: Connection) -> None:
    """Create every table of the warehouse, with the comments that BI tools show."""
    for query in create_table_queries + comment_queries:
        execute(connection, query)


def reset(connection: Connection, observer: Connection) -> None:
    """Drop and create the tables in one transaction, when nobody uses them. Raises LockedError."""
    observer.autocommit, views = True, Views(observer)
    for tries_left in reversed(range(TRIES)):
        try:
            with change(connection):
                session = select_one(connection, session_select)["session_pid"]
                drop_tables(connection, LockMonitor(views, session, limit=PATIENCE))
                create_tables(connection)
        except LockedError as error:
            if not tries_left:
                raise
            if tries_left == TRIES - 1:
                progress.notice(f"{error} Trying again for a minute.")
            time.sleep(PAUSE)
        else:
            return


def count_rows(connection: Connection) -> dict[str, int]:
    """The rows of each table of the warehouse that is there."""
    with transaction(connection):
        there = {name for (name,) in execute(connection, present_tables_select).fetchall()}
        counted = {name: query for name, query in row_count_selects.items() if name in there}
        return {name: int(str(select_one(connection, query)["found"])) for name, query in counted.items()}


def confirm(settings: Settings, rows: dict[str, int]) -> None:
    """Ask whether rows that cost something may be dropped. Raises SparkifyError if not, or if nobody can answer."""
    if not (settings.shared and any(rows.values())):
        return
    print(f"There are rows in {settings.name}:{describe(rows)}")
    if not (sys.stdin and sys.stdin.isatty()):
        raise SparkifyError("Nobody can be asked whether to drop these rows: to drop them, give --yes.")
    if cli.ask("Drop them? Type yes to go on:") != "yes":
        raise SparkifyError("That was not yes.")


def describe(rows: dict[str, int]) -> str:
    """A line for each table with its number of rows."""
    return "".join(f"\n  {name:<14} {number:>13,}" for name, number in rows.items())


def main(argv: list[str] | None = None) -> int:
    """Reset the warehouse in one transaction. Exit code 0, 1 if it failed and all is as before, 2 for dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.add_argument("--yes", action="store_true", help="do not ask, even where rows on a cluster are dropped")
    options = parser.parse_args(argv)

    def work() -> int:
        """Drop the tables and create them."""
        with cli.one_sentence("Nothing was changed."):
            settings = load_settings(options.config)
            print(settings.describe())
            with closing(connect(settings)) as connection, closing(connect(settings)) as observer:
                with progress.step("Counting rows"):
                    rows = count_rows(connection)
                if not options.yes:
                    confirm(settings, rows)
                with progress.step("Dropping and creating the tables"):
                    reset(connection, observer)
        print(f"Dropped the tables with their rows:{describe(rows)}" if rows else "There were no tables.")
        print(f"Created {len(create_table_queries)} tables; they are empty. Next: python etl.py{same_config()}")
        return 0

    return cli.run("create_tables", work)


if __name__ == "__main__":
    sys.exit(main())

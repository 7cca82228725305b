"""Drop the tables of the Sparkify warehouse, if there are any, and create them anew and empty."""

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

import sys
import time
from contextlib import closing

from psycopg2.extensions import connection as Connection

from infra import cli, progress
from infra.config import load_settings
from infra.copy_monitor import LockMonitor
from infra.database import execute, select_one, statement_name, transaction
from infra.errors import LockedError
from infra.warehouse import connect
from sql_queries import create_table_queries, drop_table_queries, session_select

PATIENCE = 2.0  # seconds that a DROP waits for others at a time: those who want to read meanwhile wait behind it
TRIES, PAUSE = 20, 3.0  # times and seconds between two


def drop_tables(connection: Connection, locks: LockMonitor | None = None) -> None:
    """Drop every table of the warehouse that is there. With `locks`, raise LockedError when others use one for long."""
    for query in drop_table_queries:
        execute(connection, query, watch=locks.look if locks else None)


def create_tables(connection: Connection) -> None:
    """Create every table of the warehouse."""
    for query in create_table_queries:
        execute(connection, query)


def reset(connection: Connection, observer: Connection) -> None:
    """Drop and create the tables in one transaction, when nobody uses them. Raises LockedError."""
    observer.autocommit = True
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction(connection):
                session = select_one(connection, session_select)["session_pid"]
                drop_tables(connection, LockMonitor(observer, session, limit=PATIENCE))
                create_tables(connection)
        except LockedError as error:
            if not tries_left:
                raise
            if tries_left == TRIES - 1:
                progress.notice(f"{error} Trying again for a minute.")
            time.sleep(PAUSE)
        else:
            return


def main(argv: list[str] | None = None) -> int:
    """Reset the warehouse in one transaction. Exit code 0, 1 if it failed and all is as before, 2 for dwh.cfg."""
    options = cli.make_parser(__doc__).parse_args(argv)

    def work() -> int:
        """Drop the tables and create them."""
        settings = load_settings(options.config)
        print(settings.describe())
        with closing(connect(settings)) as connection, closing(connect(settings)) as observer:
            reset(connection, observer)
        for query in drop_table_queries + create_table_queries:
            print(statement_name(query))
        print("The tables are there and empty. Next: python etl.py")
        return 0

    return cli.run("create_tables", work, "Nothing was changed.")


if __name__ == "__main__":
    sys.exit(main())

"""Drop the tables of the Sparkify warehouse, if there are any, and create them anew and empty."""

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

import sys
from contextlib import closing

from psycopg2.extensions import connection as Connection

from infra import cli
from infra.config import load_settings
from infra.database import execute, statement_name, transaction
from infra.warehouse import connect
from sql_queries import create_table_queries, drop_table_queries


def drop_tables(connection: Connection) -> None:
    """Drop every table of the warehouse that is there."""
    for query in drop_table_queries:
        execute(connection, query)
        print(statement_name(query))


def create_tables(connection: Connection) -> None:
    """Create every table of the warehouse."""
    for query in create_table_queries:
        execute(connection, query)
        print(statement_name(query))


def main(argv: list[str] | None = None) -> int:
    """Reset the warehouse in one transaction. Exit code 0, 1 if it failed and all is as before, 2 for dwh.cfg."""
    options = cli.make_parser(__doc__).parse_args(argv)

    def work() -> int:
        """Drop the tables and create them."""
        settings = load_settings(options.config)
        print(settings.describe())
        with closing(connect(settings)) as connection, transaction(connection):
            drop_tables(connection)
            create_tables(connection)
        print("The tables are there and empty. Next: python etl.py")
        return 0

    return cli.run("create_tables", work, "Nothing was changed.")


if __name__ == "__main__":
    sys.exit(main())

"""Drop the tables of the Sparkify warehouse, if there are any, and create them anew and empty."""

import sys
from contextlib import closing

import psycopg2

from infra import cli
from infra.config import load_settings
from infra.database import execute, title, transaction
from infra.warehouse import connect
from sql_queries import create_table_queries, drop_table_queries


def run_queries(connection: psycopg2.extensions.connection, queries: list[str]) -> None:
    """Execute the statements in order."""
    for query in queries:
        execute(connection, query)
        print(title(query))


def main(argv: list[str] | None = None) -> int:
    """Reset the warehouse in one transaction. Exit code 0, 1 if it failed and all is as before, 2 for dwh.cfg."""
    options = cli.make_parser(__doc__).parse_args(argv)

    def work() -> int:
        """Drop the tables and create them."""
        settings = load_settings(options.config)
        print(settings.describe())
        with closing(connect(settings)) as connection, transaction(connection):
            run_queries(connection, drop_table_queries)
            run_queries(connection, create_table_queries)
        print("The tables are there and empty. Next: python etl.py")
        return 0

    return cli.run("create_tables", work, "Nothing was changed.")


if __name__ == "__main__":
    sys.exit(main())

"""Drop the tables of the Sparkify warehouse, if there are any, and create them anew and empty."""

import argparse
import sys
from contextlib import closing

import psycopg2

from infra.config import ConfigError, load_settings
from infra.execute import execute, explain, title, transaction
from infra.warehouse import WarehouseError, connect
from sql_queries import create_table_queries, drop_table_queries


def run_queries(connection: psycopg2.extensions.connection, queries: list[str]) -> None:
    """Execute the statements in order."""
    for query in queries:
        execute(connection, query)
        print(title(query))


def main(argv: list[str] | None = None) -> int:
    """Reset the warehouse in one transaction. Exit code 0, 1 if it failed and all is as before, 2 for dwh.cfg."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", metavar="FILE", help="the dwh.cfg to read (default: the one beside this script)")
    options = parser.parse_args(argv)
    try:
        settings = load_settings(options.config)
        print(settings.describe())
        with closing(connect(settings)) as connection, transaction(connection):
            run_queries(connection, drop_table_queries)
            run_queries(connection, create_table_queries)
    except ConfigError as error:
        print(f"create_tables: {error}", file=sys.stderr)
        return 2
    except (WarehouseError, psycopg2.Error) as error:
        sentence = explain(error) if isinstance(error, psycopg2.Error) else str(error)
        print(f"create_tables: {sentence} Nothing was changed.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("create_tables: interrupted. Nothing was changed.", file=sys.stderr)
        return 1
    print("The tables are there and empty. Next: python etl.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())

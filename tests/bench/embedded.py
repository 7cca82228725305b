"""An embedded warehouse to measure with: its tables, and simulated data."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as PlainCursor

import sql_queries as sql
from infra import warehouse
from infra.config import Settings, load_settings
from infra.local import supervisor

EVENTS = "TIMEFORMAT 'epochmillisecs' STATUPDATE OFF"


class Warehouse:
    """The embedded warehouse with the staging tables."""

    def __init__(self, settings: Settings, connection: Any):
        """Make the tables."""
        self.settings, self.connection = settings, connection
        for query in sql.staging_table_queries:
            self.execute(query)

    def execute(self, statement: str, values: object = None) -> None:
        """Run and commit one Redshift statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
        self.connection.commit()

    def plain(self) -> PlainCursor:
        """A cursor for PostgreSQL's own SQL."""
        cursor: PlainCursor = self.connection.cursor(cursor_factory=PlainCursor)
        return cursor

    def empty(self, table: str) -> Callable[[], None]:
        """What empties a table."""
        return lambda: self.execute(f"TRUNCATE {table}")

    def copy(self, table: str, source: str, options: str) -> Callable[[], None]:
        """A COPY of it."""
        role = self.settings.role_arn
        return lambda: self.execute(f"COPY {table} FROM %s IAM_ROLE %s {options} COMPUPDATE OFF", (source, role))


@contextmanager
def open_warehouse(folder: Path) -> Iterator[Warehouse]:
    """An embedded warehouse in a folder, whose dwh.cfg names the data that are simulated there."""
    config = folder / "dwh.cfg"
    config.write_text(
        f"[LOCAL]\nPATH={folder / 'local'}\n[S3]\nLOG_DATA={folder / 'log_data'}\nSONG_DATA={folder / 'song_data'}\n"
        f"LOG_JSONPATH={folder / 'log_json_path.json'}\n",
        encoding="utf-8",
    )
    settings = load_settings(config)
    try:
        with closing(warehouse.connect(settings)) as connection:
            yield Warehouse(settings, connection)
    finally:
        supervisor.release(settings.local_path)

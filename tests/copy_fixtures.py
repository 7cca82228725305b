"""What the tests of COPY share: a table `t`, files to load into it, and what came of it."""

from pathlib import Path

import psycopg2
import pytest

from infra.config import Settings

AUTO = "FORMAT AS JSON 'auto'"
FAILED = "Load into table 't' failed.  Check 'stl_load_errors' system table for details."


class Copier:
    """Loads data into the table `t` and reads back what is there."""

    def __init__(self, connection, settings: Settings, folder: Path):
        """`folder` is where the files to load are written."""
        self.connection, self.settings, self.folder = connection, settings, folder
        folder.mkdir()

    def create(self, columns: str) -> "Copier":
        """Create an empty `t`."""
        self.execute("DROP TABLE IF EXISTS t")
        self.execute(f"CREATE TABLE t ({columns})")
        self.connection.commit()
        return self

    def execute(self, query: str, values: object = None) -> list[tuple]:
        """Run one statement; its rows, if it has any."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def file(self, data: str | bytes, name: str = "data.json") -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def copy(self, source: str, options: str = AUTO, columns: str = "") -> None:
        """Run the COPY alone."""
        self.execute(f"COPY t {columns} FROM %s IAM_ROLE %s {options}", (source, self.settings.role_arn))

    def load(self, data: str | bytes, options: str = AUTO, columns: str = "") -> list[tuple]:
        """COPY the data and return the rows of `t`, in the order they were loaded."""
        self.copy(self.file(data), options, columns)
        return self.rows()

    def rows(self) -> list[tuple]:
        """The rows of `t`."""
        return self.execute("SELECT * FROM t")

    def errors(self) -> list[tuple]:
        """Line, code, column and value of each record that the session's last COPY rejected; its rows are committed."""
        self.connection.commit()
        return self.execute(
            "SELECT line_number, err_code, TRIM(colname), TRIM(raw_field_value) FROM stl_load_errors"
            " WHERE query = pg_last_copy_id() ORDER BY filename, line_number"
        )

    def rejected(self, data: str | bytes, options: str = AUTO, columns: str = "") -> list[tuple]:
        """What a COPY that fails has rejected; nothing is loaded."""
        source = self.file(data)
        self.connection.rollback()
        before = self.rows()
        with pytest.raises(psycopg2.InternalError) as failure:
            self.copy(source, options, columns)
        assert failure.value.diag.message_primary == FAILED
        self.connection.rollback()
        assert self.rows() == before
        return self.errors()

    def refused(self, options: str = AUTO, source: str | None = None, columns: str = "") -> str:
        """The message of a COPY that does not begin to load."""
        source = source or self.file('{"a": 1}')
        with pytest.raises(psycopg2.InternalError) as failure:
            self.copy(source, options, columns)
        self.connection.rollback()
        return failure.value.diag.message_primary


@pytest.fixture
def copier(connection, settings: Settings, tmp_path: Path) -> Copier:
    """A Copier on the shared warehouse, with a `t` of one VARCHAR column `a`."""
    return Copier(connection, settings, tmp_path / "files").create("a VARCHAR")

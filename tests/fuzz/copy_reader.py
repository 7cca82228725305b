"""COPY's promise: any bytes are loaded or rejected record by record, and alike by the fast path and the exact one.

The typing is PostgreSQL's own, in an embedded warehouse that the run starts for itself.
"""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz.running import Check, fuzz, seeds

COLUMNS = "a VARCHAR(12), b INTEGER, c DOUBLE PRECISION, d TIMESTAMP, e VARCHAR, f BIGINT NOT NULL, g REAL"
SIZES = {"PIECE": 40, "BLOCK": 24}  # so that a short file is cut into blocks and batches


class Log:
    """Keeps what is rejected, in place of the system tables."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.found: list[tuple] = []

    def note(self, record, fault) -> None:
        """Keep what stl_load_errors would show."""
        name = fault.column.name if fault.column else ""
        self.found.append((record.line, fault.code, name, record.text[:1024], fault.value[:1024], fault.reason))

    def progress(self, *_: object) -> None:
        """Nothing is shown."""


class Reader:
    """Loads a file by both paths, each into a table that is empty again after."""

    def __init__(self, connection, settings, folder: Path) -> None:
        """Plan one COPY, for all inputs."""
        from psycopg2.extensions import cursor as plain

        from infra.local.copy_command import batches, load
        from infra.local.copy_command.fast_path import CsvMaker
        from infra.local.copy_command.files import Source
        from infra.local.copy_command.plan import make_plan
        from infra.local.copy_command.statement import parse

        self.path, self.batches, self.load = folder / "data.json", batches, load
        self.cursor = connection.cursor(cursor_factory=plain)
        self.cursor.execute(f"CREATE TEMP TABLE fuzzed ({COLUMNS})")
        options = "IAM_ROLE default FORMAT AS JSON 'auto' TIMEFORMAT 'epochmillisecs' MAXERROR 99999"
        self.statement = parse(f"COPY fuzzed FROM '{self.path}' {options}")
        self.source = Source(self.statement, settings, connection.cancelled)
        self.plan = make_plan(self.cursor, self.statement, self.source)
        self.maker = CsvMaker(self.plan, iter([]), folder)
        connection.commit()

    def outcome(self, fast: bool = True, in_place: bool = False) -> tuple[list[tuple], list[tuple]]:
        """The rows that are loaded and what is rejected; nothing stays."""
        log = Log()
        loader = self.load.Loader(self.cursor, self.plan, log)
        self.maker._typed, self.maker._in_lines = set(), True
        files = self.source.find()
        for batch in self.batches.BatchReader(self.source, self.statement, in_place).read(files, log.progress):
            pieces = [batch]
            if batch.files and not loader.load_fast(self.maker.to_csv(batch)):
                pieces = self.batches.BatchReader(self.source, self.statement, False).read(batch.files, log.progress)
            elif batch.files:
                continue
            for piece in pieces:
                if not (fast and loader.load_fast(self.maker.to_csv(piece))):
                    loader.load_exact(piece)
        self.cursor.execute("SELECT * FROM fuzzed")
        rows = sorted(self.cursor.fetchall(), key=repr)
        self.cursor.connection.rollback()
        assert len(rows) == loader.rows
        return rows, sorted(log.found)

    def check(self, data: bytes) -> None:
        """Load it exactly and fast; and, by its length, in many batches or as DuckDB reads a file by itself."""
        if not data:
            return
        self.path.write_bytes(data)
        exact = self.outcome(fast=False)
        assert self.outcome() == exact, "the fast path differs"
        if len(data) % 3 == 1:
            with changed(self.batches, WHOLE=range(1, 1 << 40)):
                assert self.outcome(in_place=True) == exact, "a file that DuckDB reads differs"
        # Of broken JSON on one line, where it is cut decides how much is given up.
        if len(data) % 3 == 2 and all(code not in (1216, 1220) for _, code, *_ in exact[1]):
            with changed(self.batches, **SIZES):
                assert self.outcome() == exact, "in many batches it differs"


@contextmanager
def changed(module, **values) -> Iterator[None]:
    """A module with other constants."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def make_check() -> Check:
    """Start a warehouse; it ends with the process."""
    from infra import warehouse
    from infra.config import load_settings
    from infra.local import supervisor

    folder = Path(tempfile.mkdtemp(prefix="fuzz-warehouse-"))
    (folder / "dwh.cfg").write_text(
        f"[LOCAL]\nPATH={folder / 'local'}\n[S3]\nLOG_DATA={folder}/l\nSONG_DATA={folder}/s\nLOG_JSONPATH={folder}/p\n"
    )
    settings = load_settings(folder / "dwh.cfg")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(supervisor.release, settings.local_path)
    return Reader(warehouse.connect(settings), settings, folder).check


def main() -> None:
    """Fuzz."""
    fuzz("copy_reader", ["infra.local.copy_command"], make_check, seeds("copy_reader_words"), [])


if __name__ == "__main__":
    main()

"""The types that the parts of COPY hand to each other, and the limits that they share."""

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from psycopg2.extensions import ConnectionInfo
from psycopg2.extensions import connection as Connection

from infra.aws.s3_object import S3Object
from infra.config import AwsKeys, Settings

LARGEST_OBJECT = 4 << 20  # bytes; COPY rejects an object that is larger
DEEPEST_NESTING = 500  # levels; Redshift's limit is not documented, Python's decoder and DuckDB have their own

JsonPath = list[str | int]  # keys and array positions


def quote_name(text: str) -> str:
    """Return a quoted name for PostgreSQL or DuckDB."""
    return '"' + text.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableName:
    """A table as a COPY names it, with or without its schema."""

    parts: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The name for a PostgreSQL statement, quoted."""
        return ".".join(map(quote_name, self.parts))

    def __str__(self) -> str:
        """The name for a message."""
        return ".".join(self.parts)


@dataclass
class CopyStatement:
    """A COPY of JSON, as written."""

    table: TableName
    source: str
    columns: list[str] | None = None  # None: every column of the table
    role: str = ""
    keys: AwsKeys = field(default_factory=AwsKeys)  # in place of a role
    json: str = ""  # auto, auto ignorecase, or where the jsonpaths file is
    region: str | None = None
    max_errors: int = 0
    time_format: str = "auto"
    compression: str = ""  # "", GZIP or BZIP2
    replacement: str | None = None  # ACCEPTINVCHARS's character
    header_lines: int = 0  # IGNOREHEADER
    manifest: bool = False
    empty_as_null: bool = False
    blanks_as_null: bool = False
    truncate_columns: bool = False
    round_decimals: bool = False
    analyze: bool | None = None  # STATUPDATE; None: if the table was empty


@dataclass(frozen=True)
class Column:
    """A column that COPY fills: `kind` is PostgreSQL's type name, `length` bytes or a DECIMAL's precision, else 0."""

    name: str
    kind: str
    length: int
    scale: int
    not_null: bool


@dataclass(frozen=True)
class Plan:
    """The statement, the table's number in the catalog, and for each column to fill its path."""

    statement: CopyStatement
    table: int
    columns: list[Column]
    paths: list[JsonPath]
    ignore_case: bool


@dataclass(frozen=True, slots=True)  # there may be hundreds of thousands
class SourceFile:
    """A file to load: its path, or S3's listing of it, and its size in bytes as stored."""

    path: str
    size: int
    listed: S3Object | None = None

    @property
    def name(self) -> str:
        """Its name as users know it."""
        return self.listed.url if self.listed else self.path


@dataclass(frozen=True)
class Segment:
    """Whole JSON objects from one file; `line` is the number of their first line in it."""

    file: str
    line: int
    data: bytes


@dataclass(frozen=True)
class Batch:
    """What is loaded at a time: segments, or whole files on disk that nobody has read yet."""

    segments: list[Segment]
    files: list[SourceFile]


class RecordError(Exception):
    """Why COPY rejects a record: error code, reason, and (where one value is at fault) column and value."""

    def __init__(self, code: int, reason: str, column: Column | None = None, value: str = "", position: int = 0):
        """`position` is where in the value the fault is."""
        super().__init__(reason)
        self.code, self.reason, self.column, self.value, self.position = code, reason, column, value, position


@dataclass(frozen=True)
class Record:
    """One JSON object as its text, or why it is none; `line` is its last line in `file`."""

    file: str
    line: int
    text: str
    fault: RecordError | None = None


class WarehouseConnection(Protocol):
    """What a COPY needs of the connection that it runs on."""

    autocommit: bool
    settings: Settings
    cancelled: threading.Event  # set by whoever cancels the statement

    @property
    def info(self) -> ConnectionInfo:
        """The state of the session."""

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Return a cursor."""

    def open_another(self) -> Connection:
        """Return a plain connection to the same database, for what must survive a rollback here."""

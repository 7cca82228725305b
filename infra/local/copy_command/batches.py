"""The contents of a COPY's files in batches that end between two JSON objects."""

import bz2
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import CopyError
from infra.local.copy_command.files import SourceFile, explain
from infra.local.copy_command.statement import CopyStatement

BATCH = 16 << 20  # bytes of JSON that are loaded at a time
WHOLE = range(1 << 20, 64 << 20)  # sizes in bytes of the files on disk that are loaded in place, each as one batch
BLOCK = 4 << 20  # bytes read at a time
LARGEST_OBJECT = 4 << 20  # bytes; COPY rejects an object that is larger
SMALL = 1 << 20  # objects in S3 up to this size are fetched many at a time
FETCHES = 16  # requests to S3 at a time
UNREADABLE = (BotoCoreError, ClientError, OSError, EOFError, zlib.error)  # the last two: broken compression
# Between objects there is white space only. A line break cannot stand inside a JSON string, and inside an array two
# objects have a comma between them: so this is the end of an object at the root, in every well-formed file.
BOUNDARY = re.compile(rb"\}[ \t\r]*\n\s*(?=\{)")
_BOUNDARY_IN_LINE = re.compile(rb"\}\s+(?=\{)")  # the same, unless it stands inside a string


@dataclass(frozen=True)
class Segment:
    """Whole JSON objects from one file; `line` is the number of their first line in it."""

    file: str
    line: int
    data: bytes


@dataclass
class Batch:
    """What is loaded at a time: segments, or one whole file on disk that nobody has read yet."""

    segments: list[Segment]
    whole: SourceFile | None = None


def batches(
    files: list[SourceFile], statement: CopyStatement, progress: Callable[[int, int], None], in_place: bool = True
) -> Iterator[Batch]:
    """The files' contents in batches of about BATCH bytes; files on disk are left for DuckDB to read `in_place`.

    `progress` is told the files finished and the bytes of them (as stored). Raises CopyError for an unreadable file.
    """
    inflate = {"GZIP": gzip.open, "BZIP2": bz2.open}.get(statement.compression, lambda stream: stream)
    batch = Batch([])
    size = bytes_done = 0
    for done, (file, stored) in enumerate(_opened(files), 1):
        line, rest = 1, b""
        try:
            with stored, inflate(stored) as stream:
                if in_place and file.size in WHOLE and _is_plain_on_disk(file, statement):
                    yield Batch([], file)
                else:
                    while block := stream.read(BLOCK):
                        rest += block
                        if size + len(rest) >= BATCH and (cut := _cut(rest)):
                            batch.segments.append(Segment(file.name, line, rest[:cut]))
                            yield batch
                            line += rest.count(b"\n", 0, cut)
                            batch, size, rest = Batch([]), 0, rest[cut:]
        except UNREADABLE as error:
            raise CopyError(explain(file.name, error)) from None
        if rest:
            batch.segments.append(Segment(file.name, line, rest))
            size += len(rest)
        bytes_done += file.size
        progress(done, bytes_done)
        if size >= BATCH:
            yield batch
            batch, size = Batch([]), 0
    if batch.segments:
        yield batch


def _is_plain_on_disk(file: SourceFile, statement: CopyStatement) -> bool:
    """Whether DuckDB can read the file itself."""
    return not file.name.startswith("s3://") and not statement.compression


def _cut(data: bytes) -> int:
    """Where the last whole object ends in `data`, which begins with one; 0 if more is to be read to find out.

    Data that are an object too large for COPY are cut anywhere, so that they do not fill the memory.
    """
    reach = 1 << 16
    while True:  # look from the end, further back each time
        start = max(0, len(data) - reach)
        ends = [match.end() for match in BOUNDARY.finditer(data, start)]
        if ends:
            return ends[-1]
        if start == 0:
            break
        reach *= 16
    for match in reversed(list(_BOUNDARY_IN_LINE.finditer(data))):
        if _ends_outside_strings(data[: match.end()]):
            return match.end()
    return len(data) if len(data) > BATCH + LARGEST_OBJECT else 0


def _ends_outside_strings(data: bytes) -> bool:
    """Whether the JSON texts in `data` have as many quotes that open a string as close one."""
    plain = data.replace(rb"\\", b"")
    return (plain.count(b'"') - plain.count(rb"\"")) % 2 == 0


def _opened(files: list[SourceFile]) -> Iterator[tuple[SourceFile, BinaryIO]]:
    """Each file with its stream; small objects in S3 are fetched ahead, several at a time.

    A large one is opened when its turn comes: S3 closes a connection on which nothing is read.
    """
    if not files or not files[0].name.startswith("s3://"):  # on disk, threads are slower
        yield from ((file, _ready(file, file.open)) for file in files)
        return
    with ThreadPoolExecutor(FETCHES) as pool:
        ahead: deque[tuple[SourceFile, Callable[[], BinaryIO]]] = deque()
        for file in files:
            ahead.append((file, pool.submit(_fetch, file).result if file.size <= SMALL else file.open))
            if len(ahead) >= 2 * FETCHES:
                first, stream = ahead.popleft()
                yield first, _ready(first, stream)
        for first, stream in ahead:
            yield first, _ready(first, stream)


def _fetch(file: SourceFile) -> BinaryIO:
    """The file's contents, its stream closed."""
    with file.open() as stream:
        return io.BytesIO(stream.read())


def _ready(file: SourceFile, stream: Callable[[], BinaryIO]) -> BinaryIO:
    """The stream that a call brings. Raises CopyError."""
    try:
        return stream()
    except UNREADABLE as error:
        raise CopyError(explain(file.name, error)) from None

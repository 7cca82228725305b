"""The contents of a COPY's files in batches that end between two JSON objects."""

import bz2
import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import groupby
from typing import Any

from infra.errors import CopyError
from infra.local.copy_command.files import BLOCK, Source, explain
from infra.local.copy_command.model import LARGEST_OBJECT, Batch, CopyStatement, Segment, SourceFile

BATCH = 16 << 20  # bytes of files on disk that are loaded at a time
PIECE = 4 << 20  # and of what is in memory, which holds several of them at once
SEGMENTS = 10_000  # files whose objects are loaded at a time
WHOLE = range(256 << 10, 24 << 20)  # sizes in bytes of the files on disk that DuckDB reads itself, into its memory
UNREADABLE = (OSError, EOFError, zlib.error)  # the last two: broken compression
# Between objects there is white space only. A line break cannot stand inside a JSON string, and inside an array two
# objects have a comma between them: so this is the end of an object at the root, in every well-formed file.
BOUNDARY = re.compile(rb"\}[ \t\r]*\n\s*(?=\{)")
_BOUNDARY_IN_LINE = re.compile(rb"\}\s*(?=\{)")  # the same, unless it stands inside a string
_NOT_FOR_DUCKDB = re.compile(r"[*?\[\]{}\ud800-\udfff" + ("]" if os.sep == "\\" else r"\\]"))  # a pattern, or no UTF-8
Progress = Callable[[int, int, SourceFile], None]


class BatchReader:
    """Reads a COPY's files, one after the other."""

    def __init__(self, source: Source, statement: CopyStatement, in_place: bool):
        """`in_place`: files on disk are left for DuckDB to read, where it can."""
        self._source, self._statement, self._in_place = source, statement, in_place
        self._segments: list[Segment] = []
        self._size = 0

    def read(self, files: Iterable[SourceFile], progress: Progress) -> Generator[Batch, None, None]:
        """Yield the files in batches: BATCH bytes of those that DuckDB reads itself, PIECE bytes of what is read here.

        `progress` is told the files finished, the bytes of them (as stored) and the last one. Raises CopyError and
        SourceError for an unreadable file.
        """
        whole: list[SourceFile] = []
        done = size = 0
        for file, blocks in self._contents(files):
            if self._is_for_duckdb(file):
                whole.append(file)
            else:
                yield from self._segmented(file, blocks)
            done, size = done + 1, size + file.size
            progress(done, size, file)
            if sum(each.size for each in whole) >= BATCH:
                yield Batch([], whole)
                whole = []
        if whole:
            yield Batch([], whole)
        if self._segments:
            yield self._batch()

    def _batch(self) -> Batch:
        """Return the segments gathered so far."""
        batch = Batch(self._segments, [])
        self._segments, self._size = [], 0
        return batch

    def _segmented(self, file: SourceFile, blocks: Iterator[bytes]) -> Iterator[Batch]:
        """Add a file to the segments; yield each batch that is full."""
        header = self._statement.header_lines
        line, rest = 1 + header, b""
        for block in _without_header(self._inflated(file, blocks), header):
            rest = rest + block if rest else block
            if self._size + len(rest) >= PIECE and (cut := _cut(rest)):
                self._segments.append(Segment(file.name, line, rest[:cut]))
                yield self._batch()
                line += rest.count(b"\n", 0, cut)
                rest = rest[cut:]
        if rest:
            self._segments.append(Segment(file.name, line, rest))
            self._size += len(rest)
        if self._size >= PIECE or len(self._segments) >= SEGMENTS:
            yield self._batch()

    def _contents(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Iterator[bytes]]]:
        """Yield each file with its stored bytes; those in S3 are read ahead. Raises CopyError and SourceError."""
        for bucket, group in groupby(files, lambda file: file.listed and file.listed.bucket):
            if bucket is None:
                yield from ((file, self._source.blocks(file.name, file.size)) for file in group)
            else:
                store = self._source.store(f"s3://{bucket}/")
                for listed, blocks in store.read(file.listed for file in group if file.listed):
                    yield SourceFile("", listed.size, listed), blocks

    def _inflated(self, file: SourceFile, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the bytes that a GZIP or BZIP2 file holds, of all its members. Raises CopyError."""
        if not self._statement.compression:
            yield from blocks
            return
        try:
            stored = io.BufferedReader(_Stream(blocks), BLOCK)
            with gzip.open(stored) if self._statement.compression == "GZIP" else bz2.open(stored) as opened:
                while block := opened.read(BLOCK):
                    yield block
        except UNREADABLE as error:
            raise CopyError(explain(file.name, error)) from None

    def _is_for_duckdb(self, file: SourceFile) -> bool:
        """Tell whether DuckDB can read a file itself; it takes some names for patterns, and cannot spell others."""
        return (
            self._in_place
            and file.listed is None
            and file.size in WHOLE
            and not self._statement.compression
            and not self._statement.header_lines
            and not _NOT_FOR_DUCKDB.search(file.name)
        )


class _Stream(io.RawIOBase):
    """Blocks of bytes as a file that gzip and bz2 can read."""

    def __init__(self, blocks: Iterator[bytes]):
        """Begin with the first block."""
        self._blocks, self._rest = blocks, b""

    def readable(self) -> bool:
        """Tell io that this is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the next block goes."""
        self._rest = self._rest or next(self._blocks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _without_header(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """Pass the blocks on without the first lines of the file."""
    for block in blocks:
        data = block
        while lines and data:
            end = data.find(b"\n") + 1
            data = data[end:] if end else b""
            lines -= 1 if end else 0
        if data:
            yield data


def _cut(data: bytes) -> int:
    """Return where the last whole object ends in `data`, which begins with one; 0 if more is to be read to find out.

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
    return len(data) if len(data) > PIECE + LARGEST_OBJECT else 0


def _ends_outside_strings(data: bytes) -> bool:
    """Tell whether the JSON texts in `data` have as many quotes that open a string as close one."""
    plain = data.replace(rb"\\", b"")
    return (plain.count(b'"') - plain.count(rb"\"")) % 2 == 0

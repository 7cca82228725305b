"""The files that a COPY reads, and their contents in batches that end between two JSON objects."""

import bz2
import gzip
import io
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from infra import aws
from infra.config import Settings
from infra.local.copy_statement import CopyError, CopyStatement

BATCH = 16 << 20  # bytes of JSON that are loaded at a time
WHOLE = range(1 << 20, 128 << 20)  # sizes in bytes of the files on disk that are loaded in place, each as one batch
BLOCK = 4 << 20  # bytes read at a time
SMALL = 1 << 20  # objects in S3 up to this size are fetched many at a time
FETCHES = 16  # requests to S3 at a time
# Between objects there is white space only. A line break cannot stand inside a JSON string, and inside an array two
# objects have a comma between them: so this is the end of an object at the root, in every well-formed file.
_BOUNDARY = re.compile(rb"\}[ \t\r]*\n\s*(?=\{)")


@dataclass(frozen=True)
class SourceFile:
    """A file to load: its name as users know it, its size in bytes as stored, and how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


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


def find(statement: CopyStatement, settings: Settings) -> list[SourceFile]:
    """The files under the statement's source, in the order of their names; empty ones hold no rows and are left out.

    Raises CopyError where there is none, or the place cannot be read.
    """
    try:
        if statement.manifest:
            return _manifest_files(statement, settings)
        if statement.source.startswith("s3://"):
            files = _s3_files(statement.source, statement, settings)
        else:
            files = _local_files(Path(statement.source))
    except (BotoCoreError, ClientError, OSError) as error:
        raise CopyError(_explain(statement.source, error)) from None
    if not files:
        raise CopyError(f"The specified S3 prefix '{statement.source}' does not exist: no file's name begins with it.")
    return [file for file in files if file.size]


def read(where: str, statement: CopyStatement, settings: Settings) -> bytes:
    """The contents of one small file, such as a jsonpaths file. Raises CopyError."""
    try:
        if where.startswith("s3://"):
            bucket, key = _split(where)
            return _client(statement, settings, bucket).get_object(Bucket=bucket, Key=key)["Body"].read()
        return Path(where).read_bytes()
    except (BotoCoreError, ClientError, OSError) as error:
        raise CopyError(_explain(where, error)) from None


def _split(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _client(statement: CopyStatement, settings: Settings, bucket: str):
    """An S3 client for `bucket`, which must be in the region that the statement names."""
    client = aws.session(settings, statement.region).client("s3")
    region = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
    wanted = statement.region or settings.region
    if region and region != wanted:
        raise CopyError(
            f"S3ServiceException: the bucket {bucket} is in {region}, the COPY looked for it in {wanted}: "
            "say so with REGION."
        )
    return client


def _s3_files(url: str, statement: CopyStatement, settings: Settings) -> list[SourceFile]:
    """Every object whose key begins with the URL's."""
    bucket, prefix = _split(url)
    client = _client(statement, settings, bucket)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    entries = [entry for page in pages for entry in page.get("Contents", []) if not entry["Key"].endswith("/")]
    return [_s3_file(client, bucket, entry["Key"], entry["Size"]) for entry in entries]


def _s3_file(client, bucket: str, key: str, size: int) -> SourceFile:
    """One object in S3."""
    return SourceFile(f"s3://{bucket}/{key}", size, lambda: client.get_object(Bucket=bucket, Key=key)["Body"])


def _local_files(path: Path) -> list[SourceFile]:
    """A file, or every file below a directory."""
    if path.is_file():
        return [_local_file(str(path), path.stat().st_size)]
    found = []
    folders = deque([str(path)])
    while folders:
        with os.scandir(folders.popleft()) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    found.append(_local_file(entry.path, entry.stat().st_size))
    return sorted(found, key=lambda file: file.name)


def _local_file(path: str, size: int) -> SourceFile:
    """One file on disk."""
    return SourceFile(path, size, lambda: open(path, "rb"))


def _manifest_files(statement: CopyStatement, settings: Settings) -> list[SourceFile]:
    """The files that a manifest lists; a file listed twice is loaded twice, one that is missing only if optional."""
    try:
        entries = json.loads(read(statement.source, statement, settings))["entries"]
        wanted = [(entry["url"], bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, TypeError, KeyError):
        raise CopyError(
            f'Manifest {statement.source} is not of the form {{"entries": [{{"url": "s3://..."}}]}}.'
        ) from None
    files, clients = [], {}
    for url, mandatory in wanted:
        bucket, key = _split(url)
        try:
            client = clients.setdefault(bucket, None) or _client(statement, settings, bucket)
            clients[bucket] = client
            size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if mandatory or error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise CopyError(_explain(url, error)) from None
            continue
        files.append(_s3_file(client, bucket, key, size))
    if not files:
        raise CopyError(f"Manifest {statement.source} names no file that exists.")
    return [file for file in files if file.size]


def _explain(where: str, error: Exception) -> str:
    """One sentence on why `where` cannot be read."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        meaning = {
            "404": "it does not exist",
            "NoSuchBucket": "the bucket does not exist",
            "NoSuchKey": "it does not exist",
            "403": "access is denied",
            "AccessDenied": "access is denied",
            "InvalidAccessKeyId": "the AWS access key does not exist",
            "SignatureDoesNotMatch": "the AWS secret key is wrong",
            "ExpiredToken": "the AWS session has expired: sign in again",
        }.get(code, error.response["Error"].get("Message", code))
        return f"S3ServiceException: {where} cannot be read: {meaning} ({code})."
    if isinstance(error, FileNotFoundError):
        return f"The specified S3 prefix '{where}' does not exist."
    if isinstance(error, OSError):
        return f"{error.filename or where} cannot be read: {error.strerror or error}."
    return f"{where} cannot be read: {error}"


def batches(
    files: list[SourceFile], statement: CopyStatement, progress: Callable[[int, int], None], in_place: bool = True
) -> Iterator[Batch]:
    """The files' contents in batches of about BATCH bytes; files on disk are left for DuckDB to read `in_place`.

    `progress` is told the files finished and the bytes of them (as stored). Raises CopyError for an unreadable file.
    """
    batch = Batch([])
    size = bytes_done = 0
    for done, (file, stream) in enumerate(_opened(files, statement), 1):
        line, rest = 1, b""
        try:
            with stream:
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
        except (BotoCoreError, ClientError, OSError, EOFError) as error:
            raise CopyError(_explain(file.name, error)) from None
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
    """Where the last whole object that a line break follows ends in `data`; 0 if there is none."""
    reach = 1 << 16
    while True:  # look from the end, further back each time
        start = max(0, len(data) - reach)
        ends = [match.end() for match in _BOUNDARY.finditer(data, start)]
        if ends or start == 0:
            return ends[-1] if ends else 0
        reach *= 16


def _opened(files: list[SourceFile], statement: CopyStatement) -> Iterator[tuple[SourceFile, BinaryIO]]:
    """Each file with its open, decompressed stream; small objects in S3 are fetched ahead, several at a time."""
    inflate = {"GZIP": gzip.open, "BZIP2": bz2.open}.get(statement.compression, lambda stream: stream)

    def fetch(file: SourceFile) -> BinaryIO:
        """The file's stream, its bytes already here if it is small."""
        if file.size > SMALL:
            return file.open()
        with file.open() as stream:
            return io.BytesIO(stream.read())

    if not files or not files[0].name.startswith("s3://"):  # on disk, threads are slower
        for file in files:
            try:
                yield file, inflate(file.open())
            except OSError as error:
                raise CopyError(_explain(file.name, error)) from None
        return
    ahead: deque[tuple[SourceFile, Future]] = deque()
    waiting = iter(files)
    with ThreadPoolExecutor(FETCHES) as pool:
        for file in waiting:
            ahead.append((file, pool.submit(fetch, file)))
            if len(ahead) >= 2 * FETCHES:
                first, future = ahead.popleft()
                yield first, inflate(_arrived(first, future))
        while ahead:
            first, future = ahead.popleft()
            yield first, inflate(_arrived(first, future))


def _arrived(file: SourceFile, future: Future) -> BinaryIO:
    """The stream that `future` brings. Raises CopyError."""
    try:
        return future.result()
    except (BotoCoreError, ClientError, OSError) as error:
        raise CopyError(_explain(file.name, error)) from None

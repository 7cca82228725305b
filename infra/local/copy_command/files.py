"""The files that a COPY reads: where they are, and why one cannot be read."""

import json
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.session import make_session
from infra.config import Settings
from infra.errors import CopyError
from infra.local.copy_command.statement import CopyStatement


@dataclass(frozen=True)
class SourceFile:
    """A file to load: its name as users know it, its size in bytes as stored, and how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


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
        raise CopyError(explain(statement.source, error)) from None
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
        raise CopyError(explain(where, error)) from None


def _split(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _client(statement: CopyStatement, settings: Settings, bucket: str):
    """An S3 client for `bucket`, which must be in the region that the statement names."""
    client = make_session(settings, statement.region).client("s3")
    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CopyError(explain(f"s3://{bucket}", error, "NoSuchBucket" if code == "404" else code)) from None
    region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
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
        if not all(url.startswith("s3://") for url, _ in wanted):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CopyError(
            f'Manifest {statement.source} is not of the form {{"entries": [{{"url": "s3://..."}}]}}.'
        ) from None
    files, clients = [], {}
    for url, mandatory in wanted:
        bucket, key = _split(url)
        try:
            if bucket not in clients:
                clients[bucket] = _client(statement, settings, bucket)
            client = clients[bucket]
            size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if mandatory or error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise CopyError(explain(url, error)) from None
            continue
        files.append(_s3_file(client, bucket, key, size))
    if not files:
        raise CopyError(f"Manifest {statement.source} names no file that exists.")
    return [file for file in files if file.size]


def explain(where: str, error: Exception, code: str = "") -> str:
    """One sentence on why `where` cannot be read; `code` is AWS's for the error, if it is known better than it says."""
    if isinstance(error, ClientError):
        code = code or error.response["Error"]["Code"]
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
        return f"The specified S3 prefix '{error.filename or where}' does not exist."
    if isinstance(error, OSError):
        return f"{error.filename or where} cannot be read: {error.strerror or error}."
    return f"{where} cannot be read: {error}"

"""Fetch objects from S3 by obstore, each held against its listing, and again while it differs.

All of it runs in an event loop of a background thread, so that whoever waits for it can stop waiting at any time.
"""

import asyncio
import hashlib
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import obstore
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from obstore.exceptions import BaseError as ObstoreError
from obstore.store import S3Store

from infra.aws.client_errors import error_code, explain_unreadable
from infra.aws.session import CLIENT_CONFIG
from infra.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from obstore.store import S3Credential

TRIES = 4  # of one request, each with one more that obstore makes of its own
PAUSE = 0.2  # seconds before the second try; twice as long before each later one
STALL = timedelta(seconds=30)  # without a byte before a request is given up and made anew
MD5_ETAG = re.compile("[0-9a-f]{32}")  # of an object that was put in one piece and is not encrypted with a KMS key
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)  # there may be hundreds of thousands
class S3Object:
    """An object as S3 lists it: its size in bytes and its ETag."""

    bucket: str
    key: str
    size: int
    etag: str

    @property
    def url(self) -> str:
        """Its s3:// URL."""
        return f"s3://{self.bucket}/{self.key}"


def split_url(url: str) -> tuple[str, str]:
    """Return bucket and key of an s3:// URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


class Fetcher:
    """Asks S3 with one identity."""

    def __init__(self, session: boto3.Session):
        """Ask nothing yet."""
        self._session = session
        self.client: S3Client = session.client("s3", config=CLIENT_CONFIG)
        self._stores: dict[str, S3Store] = {}

    def find(self, url: str) -> S3Object | None:
        """Return the object with this URL, None if there is none. Raises SourceError."""
        bucket, key = split_url(url)
        try:
            answer = self.client.head_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error_code(error) in ("404", "NoSuchKey"):
                return None
            raise SourceError(explain_unreadable(url, error)) from None
        return S3Object(bucket, key, answer["ContentLength"], bare_etag(answer["ETag"]))

    async def head(self, url: str) -> S3Object | None:
        """Return one object; obstore asks for it, and boto3 where that fails, which can tell why."""
        bucket, key = split_url(url)
        if _has_plain_key(key):
            with suppress(ObstoreError, OSError):
                meta = await obstore.head_async(self._store(bucket), key)
                return S3Object(bucket, key, meta["size"], bare_etag(meta["e_tag"]))
        return await asyncio.wrap_future(in_thread(lambda: self.find(url)))

    async def fetch(self, wanted: S3Object, start: int, end: int) -> bytes:
        """Read a part, and try again while it is not what was listed. Raises SourceError."""
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                data, etag, size = await self._ask(wanted, start, end)
            except (ObstoreError, OSError, ValueError, BotoCoreError, ClientError):  # its text may hold the signature
                problem = "the connection broke off, or S3 refused it"
                continue
            if etag != wanted.etag or size != wanted.size:
                problem = "it was changed after it had been listed"
            elif len(data) != end - start:
                problem = f"{len(data):,} bytes came instead of {end - start:,}"
            elif len(data) < wanted.size or not (problem := await self._wrong_checksum(wanted, data)):
                return data
        raise SourceError(await asyncio.wrap_future(in_thread(lambda: self._reason(wanted, problem))))

    async def _ask(self, wanted: S3Object, start: int, end: int) -> tuple[bytes, str, int]:
        """Return a part's bytes with the object's ETag and size; boto3 reads keys that obstore cannot spell."""
        span = (start, end) if end - start < wanted.size else None
        if not _has_plain_key(wanted.key):
            return await asyncio.wrap_future(in_thread(lambda: self._ask_boto3(wanted, start, end)))
        options: Any = {"range": span} if span else {}
        result = await obstore.get_async(self._store(wanted.bucket), wanted.key, options=options)
        data = bytes(await result.bytes_async())
        return data, bare_etag(result.meta["e_tag"]), result.meta["size"]

    def _ask_boto3(self, wanted: S3Object, start: int, end: int) -> tuple[bytes, str, int]:
        """The same by boto3."""
        span = f"bytes={start}-{end - 1}"
        answer = self.client.get_object(Bucket=wanted.bucket, Key=wanted.key, Range=span)
        return answer["Body"].read(), bare_etag(answer["ETag"]), int(answer["ContentRange"].rpartition("/")[2])

    async def _wrong_checksum(self, wanted: S3Object, data: bytes) -> str:
        """Return what is wrong with the checksum of a whole object."""
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if wanted.etag == digest:
            return ""
        return await asyncio.wrap_future(in_thread(lambda: self.checksum_differs(wanted, digest)))

    def checksum_differs(self, wanted: S3Object, digest: str) -> str:
        """Return what is wrong if an MD5 is not the ETag; an object under a KMS key has an ETag that is no MD5."""
        if not MD5_ETAG.fullmatch(wanted.etag) or wanted.etag == digest:
            return ""
        head = self.client.head_object(Bucket=wanted.bucket, Key=wanted.key)
        if head.get("ServerSideEncryption", "AES256") != "AES256" or head.get("SSECustomerAlgorithm"):
            return ""
        return "its contents do not match its checksum"

    def _reason(self, wanted: S3Object, problem: str) -> str:
        """Say why an object could not be read: what S3 says of it now, or what was seen."""
        try:
            self.client.head_object(Bucket=wanted.bucket, Key=wanted.key)
        except (BotoCoreError, ClientError) as error:
            return explain_unreadable(wanted.url, error)
        return f"{wanted.url} cannot be read: {problem}, {TRIES} times in a row. Run again."

    def _store(self, bucket: str) -> S3Store:
        """Return obstore's view of a bucket: boto3's address, region and identity."""
        if bucket not in self._stores:
            endpoint = self.client.meta.endpoint_url
            self._stores[bucket] = S3Store(
                bucket,
                endpoint=endpoint,
                region=self.client.meta.region_name,
                virtual_hosted_style_request=False,
                credential_provider=self._credentials,
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "connect_timeout": timedelta(seconds=10),
                    "read_timeout": STALL,
                    "timeout": timedelta(minutes=10),
                },
                retry_config={"max_retries": 1, "retry_timeout": timedelta(minutes=2)},
            )
        return self._stores[bucket]

    def _credentials(self) -> "S3Credential":
        """Return boto3's credentials as obstore wants them; boto3 renews them where they expire."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        frozen = credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key or "",
            "secret_access_key": frozen.secret_key or "",
            "token": frozen.token,
            "expires_at": datetime.now(timezone.utc) + timedelta(minutes=5),
        }


def in_thread(work: Callable[[], Result]) -> "Future[Result]":
    """Start `work` in a thread of its own, which does not keep the process from ending."""
    future: Future[Result] = Future()

    def run() -> None:
        """Do the work, and keep its result or its error."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # for whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _has_plain_key(key: str) -> bool:
    """Tell whether obstore asks for this very key: not with empty parts, `.`, `..` and control characters."""
    parts = key.split("/")
    return key.isprintable() and not any(part in ("", ".", "..") for part in parts)


def bare_etag(etag: str | None) -> str:
    """Return an ETag without its quotes, which not every S3 writes in a listing."""
    return (etag or "").strip('"')

"""List objects in S3 and fetch them by obstore, each held against its listing, and again while it differs.

boto3 stands in where obstore cannot spell a key or fails: it can tell why. All of this waits for S3; read_ahead.py has
it done in threads, so that whoever waits for them can stop waiting at any time.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import obstore
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from obstore.exceptions import BaseError as ObstoreError
from obstore.store import S3Store

from infra.aws.client_errors import error_code, explain_unreadable
from infra.aws.s3_object import S3Object, split_url
from infra.aws.session import CLIENT_CONFIG
from infra.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from obstore.store import S3Credential

TRIES = 4  # of one request, each with one more that obstore makes of its own
PAUSE = 0.2  # seconds before the second try; twice as long before each later one
STALL = timedelta(seconds=30)  # without a byte before a request is given up and made anew
MD5_ETAG = re.compile("[0-9a-f]{32}")  # of an object that was put in one piece and is not encrypted with a KMS key
PLAIN_PREFIX = re.compile("([A-Za-z0-9_=.-]*[A-Za-z0-9_=-]/)*")  # a folder that obstore lists under this very name


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

    def head(self, url: str) -> S3Object | None:
        """Return the same; obstore asks, which is cheaper for many, and boto3 where that fails."""
        bucket, key = split_url(url)
        if _has_plain_key(key):
            with suppress(ObstoreError, OSError):
                meta = obstore.head(self._store(bucket), key)
                return S3Object(bucket, key, meta["size"], bare_etag(meta["e_tag"]))
        return self.find(url)

    def list_pages(self, url: str) -> Iterator[list[S3Object]]:
        """Yield the objects whose key begins with the URL's, in the order of their keys, a page at a time.

        obstore lists in a tenth of the time, but only whole folders, and not whether an empty object is one. Raises
        boto3's errors.
        """
        bucket, prefix = split_url(url)
        after = ""
        if PLAIN_PREFIX.fullmatch(prefix):
            with suppress(ObstoreError, OSError, ValueError):  # boto3 goes on from there
                for chunk in obstore.list(self._store(bucket), prefix, chunk_size=1000):
                    page = [S3Object(bucket, each["path"], each["size"], bare_etag(each["e_tag"])) for each in chunk]
                    if all(each.size for each in page):
                        yield page
                    else:
                        last = page[-1].key
                        yield [each for part in self._ask_pages(url, after) for each in part if each.key <= last]
                    after = page[-1].key
                return
        yield from self._ask_pages(url, after)

    def _ask_pages(self, url: str, after: str) -> Iterator[list[S3Object]]:
        """Yield what boto3 lists of a prefix after a key, without folders."""
        bucket, prefix = split_url(url)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after)
        for page in pages:
            yield [
                S3Object(bucket, entry["Key"], entry["Size"], bare_etag(entry["ETag"]))
                for entry in page.get("Contents", [])
                if not entry["Key"].endswith("/")
            ]

    def fetch(self, wanted: S3Object, start: int, end: int) -> bytes:
        """Read a part, and try again while it is not what was listed. Raises SourceError."""
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                data, etag, size = self._ask(wanted, start, end)
            except (ObstoreError, OSError, ValueError, BotoCoreError, ClientError):  # its text may hold the signature
                problem = "the connection broke off, or S3 refused it"
                continue
            if size != wanted.size and not wanted.etag:
                problem = f"it has {size:,} bytes, and the manifest's content_length says {wanted.size:,}"
            elif etag != (wanted.etag or etag) or size != wanted.size:
                problem = "it was changed after it had been listed"
            elif len(data) != end - start:
                problem = f"{len(data):,} bytes came instead of {end - start:,}"
            elif len(data) < wanted.size or not (problem := self._wrong_checksum(wanted, data, etag)):
                return data
        raise SourceError(self._reason(wanted, problem))

    def _ask(self, wanted: S3Object, start: int, end: int) -> tuple[bytes, str, int]:
        """Return a part's bytes with the object's ETag and size; boto3 reads keys that obstore cannot spell."""
        if not _has_plain_key(wanted.key):
            return self._ask_boto3(wanted, start, end)
        options: Any = {"range": (start, end)} if end - start < wanted.size else None
        result = obstore.get(self._store(wanted.bucket), wanted.key, options=options)
        meta = result.meta
        return bytes(result.bytes()), bare_etag(meta["e_tag"]), meta["size"]

    def _ask_boto3(self, wanted: S3Object, start: int, end: int) -> tuple[bytes, str, int]:
        """The same by boto3."""
        span = f"bytes={start}-{end - 1}"
        answer = self.client.get_object(Bucket=wanted.bucket, Key=wanted.key, Range=span)
        return answer["Body"].read(), bare_etag(answer["ETag"]), int(answer["ContentRange"].rpartition("/")[2])

    def _wrong_checksum(self, wanted: S3Object, data: bytes, etag: str) -> str:
        """Return what is wrong with the checksum of a whole object."""
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return "" if etag == digest else self.checksum_differs(wanted, etag, digest)

    def checksum_differs(self, wanted: S3Object, etag: str, digest: str) -> str:
        """Return what is wrong if an MD5 is not the ETag; an object under a KMS key has an ETag that is no MD5."""
        if not MD5_ETAG.fullmatch(etag) or etag == digest:
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
                credential_provider=partial(_credentials, self._session),  # not of self: nobody could free both
                client_options={
                    "allow_http": endpoint.startswith("http://"),
                    "connect_timeout": timedelta(seconds=10),
                    "read_timeout": STALL,
                    "timeout": timedelta(minutes=10),
                },
                retry_config={"max_retries": 1, "retry_timeout": timedelta(minutes=2)},
            )
        return self._stores[bucket]


def _credentials(session: boto3.Session) -> "S3Credential":
    """Return boto3's credentials as obstore wants them; boto3 renews them where they expire."""
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    frozen = credentials.get_frozen_credentials()
    return {
        "access_key_id": frozen.access_key or "",
        "secret_access_key": frozen.secret_key or "",
        "token": frozen.token,
        "expires_at": datetime.now(timezone.utc) + timedelta(minutes=5),
    }


def _has_plain_key(key: str) -> bool:
    """Tell whether obstore asks for this very key: not with empty parts, `.`, `..` and control characters."""
    parts = key.split("/")
    return key.isprintable() and not any(part in ("", ".", "..") for part in parts)


def bare_etag(etag: str | None) -> str:
    """Return an ETag without its quotes, which not every S3 writes in a listing."""
    return (etag or "").strip('"')

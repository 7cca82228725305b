"""Read objects in S3 fast and whole: listed, read many at a time by obstore, each held against its listing.

An object that comes shorter, with another ETag or with another MD5 than was listed is asked for again, a few times;
then the reading fails and names it. Every wait here is a short one in a loop, so that Ctrl-C (or `stop`, where
another thread waits for the caller) ends it at once, however long S3 stalls.
"""

import base64
import hashlib
import io
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import TimeoutError as WaitTimeout
from itertools import islice
from typing import BinaryIO, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import manifest
from infra.aws.client_errors import explain, explain_unreadable
from infra.aws.read_ahead import POLL, ReadAhead, in_thread
from infra.aws.s3_fetcher import Fetcher
from infra.aws.s3_object import PART, S3Object, split_url
from infra.aws.session import make_session
from infra.config import Settings
from infra.errors import Interrupted, SourceError, same_config

WINDOW = 32 << 20  # bytes that are asked for ahead at most
OVERHEAD = 1 << 10  # bytes that a small object weighs more in memory
REQUESTS = 64  # under way at a time
Part = tuple[S3Object, int, int]  # the object, and where in it the part begins and ends
Result = TypeVar("Result")


class ObjectStore:
    """S3 with one identity."""

    def __init__(self, session: boto3.Session, stop: threading.Event | None = None):
        """`stop` ends every wait when it is set by another thread."""
        self._fetcher = Fetcher(session)
        self._stop = stop or threading.Event()

    def region(self, bucket: str) -> str:
        """Return the region of a bucket, "" if S3 does not say. Raises SourceError."""
        try:
            answer = self._call(lambda: self._fetcher.client.head_bucket(Bucket=bucket))
        except (BotoCoreError, ClientError) as error:
            raise SourceError(explain_unreadable(f"s3://{bucket}", error, is_bucket=True)) from None
        return answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "")

    def list(self, url: str) -> Iterator[S3Object]:
        """Yield every object whose key begins with the URL's, in the order of their keys. Raises SourceError."""
        pages = self._fetcher.list_pages(url)
        none: list[S3Object] = []
        last = ""
        try:
            while (page := self._call(lambda: next(pages, none))) is not none:
                if page and page[0].key <= last:
                    raise ValueError("a page that was there before")
                last = page[-1].key if page else last
                yield from page
        except (BotoCoreError, ClientError) as error:
            raise SourceError(explain_unreadable(url, error)) from None
        except (KeyError, ValueError):
            raise SourceError(f"{url} cannot be listed: what came is no listing of S3. Run again.") from None

    def find(self, url: str) -> S3Object | None:
        """Return the object with this URL, None if there is none. Raises SourceError."""
        return self._call(lambda: self._fetcher.find(url))

    def find_all(self, urls: Iterable[str]) -> Generator[S3Object | None, None, None]:
        """Yield the objects with these URLs, None for each that is not there; many are asked for at a time."""
        return ReadAhead(self._fetcher.head, urls, self._stop, REQUESTS, WINDOW, lambda _: OVERHEAD).results()

    def read_one(self, url: str) -> Iterator[bytes]:
        """Yield the contents of one object, such as a manifest. Raises SourceError."""
        found = self.find(url)
        if found is None:
            raise SourceError(f"{url} cannot be read: it does not exist.")
        for _, blocks in self.read([found]):
            yield from blocks

    def read_small(self, url: str) -> bytes:
        """Return the contents of one small object. Raises SourceError."""
        return b"".join(self.read_one(url))

    def write(self, url: str, data: bytes | BinaryIO) -> None:
        """Put an object there, whole or not at all; S3 checks its MD5. Raises SourceError."""
        bucket, key = split_url(url)
        body = io.BytesIO(data) if isinstance(data, bytes) else data
        digest = hashlib.md5(usedforsecurity=False)
        while block := body.read(PART):
            digest.update(block)
        body.seek(0)
        checksum = base64.b64encode(digest.digest()).decode()
        self._change(
            url,
            "written",
            lambda: self._fetcher.client.put_object(Bucket=bucket, Key=key, Body=body, ContentMD5=checksum),
        )

    def delete(self, url: str) -> None:
        """Delete an object. Raises SourceError."""
        bucket, key = split_url(url)
        self._change(url, "deleted", lambda: self._fetcher.client.delete_object(Bucket=bucket, Key=key))

    def _change(self, url: str, done: str, work: Callable[[], object]) -> None:
        """Do what changes an object. Raises SourceError."""
        try:
            self._call(work)
        except (BotoCoreError, ClientError) as error:
            raise SourceError(f"{url} cannot be {done}: {explain(error)}") from None

    def read(self, objects: Iterable[S3Object]) -> Iterator[tuple[S3Object, Iterator[bytes]]]:
        """Yield each object with its contents in blocks, which are to be used up before the next one is asked for.

        The objects after it are read meanwhile. Raises SourceError.
        """
        parts = (
            (each, start, min(start + PART, each.size))
            for each in objects
            for start in range(0, max(each.size, 1), PART)
        )
        fetched = ReadAhead(self._fetch, parts, self._stop, REQUESTS, WINDOW, _weight).results()
        try:
            for (wanted, _, end), block in fetched:
                blocks = (block for _, block in islice(fetched, -(-(wanted.size - end) // PART)))
                yield wanted, self._whole(wanted, block, blocks)
        finally:
            fetched.close()

    def _fetch(self, part: Part) -> tuple[Part, bytes]:
        """Return a part with its contents."""
        return part, self._fetcher.fetch(*part)

    def _whole(self, wanted: S3Object, first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the blocks of an object on; at the end of several, compare their MD5. Raises SourceError."""
        yield first
        if wanted.size <= PART:
            return
        digest = hashlib.md5(first, usedforsecurity=False)
        for block in blocks:
            digest.update(block)
            yield block
        if problem := self._call(lambda: self._fetcher.checksum_differs(wanted, wanted.etag, digest.hexdigest())):
            raise SourceError(f"{wanted.url} cannot be read: {problem}. Run again.")

    def _call(self, work: Callable[[], Result]) -> Result:
        """Do what may wait for minutes in a thread that need not be waited for. Raises Interrupted."""
        future = in_thread(work)
        while True:
            try:
                return future.result(POLL)
            except WaitTimeout:
                if future.done():
                    return future.result()
                if self._stop.is_set():
                    raise Interrupted("The reading of S3 was interrupted.") from None


def _weight(part: Part) -> int:
    """Return the bytes that a part takes in memory."""
    _, start, end = part
    return end - start + OVERHEAD


def list_manifest(url: str, settings: Settings) -> list[S3Object]:
    """Return the objects that a manifest names, in the order of their URLs. Raises SourceError."""
    store = ObjectStore(make_session(settings))
    try:
        urls = sorted(entry.url for entry in manifest.entries(store.read_one(url)))
    except ValueError:
        raise SourceError(f"{url} is no manifest: let infra/compact_songs.py write it.") from None
    found = dict(zip(urls, store.find_all(urls), strict=True))
    missing = [name for name, each in found.items() if each is None]
    if missing:
        raise SourceError(
            f"{missing[0]} does not exist, though {url} names it: run infra/compact_songs.py{same_config()} again."
        )
    return [each for each in found.values() if each]

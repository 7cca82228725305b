"""Read objects in S3 fast and whole: listed by boto3, read many at a time by obstore, each held against its listing.

An object that comes shorter, with another ETag or with another MD5 than was listed is asked for again, a few times;
then the reading fails and names it. Every wait here is a short one in a loop, so that Ctrl-C (or `stop`, where
another thread waits for the caller) ends it at once, however long S3 stalls.
"""

import asyncio
import base64
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from itertools import islice
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.aws.client_errors import explain, explain_unreadable
from infra.aws.s3_fetcher import Fetcher, S3Object, bare_etag, in_thread, split_url
from infra.aws.session import make_session
from infra.config import Settings
from infra.errors import Interrupted, SourceError

__all__ = ["ObjectStore", "S3Object", "list_manifest", "split_url"]
PART = 4 << 20  # bytes that one request asks for at most
WINDOW = 32 << 20  # bytes that are asked for ahead at most
REQUESTS = 64  # under way at a time
POLL = 0.1  # seconds between two looks at `stop`
Result = TypeVar("Result")


class ObjectStore:
    """S3 with one identity; a context manager, for what reads in the background ends with it."""

    def __init__(self, session: boto3.Session, stop: threading.Event | None = None):
        """`stop` ends every wait when it is set by another thread."""
        self._fetcher = Fetcher(session)
        self._stop = stop or threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> "ObjectStore":
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the requests that are under way."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def region(self, bucket: str) -> str:
        """Return the region of a bucket, "" if S3 does not say. Raises SourceError."""
        try:
            answer = self._call(lambda: self._fetcher.client.head_bucket(Bucket=bucket))
        except (BotoCoreError, ClientError) as error:
            raise SourceError(explain_unreadable(f"s3://{bucket}", error, is_bucket=True)) from None
        return answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "")

    def list(self, url: str) -> Sequence[S3Object]:
        """Return every object whose key begins with the URL's, in the order of their keys. Raises SourceError."""
        bucket, prefix = split_url(url)

        def ask() -> Sequence[S3Object]:
            """Ask for one page after the other."""
            pages = self._fetcher.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [
                S3Object(bucket, entry["Key"], entry["Size"], bare_etag(entry["ETag"]))
                for page in pages
                for entry in page.get("Contents", [])
                if not entry["Key"].endswith("/")
            ]

        try:
            return self._call(ask)
        except (BotoCoreError, ClientError) as error:
            raise SourceError(explain_unreadable(url, error)) from None

    def find(self, url: str) -> S3Object | None:
        """Return the object with this URL, None if there is none. Raises SourceError."""
        return self._call(lambda: self._fetcher.find(url))

    def find_all(self, urls: Sequence[str]) -> Sequence[S3Object | None]:
        """Return the objects with these URLs, None for each that is not there; many are asked for at a time."""
        ahead = deque(self._submit(self._fetcher.head(url)) for url in urls[:REQUESTS])
        found = []
        for url in [*urls[REQUESTS:], *[""] * len(ahead)]:
            found.append(self._wait(ahead.popleft()))
            if url:
                ahead.append(self._submit(self._fetcher.head(url)))
        return found

    def read_small(self, url: str) -> bytes:
        """Return the contents of one small object, such as a manifest. Raises SourceError."""
        found = self.find(url)
        if found is None:
            raise SourceError(f"{url} cannot be read: it does not exist.")
        return b"".join(block for _, blocks in self.read([found]) for block in blocks)

    def write(self, url: str, data: bytes) -> None:
        """Put an object there, whole or not at all; S3 checks its MD5. Raises SourceError."""
        bucket, key = split_url(url)
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        self._change(
            url,
            "written",
            lambda: self._fetcher.client.put_object(Bucket=bucket, Key=key, Body=data, ContentMD5=digest),
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

    def read(self, objects: Sequence[S3Object]) -> Iterator[tuple[S3Object, Iterator[bytes]]]:
        """Yield each object with its contents in blocks, which are to be used up before the next one is asked for.

        The objects after it are read meanwhile. Raises SourceError.
        """
        parts = ((each, start, min(start + PART, each.size)) for each in objects for start in range(0, each.size, PART))
        fetched = self._in_order(parts)
        try:
            for each in objects:
                yield each, self._whole(each, islice(fetched, -(-each.size // PART)))
        finally:
            fetched.close()

    def _whole(self, wanted: S3Object, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the blocks of an object on; at the end of several, compare their MD5. Raises SourceError."""
        digest = hashlib.md5(usedforsecurity=False)
        for block in blocks:
            if wanted.size > PART:
                digest.update(block)
            yield block
        if wanted.size > PART and (problem := self._fetcher.checksum_differs(wanted, digest.hexdigest())):
            raise SourceError(f"{wanted.url} cannot be read: {problem}. Run again.")

    def _in_order(self, parts: Iterable[tuple[S3Object, int, int]]) -> Generator[bytes, None, None]:
        """Yield the parts' contents in their order, WINDOW bytes of them asked for ahead."""
        ahead: deque[tuple[int, Future[bytes]]] = deque()
        pending = 0
        try:
            for wanted, start, end in parts:
                while ahead and (pending + end - start > WINDOW or len(ahead) >= REQUESTS):
                    size, future = ahead.popleft()
                    yield self._wait(future)
                    pending -= size
                pending += end - start
                ahead.append((end - start, self._submit(self._fetcher.fetch(wanted, start, end))))
            while ahead:
                yield self._wait(ahead.popleft()[1])
        finally:
            for _, future in ahead:
                future.cancel()

    def _submit(self, request: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Have a request made in the background."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(request, self._loop)

    def _call(self, work: Callable[[], Result]) -> Result:
        """Do what boto3 may wait in for minutes, in a thread that need not be waited for."""
        return self._wait(in_thread(work))

    def _wait(self, future: "Future[Result]") -> Result:
        """Wait for a result, in steps that Ctrl-C and `stop` can end. Raises Interrupted."""
        while True:
            try:
                return future.result(POLL)
            except WaitTimeout:
                if future.done():
                    return future.result()
                if self._stop.is_set():
                    raise Interrupted("The reading of S3 was interrupted.") from None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run the event loop of a background thread until it is stopped, and end its requests."""
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_all())
    finally:
        loop.close()


async def _cancel_all() -> None:
    """End the requests that nobody waits for any more."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def list_manifest(url: str, settings: Settings) -> list[S3Object]:
    """Return the objects that a manifest names, in the order of their URLs. Raises SourceError."""
    with ObjectStore(make_session(settings)) as store:
        try:
            urls = sorted(entry["url"] for entry in json.loads(store.read_small(url))["entries"])
        except (ValueError, TypeError, KeyError):
            raise SourceError(f"{url} is no manifest: let infra/compact_songs.py write it.") from None
        found = dict(zip(urls, store.find_all(urls), strict=True))
    missing = [name for name, each in found.items() if each is None]
    if missing:
        raise SourceError(f"{missing[0]} does not exist, though {url} names it: run infra/compact_songs.py again.")
    return [each for each in found.values() if each]

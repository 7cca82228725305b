"""An S3 that answers wrongly in fifty more ways: what was listed is loaded whole, or nothing is, with one sentence."""

import gzip
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg2
import pytest

from infra.aws import s3_fetcher
from tests.copy_command.test_copy_s3_faults import FAULTS, ROWS
from tests.fixtures.copying import Copier
from tests.fixtures.faulty_s3 import FaultyS3, Handler, etag

pytestmark = pytest.mark.long

PATIENCE = 30.0  # seconds in which every COPY here has ended
ALL = [(f"{name}1{number}",) for name in "abc" for number in range(50)]
OTHER = ROWS.replace('"1', '"x1').encode()


def raw(*lines: str, body: bytes = b"", etag_of: bytes | None = None) -> bytes:
    """An HTTP answer, as it goes over the wire."""
    tag = [f"ETag: {etag(etag_of)}"] if etag_of is not None else []
    return "\r\n".join([*lines, *tag, "Last-Modified: Thu, 01 Nov 2018 00:00:00 GMT", "", ""]).encode() + body


def ok(body: bytes, sent: bytes | None = None, length: int | None = None, *more: str) -> bytes:
    """A 200 for an object, of which `sent` comes under a Content-Length."""
    sent = body if sent is None else sent
    size = len(sent) if length is None else length
    return raw("HTTP/1.1 200 OK", f"Content-Length: {size}", *more, body=sent, etag_of=body)


def chunked(body: bytes, chunks: bytes) -> bytes:
    """A 200 in chunks."""
    return raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunks, etag_of=body)


def status(code: int, words: str = "Error", body: bytes = b"", *more: str) -> bytes:
    """An answer that is no 200."""
    return raw(f"HTTP/1.1 {code} {words}", f"Content-Length: {len(body)}", *more, body=body)


HTML = b"<html><body>Please log in to this network</body></html>"
OBJECT: dict[str, Callable[[bytes], bytes]] = {  # what comes in place of an object, after which the connection closes
    "longer": lambda body: ok(body, body + body[:12]),
    "shorter than its Content-Length": lambda body: ok(body, body[:-1], len(body)),
    "Content-Length too small": lambda body: ok(body, body, len(body) - 12),
    "Content-Length of 0": lambda body: ok(body, b""),
    "Content-Length that is no number": lambda body: raw(
        "HTTP/1.1 200 OK", "Content-Length: x", body=body, etag_of=body
    ),
    "two Content-Lengths": lambda body: ok(body, body, len(body), "Content-Length: 3"),
    "no ETag": lambda body: raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body),
    "an empty ETag": lambda body: raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", 'ETag: ""', body=body),
    "another object": lambda body: ok(OTHER),
    "another object under this ETag": lambda body: ok(body, OTHER[: len(body)].ljust(len(body))),
    "one bit wrong": lambda body: ok(body, bytes([body[0] ^ 1]) + body[1:]),
    "the last byte wrong": lambda body: ok(body, body[:-1] + b" "),
    "the halves exchanged": lambda body: ok(body, body[len(body) // 2 :] + body[: len(body) // 2]),
    "zeros": lambda body: ok(body, bytes(len(body))),
    "an HTML page": lambda body: raw("HTTP/1.1 200 OK", f"Content-Length: {len(HTML)}", body=HTML),
    "a 206 of a part": lambda body: raw(
        "HTTP/1.1 206 Partial Content", f"Content-Range: bytes 0-9/{len(body)}", "Content-Length: 10", body=body[:10],
        etag_of=body,
    ),
    "chunks without an end": lambda body: chunked(body, b"%x\r\n%s\r\n" % (len(body), body)),
    "a chunk cut off": lambda body: chunked(body, b"%x\r\n%s" % (len(body), body[:50])),
    "a chunk's size that is none": lambda body: chunked(body, b"zz\r\n%s\r\n0\r\n\r\n" % body),
    "gzip that is none": lambda body: ok(body, body, None, "Content-Encoding: gzip"),
    "gzip by a proxy": lambda body: ok(body, gzip.compress(body), None, "Content-Encoding: gzip"),
    "headers cut off": lambda body: ok(body)[:60],
    "a status line alone": lambda body: b"HTTP/1.1 200 OK\r\n",
    "nothing": lambda body: b"",
    "no HTTP": lambda body: b"220 mail.example.com ESMTP\r\n",
    "a redirect to nowhere": lambda body: status(301, "Moved"),
    "a redirect to itself": lambda body: status(302, "Found", b"", "Location: /sparkify/log/b.json"),
    "a redirect to a closed port": lambda body: status(307, "Moved", b"", "Location: http://127.0.0.1:9/sparkify"),
    **{
        str(code): lambda body, code=code: status(code, "Error", b"<Error><Code>Odd</Code></Error>")
        for code in (204, 304, 400, 401, 405, 409, 412, 416, 429, 501, 502, 504, 599)
    },
}  # fmt: skip
HARMLESS = {"gzip that is none"}  # the bytes are those that were listed, whatever an object is said to be encoded by

ENTRY = (
    "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>{etag}</ETag>"
    "<LastModified>2018-11-01T00:00:00.000Z</LastModified></Contents>"
)


def page(content: str, truncated: str = "false", more: str = "") -> bytes:
    """A page of a listing."""
    body = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{content}</ListBucketResult>".encode()
    return raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Content-Type: application/xml", body=body)


LISTING: dict[str, Callable[[str], bytes]] = {  # what comes in place of a listing, made of its right entries
    "no bytes": lambda entries: b"",
    "an empty body": lambda entries: status(200, "OK"),
    "an HTML page": lambda entries: status(200, "OK", HTML),
    "XML cut off": lambda entries: status(200, "OK", b"<ListBucketResult><IsTruncated>false</Is"),
    "shorter than its Content-Length": lambda entries: page(entries)[:-40],
    "an entry without a size": lambda entries: page(entries.replace("Size>", "Length>")),
    "a size that is no number": lambda entries: page(entries.replace("<Size>", "<Size>x")),
    "a negative size": lambda entries: page(entries.replace("<Size>", "<Size>-")),
    "a size too large": lambda entries: page(entries.replace("<Size>", "<Size>9")),
    "an entry without a key": lambda entries: page(entries.replace("Key>", "Name>")),
    "the page that goes on for ever": lambda entries: page(
        entries, "true", "<NextContinuationToken>again</NextContinuationToken>"
    ),
    **{
        str(code): lambda entries, code=code: status(code, "Error", b"<Error><Code>Odd</Code></Error>")
        for code in (301, 400, 403, 404, 429, 500, 503)
    },
}  # fmt: skip


def some(faults: dict[str, Callable]) -> list:
    """All of them, of which one in eight runs by default."""
    return [pytest.param(name, marks=[pytest.mark.slow] if at % 8 else []) for at, name in enumerate(faults)]


@pytest.fixture
def bucket(faulty_s3: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> FaultyS3:
    """A bucket with three objects, whose reader loses patience soon; boto3 asks twice."""
    monkeypatch.setattr(s3_fetcher, "PAUSE", 0.01)
    monkeypatch.setattr(s3_fetcher, "STALL", timedelta(seconds=2))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    for name in "abc":
        faulty_s3.objects[f"log/{name}.json"] = ROWS.replace('"1', f'"{name}1').encode()
    return faulty_s3


def send(handler: Handler, answer: bytes) -> None:
    """Send these bytes and close."""
    handler.wfile.write(answer)
    handler.wfile.flush()
    handler.close_connection = True


def answer_with(monkeypatch: pytest.MonkeyPatch, where: str, fault: Callable, times: int) -> list[int]:
    """Let the first so many answers there be wrong; how many are left."""
    left = [times]
    answer = getattr(Handler, where)

    def answer_wrongly(handler: Handler, name: str, *more: str) -> None:
        """Answer as told, for b.json and for listings."""
        body = handler.server.objects.get(name)
        if left[0] and handler.command == "GET" and (name == "log/b.json" or where == "answer_list"):
            left[0] -= 1
            entries = "".join(
                ENTRY.format(key=key, size=len(each), etag=etag(each))
                for key, each in sorted(handler.server.objects.items())
            )
            send(handler, fault(entries if where == "answer_list" else body))
        else:
            answer(handler, name, *more)

    monkeypatch.setattr(Handler, where, answer_wrongly)
    return left


def load_or_fail(copier: Copier) -> str:
    """The message of a COPY that fails and loads nothing; "" for one that loads all. Nothing else may be."""
    start = time.monotonic()
    message = ""
    try:
        copier.copy("s3://sparkify/log/")
        assert copier.rows() == ALL
    except psycopg2.InternalError as error:
        message = error.diag.message_primary
        assert message.startswith(("S3ServiceException: ", "Load into table 't' failed.", "The specified S3 prefix"))
        assert "\n" not in message
    copier.connection.rollback()
    assert time.monotonic() - start < PATIENCE
    assert copier.rows() == []
    return message


@pytest.mark.parametrize("fault", some(OBJECT))
def test_an_object_that_comes_wrong_once(copier: Copier, bucket: FaultyS3, monkeypatch, fault: str):
    left = answer_with(monkeypatch, "answer_object", OBJECT[fault], 1)
    assert load_or_fail(copier) == ""
    assert left == [0]


@pytest.mark.parametrize("fault", some(OBJECT))
def test_an_object_that_always_comes_wrong(copier: Copier, bucket: FaultyS3, monkeypatch, fault: str):
    answer_with(monkeypatch, "answer_object", OBJECT[fault], 1000)
    message = load_or_fail(copier)
    if fault in HARMLESS:
        assert message == ""
    else:
        assert message.startswith("S3ServiceException: s3://sparkify/log/b.json cannot be read: ")


@pytest.mark.parametrize("fault", some(LISTING))
def test_a_listing_that_always_comes_wrong(copier: Copier, bucket: FaultyS3, monkeypatch, fault: str):
    answer_with(monkeypatch, "answer_list", LISTING[fault], 1000)
    assert load_or_fail(copier) != ""


def test_there_are_as_many_as_promised():
    assert len(FAULTS) + len(OBJECT) + len(LISTING) >= 60

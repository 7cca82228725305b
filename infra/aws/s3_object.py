"""An object as S3 lists it, and its URL: for those, too, who need no client of S3, which takes its time to import."""

from dataclasses import dataclass

PART = 4 << 20  # bytes that one request asks for at most


@dataclass(frozen=True, slots=True)  # there may be hundreds of thousands
class S3Object:
    """An object as S3 lists it: its size in bytes and its ETag, "" for whatever is there when it is read."""

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

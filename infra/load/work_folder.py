"""What a load writes down for its COPYs: the manifests of the files to read, and their rows for the ledger."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from infra.aws.s3_object import split_url
from infra.config import Settings
from infra.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OpenFile = Callable[[str], AbstractContextManager[BinaryIO]]

LEDGER = "loaded_files"  # a folder
ROWS = 50_000  # in a file of it: COPY reads several files at a time, and none as a whole


@dataclass(frozen=True)
class SourceFile:
    """A file to load: its path or s3:// URL, its size in bytes, and its ETag or the time of its last change."""

    name: str
    size: int
    version: str


def work_place(settings: Settings) -> str:
    """Where a load writes for its COPYs: a folder of the embedded warehouse, a cluster's in S3, "" for nowhere."""
    return str(settings.local_path / "work") if settings.embedded else settings.work


class Lines:
    """A file of a line for each of the source's files."""

    def __init__(self, file: BinaryIO, describe: Callable[[SourceFile], object], comma: bytes) -> None:
        """`comma` stands between two lines."""
        self._file, self._describe, self._comma = file, describe, comma
        self._count = 0

    def add(self, file: SourceFile) -> None:
        """Write a line."""
        text = json.dumps(self._describe(file)).encode()
        self._file.write(self._comma + b"\n" + text if self._count else text)
        self._count += 1


class Ledger:
    """The rows of loaded_files, in files of ROWS lines."""

    def __init__(self, stack: ExitStack, open_file: OpenFile, more: dict[str, object]) -> None:
        """`stack` closes the last file; `more` is what all rows have."""
        self._stack, self._open, self._more = stack, open_file, more
        self._count = 0

    def add(self, file: SourceFile) -> None:
        """Write a row."""
        if self._count % ROWS == 0:
            self._stack.close()
            part = self._stack.enter_context(self._open(f"{LEDGER}/{self._count // ROWS:04}.json"))
            self._lines = Lines(part, self._row, b"")
        self._lines.add(file)
        self._count += 1

    def _row(self, file: SourceFile) -> dict[str, object]:
        """What the ledger holds of a file."""
        return {"file_name": file.name, "size": file.size, "version": file.version, **self._more}


class WorkFolder:
    """The files of one load that its COPYs read: below [S3] WORK for a cluster, else in the warehouse's own folder."""

    def __init__(self, settings: Settings, load_id: str) -> None:
        """Make a folder on disk; a cluster's files go to S3 from there."""
        self._settings, self._load_id = settings, load_id
        place = work_place(settings)
        self._url = f"{place}{load_id}/" if place.startswith("s3://") else ""
        if self._url or not place:
            self._path = Path(tempfile.mkdtemp())
        else:
            self._path = Path(place, load_id)
            self._path.mkdir(parents=True, exist_ok=True)
        self._uploaded: list[str] = []

    @contextmanager
    def open_manifest(self, name: str) -> Iterator[Lines]:
        """Open a COPY's manifest."""
        with self._open(f"{name}.manifest") as file:
            file.write(b'{"entries": [\n')
            yield Lines(file, _entry, b",")
            file.write(b"\n]}\n")

    @contextmanager
    def open_ledger(self) -> Iterator[Ledger]:
        """Open the rows of loaded_files."""
        now = int(datetime.now(timezone.utc).timestamp() * 1000)
        (self._path / LEDGER).mkdir()
        with ExitStack() as stack:
            yield Ledger(stack, self._open, {"load_id": self._load_id, "loaded_at": now})

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to write."""
        path = self._path / name
        try:
            with path.open("wb") as file:
                yield file
        except OSError as error:  # a failed write does not name its file
            raise OSError(error.errno, error.strerror, error.filename or str(path)) from None

    def publish(self) -> dict[str, str]:
        """Put the files where the COPYs read them; where each is, as the statements bind it. Raises SourceError."""
        names = {"log_data": "log_data.manifest", "song_data": "song_data.manifest", "file_list": f"{LEDGER}/"}
        if not self._url:
            return {key: str(self._path / name) for key, name in names.items()}
        from boto3.s3.transfer import TransferConfig  # only for those who use AWS

        slim = TransferConfig(max_concurrency=2)  # parts that are held in memory
        with _s3(self._settings, f"{self._url}, below [S3] WORK, cannot be written") as client:
            for path in (path for path in self._path.rglob("*") if path.is_file()):
                name = path.relative_to(self._path).as_posix()
                client.upload_file(str(path), *split_url(self._url + name), Config=slim)
                self._uploaded.append(name)
        return {key: self._url + name for key, name in names.items()}

    def delete(self) -> None:
        """Delete what was written. In S3 it stays where that is not allowed: it is small and belongs to this load."""
        shutil.rmtree(self._path, ignore_errors=True)
        with suppress(SourceError):
            for name in self._uploaded:
                with _s3(self._settings, f"{self._url}, below [S3] WORK, cannot be written") as client:
                    bucket, key = split_url(self._url + name)
                    client.delete_object(Bucket=bucket, Key=key)


@contextmanager
def work_folder(settings: Settings, load_id: str) -> Iterator[WorkFolder]:
    """The folder of a load while it runs."""
    folder = WorkFolder(settings, load_id)
    try:
        yield folder
    finally:
        folder.delete()


def _entry(file: SourceFile) -> dict[str, object]:
    """A manifest's entry."""
    return {"url": file.name, "mandatory": True, "meta": {"content_length": file.size}}


@contextmanager
def _s3(settings: Settings, failure: str) -> Iterator["S3Client"]:
    """An S3 client. Raises SourceError, `failure` and the reason, for whatever S3 answers."""
    from boto3.exceptions import Boto3Error  # only for those who use AWS
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.aws.client_errors import explain
    from infra.aws.session import make_session

    try:
        yield make_session(settings, settings.region).client("s3")
    except (BotoCoreError, ClientError) as error:
        raise SourceError(f"{failure}: {explain(error)}") from None
    except Boto3Error as error:
        raise SourceError(f"{failure}: {error}") from None

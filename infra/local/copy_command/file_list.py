"""The files of a COPY, kept on disk: there may be hundreds of thousands."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from infra.aws.s3_object import S3Object
from infra.errors import CopyError
from infra.local.copy_command.files import explain
from infra.local.copy_command.model import SourceFile


@dataclass(frozen=True)
class FileList:
    """Files in their order, their number, and their bytes as stored."""

    written: IO[str]
    count: int
    size: int

    def __iter__(self) -> Iterator[SourceFile]:
        """Yield the files; one reader at a time."""
        self.written.seek(0)
        for line in self.written:
            path, size, listed = json.loads(line)
            yield SourceFile(path, size, listed and S3Object(*listed))


@contextmanager
def file_list(files: Iterable[SourceFile], folder: Path) -> Iterator[FileList]:
    """Write the files down in `folder`, as long as they are needed."""
    with TemporaryFile("w+", dir=folder, encoding="ascii") as written:
        count = size = 0
        try:
            for file in files:
                written.write(json.dumps([file.path, file.size, file.listed and astuple(file.listed)]) + "\n")
                count += 1
                size += file.size
            written.flush()
        except OSError as error:
            raise CopyError(explain(str(folder), error)) from None
        yield FileList(written, count, size)

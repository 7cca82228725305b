"""The files below a folder on disk, in the order of their names, whatever links lead where."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and state of every file below a folder, in the order of the whole paths.

    What links lead to is read once. Held are the names of a folder and of those above it. Raises OSError.
    """
    yield from _walk(folder, Path(os.path.realpath(folder)), set())


def _walk(folder: str, root: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[str, os.stat_result]]:
    """The same; `seen` are the folders that were read."""
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return
    seen.add(identity)
    with os.scandir(folder) as found:
        paths = sorted(entry.path + os.sep * entry.is_dir() for entry in found)  # a/b.json comes before a/b/c.json
    for path in paths:
        if not path.endswith(os.sep):
            yield path, os.stat(path)
        elif not (os.path.islink(path[:-1]) and Path(os.path.realpath(path)).is_relative_to(root)):
            yield from _walk(path[:-1], root, seen)  # a link into the root: what it leads to is read where it is

"""A COPY's manifest, read entry by entry: it may name hundreds of thousands of files."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Entry:
    """A file that a manifest names; `size` is its meta.content_length, 0 if the manifest does not say."""

    url: str
    mandatory: bool
    size: int


def entries(blocks: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a manifest that comes in blocks. Raises ValueError for what is none."""
    try:
        for value in _Reader(blocks).entries():
            if not isinstance(value["url"], str):
                raise ValueError
            size = int(value.get("meta", {}).get("content_length", 0))
            yield Entry(value["url"], bool(value.get("mandatory", False)), size)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None


class _Reader:
    """JSON that is decoded as it comes."""

    def __init__(self, blocks: Iterable[bytes]):
        """Begin at the start."""
        self._blocks = codecs.iterdecode(blocks, "utf-8-sig")
        self._decoder = json.JSONDecoder()
        self._text, self._at = "", 0

    def entries(self) -> Iterator[Any]:
        """Yield the elements of the root's `entries`, whatever else the root holds. Raises ValueError."""
        found = False
        self._expect("{")
        while True:
            key = self._value()
            self._expect(":")
            if key == "entries" and not found:
                found = True
                self._expect("[")
                if self._next() == "]":
                    self._expect("]")
                else:
                    yield from self._elements()
            else:
                self._value()
            if self._expect(",}") == "}":
                break
        if not found or self._next():
            raise ValueError

    def _elements(self) -> Iterator[Any]:
        """Yield the elements of an array, whose bracket has been read."""
        while True:
            yield self._value()
            if self._expect(",]") == "]":
                return

    def _next(self) -> str:
        """Return the next character that is no white space, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _expect(self, characters: str) -> str:
        """Read one of these characters. Raises ValueError."""
        found = self._next()
        if not found or found not in characters:
            raise ValueError
        self._at += 1
        return found

    def _value(self) -> Any:
        """Read a value. Raises ValueError."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self._text) and self._more():  # a number may go on
                continue
            self._at = end
            return value

    def _more(self) -> bool:
        """Take the next block; whether there is one."""
        block = next(self._blocks, None)
        self._text, self._at = self._text[self._at :] + (block or ""), 0
        return block is not None

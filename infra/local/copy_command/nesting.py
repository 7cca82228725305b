"""How deep JSON is nested, told without recursion: DuckDB crashes and Python's decoder gives up at some depth."""

import re

from infra.local.copy_command.model import DEEPEST_NESTING

_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b'{}[]"'))
_ALL_BUT_OUTLINE = bytes(set(range(256)) - set(b"{}[]\n"))
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def deepest(data: bytes) -> int:
    """Return how deep the objects in `data` are nested at most, an estimate at little cost.

    Each object but the first begins with a bracket of its own; what is left over could all be one object's depth.
    """
    windows = data.count(b"}\r\n{") if b"\r" in data else 0
    return data.count(b"{") + data.count(b"[") - data.count(b"}\n{") - windows


def outlines(data: bytes) -> set[bytes]:
    """Return the brackets of each line, b"{}" of a flat object; many lines have the same."""
    return set(data.translate(None, _ALL_BUT_OUTLINE).split(b"\n"))


def deepest_in_lines(lines: set[bytes]) -> int:
    """Return how deep one of these outlines is nested at most, for a reader that never looks past a line's end."""
    return max(line.count(b"{") + line.count(b"[") for line in lines)


def is_too_deep(data: bytes) -> bool:
    """Tell whether an object in `data` is nested deeper than DEEPEST_NESTING levels; broken JSON may count as such."""
    if deepest(data) <= DEEPEST_NESTING:
        return False
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    brackets = data.translate(None, _ALL_BUT_BRACKETS).replace(b'""', b"")
    brackets = re.sub(rb'"[^"]*"', b"", brackets)
    for _ in range(DEEPEST_NESTING):  # each round takes the innermost level away
        inner = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)


def end_of_value(text: str, at: int) -> int:
    """Return where the object or array that begins at `at` ends, by its brackets alone; -1 if it does not end."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text, at):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1

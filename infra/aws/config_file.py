"""Write single values into dwh.cfg and leave every other byte of it as it is."""

import os
import re
import tempfile
from pathlib import Path

from infra.errors import ConfigError

SECTION = re.compile(r"\[([^]]+)\]")
ENTRY = re.compile(r"(\s*)([^\s#;=:\[][^=:]*?)(\s*[=:][ \t]*)(.*)", re.DOTALL)


def set_values(path: Path, values: dict[tuple[str, str], str]) -> None:
    """Give each (section, key) its value: in the quotes and with the line ends that are there.

    A key that is missing goes to the end of its section, a missing section to the end of the file. The file is
    replaced as a whole, so that a run cut off leaves the old one or the new one, and only its owner may read it.
    """
    path = path.resolve()
    text = path.read_bytes().decode("utf-8")
    new = text
    for (section, key), value in values.items():
        new = _set(new, section, key, value)
    if new == text:
        protect(path)
        return
    _replace(path, new)


def check_writable(path: Path) -> None:
    """Write the file as it is, so that one that cannot be written is found before anything costs money.

    Raises ConfigError.
    """
    path = path.resolve()
    try:
        _replace(path, path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}), but HOST and ARN are to be put there: let the file and its "
            "folder be written, or copy it to another place and name that with --config. Nothing was made."
        ) from None


def _replace(path: Path, text: str) -> None:
    """Replace the file as a whole by one with this text, which only its owner may read."""
    handle, name = tempfile.mkstemp(prefix=".dwh.cfg-", dir=path.parent)  # made with 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def protect(path: Path) -> None:
    """Let only its owner read the file.

    On Windows chmod knows no readers: there the file has the rights of its folder, which in a user's own profile are
    that user's.
    """
    if os.name == "posix":
        path.chmod(0o600)


def _set(text: str, section: str, key: str, value: str) -> str:
    """`text` with the one value set."""
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    inside, last = False, None
    for number, line in enumerate(lines):
        stripped = line.lstrip("\ufeff").strip()
        if header := SECTION.match(stripped):
            inside = header[1].strip().upper() == section
        elif inside and (entry := ENTRY.match(line)) and entry[2].upper() == key:
            indent, name, between, old = entry.groups()
            end = old[len(old.rstrip()) :]
            old = old.rstrip()
            quote = old[0] if len(old) >= 2 and old[0] == old[-1] and old[0] in "'\"" else ""
            lines[number] = f"{indent}{name}{between}{quote}{value}{quote}{end}"
            del lines[number + 1 : _end_of_value(lines, number, len(indent))]
            return "".join(lines)
        if inside and stripped:
            last = number
    if last is None:
        lines += ["" if not lines or lines[-1].endswith("\n") else newline, f"{newline}[{section}]{newline}"]
        last = len(lines) - 1
    if not lines[last].endswith("\n"):
        lines[last] += newline
    lines.insert(last + 1, f"{key}={value}{newline}")
    return "".join(lines)


def _end_of_value(lines: list[str], number: int, indent: int) -> int:
    """The number of the first line that no longer belongs to the value that begins in this one."""
    end = number + 1
    while end < len(lines) and (rest := lines[end].lstrip()) and rest[0] not in "#;":
        if len(lines[end]) - len(rest) <= indent:
            break
        end += 1
    return end

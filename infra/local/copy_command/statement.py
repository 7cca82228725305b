"""Read Redshift's COPY statement: FORMAT JSON from S3, and the options that go with it.

An option that is not listed here is refused, and so is one that Redshift does not allow with JSON.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from infra.errors import CopyError
from infra.local.copy_command.model import CopyStatement, TableName

_TOKEN = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
      | (?P<escaped>[Ee]'(?:[^'\\]|''|\\.)*') | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")+" | [A-Za-z_][A-Za-z0-9_$]*) | (?P<number>\d+) | (?P<mark>[(),.])""",
    re.VERBOSE | re.DOTALL,
)
_ROLE = re.compile(r"default|arn:aws[a-z-]*:iam::\d{12}:role/\S+")
MOST_ERRORS = 100_000  # Redshift's limit for MAXERROR
NOT_WITH_JSON = {
    "CSV", "DELIMITER", "ESCAPE", "FILLRECORD", "FIXEDWIDTH", "IGNOREBLANKLINES", "NULL", "QUOTE", "READRATIO",
    "REMOVEQUOTES",
}  # fmt: skip
NOT_COVERED = {"LZOP", "ZSTD"}


class _Reader:
    """The tokens of a statement, read from the left."""

    def __init__(self, text: str):
        """Split `text` into (kind, value) pairs; white space and comments are dropped."""
        self.tokens: list[tuple[str, str]] = []
        self.at = position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if not match:
                raise CopyError(f'syntax error at or near "{text[position : position + 20]}"')
            position = match.end()
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match[0]))

    def peek(self) -> str:
        """Return the next token in upper case, "" at the end."""
        return self.tokens[self.at][1].upper() if self.at < len(self.tokens) else ""

    def accept(self, *words: str) -> bool:
        """Step over the next token if it is one of `words`."""
        if self.peek() in words:
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Step over the next token, which must be `word`."""
        if not self.accept(word):
            raise CopyError(f'syntax error at or near "{self.peek()}"')

    def take(self, *kinds: str) -> str:
        """Return the next token's value, which must be of one of `kinds`."""
        kind, value = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "end of statement")
        if kind not in kinds:
            raise CopyError(f'syntax error at or near "{value}"')
        self.at += 1
        if kind == "text":
            return value[1:-1].replace("''", "'")
        if kind == "escaped":  # psycopg2 writes a value with a backslash so
            return re.sub(r"''|\\(.)", lambda match: match[1] or "'", value[2:-1], flags=re.DOTALL)
        return value

    def text(self) -> str:
        """Return the next token, a string literal."""
        return self.take("text", "escaped")

    def has_text(self) -> bool:
        """Tell whether a string literal comes next."""
        return self.at < len(self.tokens) and self.tokens[self.at][0] in ("text", "escaped")

    def number(self, most: int, option: str) -> int:
        """Return the next token, a whole number up to `most`."""
        digits = self.take("number")
        if len(digits) > 18 or int(digits) > most:
            raise CopyError(f"{option} is at most {most}")
        return int(digits)

    def identifier(self) -> str:
        """Return the next token, a name: lower case unless quoted."""
        name = self.take("name")
        return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def parse(text: str) -> CopyStatement:
    """Read a COPY statement. Raises CopyError."""
    reader = _Reader(text)
    reader.accept("COPY")
    names = [reader.identifier()]
    while reader.accept("."):
        names.append(reader.identifier())
    columns = None
    if reader.accept("("):
        columns = [reader.identifier()]
        while reader.accept(","):
            columns.append(reader.identifier())
        reader.expect(")")
    reader.expect("FROM")
    statement = CopyStatement(TableName(tuple(names)), reader.text(), columns)
    seen = set()
    while option := reader.peek():
        kind = _ALIKE.get(option, option)
        if kind in seen:
            raise CopyError(f"conflicting or redundant options: {option}")
        seen.add(kind)
        _read_option(reader, option, statement)
    if not statement.role and not (statement.keys.key and statement.keys.secret):
        raise CopyError("COPY needs IAM_ROLE, or both ACCESS_KEY_ID and SECRET_ACCESS_KEY")
    if not statement.json:
        raise CopyError("The embedded warehouse covers COPY with FORMAT JSON only")
    if statement.json == "noshred":
        raise CopyError("The embedded warehouse does not cover 'noshred', which needs a SUPER column")
    if statement.time_format not in ("auto", "epochsecs", "epochmillisecs"):
        raise CopyError(f"The embedded warehouse does not cover TIMEFORMAT '{statement.time_format}'")
    if statement.role and not _ROLE.fullmatch(statement.role):
        raise CopyError(f"Invalid IAM role ARN: {statement.role}")
    return statement


def _read_option(reader: _Reader, option: str, statement: CopyStatement) -> None:
    """Step over one option and note it in `statement`."""
    reader.take("name")
    if option in NOT_WITH_JSON:
        if any(word.upper() == "JSON" for _, word in reader.tokens):
            raise CopyError(f"{option} is not supported for COPY from JSON")
        raise CopyError("The embedded warehouse covers COPY with FORMAT JSON only")
    if option in NOT_COVERED:
        raise CopyError(f"The embedded warehouse does not cover {option} files")
    if option in _WORDS:
        setattr(statement, *_WORDS[option])
    elif option in _OPTIONS:
        _OPTIONS[option](reader, statement)
    elif option in _VALUES:
        reader.accept("AS")
        name, most = _VALUES[option]
        setattr(statement, name, reader.number(most, option) if most else reader.text())
    elif option in _KEYS:
        reader.accept("AS")
        statement.keys = replace(statement.keys, **{_KEYS[option]: reader.text()})
    else:
        raise CopyError(f"The embedded warehouse does not cover the COPY option {option}")


def _format(reader: _Reader, statement: CopyStatement) -> None:
    """FORMAT [AS] JSON; what JSON means is an option of its own."""
    reader.accept("AS")
    if reader.peek() != "JSON":
        raise CopyError(f"The embedded warehouse does not cover COPY with FORMAT {reader.peek()}")


def _iam_role(reader: _Reader, statement: CopyStatement) -> None:
    """IAM_ROLE DEFAULT | 'arn'."""
    statement.role = "default" if reader.accept("DEFAULT") else reader.text()


def _credentials(reader: _Reader, statement: CopyStatement) -> None:
    """[WITH] CREDENTIALS [AS] 'aws_iam_role=arn' or 'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'."""
    reader.accept("AS")
    for part in reader.text().split(";"):
        name, _, value = (word.strip() for word in part.partition("="))
        if name == "aws_iam_role":
            statement.role = value
        elif name in _KEYS:
            statement.keys = replace(statement.keys, **{_KEYS[name]: value})
        elif part.strip():
            raise CopyError("Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
                            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'")  # fmt: skip


def _with(reader: _Reader, statement: CopyStatement) -> None:
    """WITH, which may stand before CREDENTIALS only."""
    if reader.peek() != "CREDENTIALS":
        raise CopyError("The embedded warehouse does not cover the COPY option WITH")


def _acceptinvchars(reader: _Reader, statement: CopyStatement) -> None:
    """ACCEPTINVCHARS [[AS] 'c']."""
    reader.accept("AS")
    statement.replacement = reader.text() if reader.has_text() else "?"
    if len(statement.replacement) != 1 or not "\0" < statement.replacement <= "\x7f":
        raise CopyError("ACCEPTINVCHARS takes one ASCII character")


def _compupdate(reader: _Reader, statement: CopyStatement) -> None:
    """COMPUPDATE [ON | OFF | PRESET]: compression is not imitated."""
    reader.accept("ON", "OFF", "TRUE", "FALSE", "PRESET")


def _statupdate(reader: _Reader, statement: CopyStatement) -> None:
    """STATUPDATE [ON | OFF]."""
    statement.analyze = not reader.accept("OFF", "FALSE")
    if statement.analyze:
        reader.accept("ON", "TRUE")


_ALIKE = {"GZIP": "compression", "BZIP2": "compression", "CREDENTIALS": "IAM_ROLE"}  # only one of them may be there
_KEYS = {  # as options, and as parts of CREDENTIALS; no message repeats them
    "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "SESSION_TOKEN": "session_token",
    "aws_access_key_id": "key", "aws_secret_access_key": "secret", "token": "session_token",
}  # fmt: skip
_WORDS: dict[str, tuple[str, object]] = {  # that stand alone -> what they set
    "BZIP2": ("compression", "BZIP2"), "GZIP": ("compression", "GZIP"), "MANIFEST": ("manifest", True),
    "EMPTYASNULL": ("empty_as_null", True), "BLANKSASNULL": ("blanks_as_null", True),
    "TRUNCATECOLUMNS": ("truncate_columns", True), "ROUNDEC": ("round_decimals", True),
}  # fmt: skip
_VALUES = {  # with [AS] and a text, or a number up to the second
    "JSON": ("json", 0), "REGION": ("region", 0), "TIMEFORMAT": ("time_format", 0),
    "MAXERROR": ("max_errors", MOST_ERRORS), "IGNOREHEADER": ("header_lines", 2**31 - 1),
}  # fmt: skip
_OPTIONS: dict[str, Callable[[_Reader, CopyStatement], None]] = {
    "ACCEPTINVCHARS": _acceptinvchars, "COMPUPDATE": _compupdate, "CREDENTIALS": _credentials, "FORMAT": _format,
    "IAM_ROLE": _iam_role, "STATUPDATE": _statupdate, "WITH": _with,
}  # fmt: skip

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
NOT_COVERED = {"LZOP": "LZOP files", "ZSTD": "ZSTD files"}


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
    if statement.role and not _ROLE.fullmatch(statement.role):
        raise CopyError(f"Invalid IAM role ARN: {statement.role}")
    return statement


def _read_option(reader: _Reader, option: str, statement: CopyStatement) -> None:
    """Step over one option and note it in `statement`."""
    reader.take("name")
    if option in NOT_WITH_JSON:
        raise CopyError(f"{option} is not supported for COPY from JSON")
    if option in NOT_COVERED:
        raise CopyError(f"The embedded warehouse does not cover {NOT_COVERED[option]}")
    if option in _SWITCHES:
        setattr(statement, _SWITCHES[option], True)
    elif option in _OPTIONS:
        _OPTIONS[option](reader, statement)
    else:
        raise CopyError(f"The embedded warehouse does not cover the COPY option {option}")


def _format(reader: _Reader, statement: CopyStatement) -> None:
    """FORMAT [AS] JSON; what JSON means is an option of its own."""
    reader.accept("AS")
    if reader.peek() != "JSON":
        raise CopyError(f"The embedded warehouse does not cover COPY with FORMAT {reader.peek()}")


def _json(reader: _Reader, statement: CopyStatement) -> None:
    """JSON [AS] 'auto' | 'auto ignorecase' | 's3://.../jsonpaths.json'."""
    reader.accept("AS")
    statement.json = reader.text()
    if statement.json == "noshred":
        raise CopyError("The embedded warehouse does not cover 'noshred', which needs a SUPER column")


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


def _key(part: str) -> Callable[[_Reader, CopyStatement], None]:
    """Return the reader of a key's part: ACCESS_KEY_ID [AS] '...' and the like."""

    def read(reader: _Reader, statement: CopyStatement) -> None:
        """Note its text, which no message repeats."""
        reader.accept("AS")
        statement.keys = replace(statement.keys, **{part: reader.text()})

    return read


def _with(reader: _Reader, statement: CopyStatement) -> None:
    """WITH, which may stand before CREDENTIALS only."""
    if reader.peek() != "CREDENTIALS":
        raise CopyError("The embedded warehouse does not cover the COPY option WITH")


def _region(reader: _Reader, statement: CopyStatement) -> None:
    """REGION [AS] 'us-west-2'."""
    reader.accept("AS")
    statement.region = reader.text()


def _maxerror(reader: _Reader, statement: CopyStatement) -> None:
    """MAXERROR [AS] n."""
    reader.accept("AS")
    statement.max_errors = reader.number(MOST_ERRORS, "MAXERROR")


def _ignoreheader(reader: _Reader, statement: CopyStatement) -> None:
    """IGNOREHEADER [AS] n: lines at the start of each file."""
    reader.accept("AS")
    statement.header_lines = reader.number(2**31 - 1, "IGNOREHEADER")


def _timeformat(reader: _Reader, statement: CopyStatement) -> None:
    """TIMEFORMAT [AS] 'auto' | 'epochsecs' | 'epochmillisecs'."""
    reader.accept("AS")
    statement.time_format = reader.text()
    if statement.time_format not in ("auto", "epochsecs", "epochmillisecs"):
        raise CopyError(f"The embedded warehouse does not cover TIMEFORMAT '{statement.time_format}'")


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


def _compression(word: str) -> Callable[[_Reader, CopyStatement], None]:
    """Return the reader of a word that names how the files are compressed."""
    return lambda reader, statement: setattr(statement, "compression", word)


_KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "token": "session_token"}
_ALIKE = {"GZIP": "compression", "BZIP2": "compression", "CREDENTIALS": "IAM_ROLE"}  # only one of them may be there
_SWITCHES = {
    "MANIFEST": "manifest",
    "EMPTYASNULL": "empty_as_null",
    "BLANKSASNULL": "blanks_as_null",
    "TRUNCATECOLUMNS": "truncate_columns",
    "ROUNDEC": "round_decimals",
}
_OPTIONS: dict[str, Callable[[_Reader, CopyStatement], None]] = {
    "ACCEPTINVCHARS": _acceptinvchars,
    "ACCESS_KEY_ID": _key("key"),
    "BZIP2": _compression("BZIP2"),
    "COMPUPDATE": _compupdate,
    "CREDENTIALS": _credentials,
    "FORMAT": _format,
    "GZIP": _compression("GZIP"),
    "IAM_ROLE": _iam_role,
    "IGNOREHEADER": _ignoreheader,
    "JSON": _json,
    "MAXERROR": _maxerror,
    "REGION": _region,
    "SECRET_ACCESS_KEY": _key("secret"),
    "SESSION_TOKEN": _key("session_token"),
    "STATUPDATE": _statupdate,
    "TIMEFORMAT": _timeformat,
    "WITH": _with,
}

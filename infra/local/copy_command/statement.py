"""Read Redshift's COPY statement: FORMAT JSON from S3, and the options that go with it.

An option that is not listed here is refused, and so is one that Redshift does not allow with JSON.
"""

import re
from dataclasses import dataclass

from infra.errors import CopyError

_TOKEN = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
      | (?P<escaped>[Ee]'(?:[^'\\]|''|\\.)*') | (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")+" | [A-Za-z_][A-Za-z0-9_$]*) | (?P<number>\d+) | (?P<mark>[(),.])""",
    re.VERBOSE | re.DOTALL,
)
NOT_WITH_JSON = {
    "CSV", "DELIMITER", "ESCAPE", "FILLRECORD", "FIXEDWIDTH", "IGNOREBLANKLINES", "IGNOREHEADER", "NULL", "QUOTE",
    "READRATIO", "REMOVEQUOTES",
}  # fmt: skip
NOT_COVERED = {
    "LZOP": "LZOP files",
    "ZSTD": "ZSTD files",
    "CREDENTIALS": "keys in a statement: use IAM_ROLE",
    "ACCESS_KEY_ID": "keys in a statement: use IAM_ROLE",
}


@dataclass
class CopyStatement:
    """A COPY of JSON, as written."""

    table: str  # "name" or "schema"."name", quoted for SQL
    source: str
    columns: list[str] | None = None  # None: every column of the table
    role: str = ""
    json: str = ""  # auto, auto ignorecase, or where the jsonpaths file is
    region: str | None = None
    max_errors: int = 0
    time_format: str = "auto"
    compression: str = ""  # "", GZIP or BZIP2
    replacement: str | None = None  # ACCEPTINVCHARS's character
    manifest: bool = False
    empty_as_null: bool = False
    blanks_as_null: bool = False
    truncate_columns: bool = False
    round_decimals: bool = False
    analyze: bool | None = None  # STATUPDATE; None: if the table was empty


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
        """The next token in upper case, "" at the end."""
        return self.tokens[self.at][1].upper() if self.at < len(self.tokens) else ""

    def accept(self, *words: str) -> bool:
        """Step over the next token if it is one of `words`."""
        if self.peek() in words:
            self.at += 1
            return True
        return False

    def take(self, *kinds: str) -> str:
        """The next token's value, which must be of one of `kinds`."""
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
        """The next token, a string literal."""
        return self.take("text", "escaped")

    def identifier(self) -> str:
        """The next token, a name: lower case unless quoted."""
        name = self.take("name")
        return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def parse(text: str) -> CopyStatement:
    """The parts of a COPY statement. Raises CopyError."""
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
        if not reader.accept(")"):
            raise CopyError(f'syntax error at or near "{reader.peek()}"')
    if not reader.accept("FROM"):
        raise CopyError(f'syntax error at or near "{reader.peek()}"')
    table = ".".join('"{}"'.format(name.replace('"', '""')) for name in names)
    statement = CopyStatement(table, reader.text(), columns)
    seen = set()
    while option := reader.peek():
        kind = "compression" if option in ("GZIP", "BZIP2") else option
        if kind in seen:
            raise CopyError(f"conflicting or redundant options: {option}")
        seen.add(kind)
        _read_option(reader, option, statement)
    if not statement.role:
        raise CopyError("COPY needs IAM_ROLE")
    if not statement.json:
        raise CopyError("The stand-in covers COPY with FORMAT JSON only")
    return statement


def _read_option(reader: _Reader, option: str, statement: CopyStatement) -> None:
    """Step over one option and note it in `statement`."""
    reader.take("name")
    if option in NOT_WITH_JSON:
        raise CopyError(f"{option} is not supported for COPY from JSON")
    if option in NOT_COVERED:
        raise CopyError(f"The stand-in does not cover {NOT_COVERED[option]}")
    switches = {
        "MANIFEST": "manifest",
        "EMPTYASNULL": "empty_as_null",
        "BLANKSASNULL": "blanks_as_null",
        "TRUNCATECOLUMNS": "truncate_columns",
        "ROUNDEC": "round_decimals",
    }
    if option in switches:
        setattr(statement, switches[option], True)
    elif option == "FORMAT":
        reader.accept("AS")
        if reader.peek() != "JSON":
            raise CopyError(f"The stand-in does not cover COPY with FORMAT {reader.peek()}")
    elif option == "JSON":
        reader.accept("AS")
        statement.json = reader.text()
        if statement.json == "noshred":
            raise CopyError("The stand-in does not cover 'noshred', which needs a SUPER column")
    elif option == "IAM_ROLE":
        statement.role = "default" if reader.accept("DEFAULT") else reader.text()
        if not re.fullmatch(r"default|arn:aws[a-z-]*:iam::\d{12}:role/\S+", statement.role):
            raise CopyError(f"Invalid IAM role ARN: {statement.role}")
    elif option == "REGION":
        reader.accept("AS")
        statement.region = reader.text()
    elif option == "MAXERROR":
        reader.accept("AS")
        statement.max_errors = int(reader.take("number"))
        if statement.max_errors > 100_000:
            raise CopyError("MAXERROR is at most 100000")
    elif option == "TIMEFORMAT":
        reader.accept("AS")
        statement.time_format = reader.text()
        if statement.time_format not in ("auto", "epochsecs", "epochmillisecs"):
            raise CopyError(f"The stand-in does not cover TIMEFORMAT '{statement.time_format}'")
    elif option in ("GZIP", "BZIP2"):
        statement.compression = option
    elif option == "ACCEPTINVCHARS":
        reader.accept("AS")
        given = reader.tokens[reader.at : reader.at + 1]
        statement.replacement = reader.text() if given and given[0][0] in ("text", "escaped") else "?"
        if len(statement.replacement) != 1 or not "\0" < statement.replacement <= "\x7f":
            raise CopyError("ACCEPTINVCHARS takes one ASCII character")
    elif option == "COMPUPDATE":
        reader.accept("ON", "OFF", "TRUE", "FALSE", "PRESET")
    elif option == "STATUPDATE":
        statement.analyze = not reader.accept("OFF", "FALSE")
        if statement.analyze:
            reader.accept("ON", "TRUE")
    else:
        raise CopyError(f"The stand-in does not cover the COPY option {option}")

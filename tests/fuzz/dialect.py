"""The dialect's promise: any text is translated or refused in our own words; nothing else is raised, nothing hangs.

An UntranslatableError is a find: a user reads one sentence, but behind it is a fault of the translation, to be mended.
Only the test in CI, which is not to fail at random, accepts it (`--accept UntranslatableError`).

An input whose first byte is below 128 is a text. Else each byte that follows stands for a word of SQL, so that the
fuzzer gets further than the first syntax error.
"""

import re

from infra.config import ROOT
from tests.fuzz.running import SEEDS, Check, fuzz

WORDS = (SEEDS / "dialect_words.txt").read_text(encoding="utf-8").split()
COLUMNS = (
    ("a", "integer"),
    ("b", "character varying(10)"),
    ("c", "numeric(10,2)"),
    ("d", "timestamp without time zone"),
)
RAW = re.compile(r"Line \d+, Col|Expecting|Required keyword|Failed to parse|sqlglot|\x1b|Unsupported|maximum recursion")


def text_of(data: bytes) -> str:
    """The text that an input stands for."""
    if data[:1] < b"\x80":
        return data.decode("utf-8", "replace").replace("\0", "")  # psycopg2 lets no NUL through
    return " ".join(WORDS[byte % len(WORDS)] if byte < 250 else "(" * (byte - 249) for byte in data[1:])


def check(data: bytes) -> None:
    """Translate every statement of a text as a cursor does."""
    from infra.errors import StatementError, UntranslatableError
    from infra.local.copy_command.statement import parse
    from infra.local.dialect import lexer, translate

    text, refusal = text_of(data), ""
    try:
        for part in lexer.split(text):
            statement = translate.translate.__wrapped__(part, None)
            if statement.tables:
                columns = tuple((name, COLUMNS) for name in statement.tables)
                statement = translate.translate.__wrapped__(part, columns)
                assert not statement.tables, "it asks for the columns again"
            if statement.verb == "COPY":
                parse(statement.sql)
    except UntranslatableError:
        raise
    except StatementError as error:
        refusal = str(error)
    found = RAW.search(refusal)
    assert found is None or found[0] in text, f"these are not our words: {refusal}"


def statements() -> list[bytes]:
    """The statements of the dialect's own tests: a start that knows SQL."""
    folder = ROOT / "tests" / "dialect"
    pairs = (folder / "dialect_cases.sql").read_text(encoding="utf-8").split("\n\n")
    lines = [pair.partition("\n")[0] for pair in pairs]
    for file in sorted((folder / "corpus").glob("*.txt")):
        lines += [line.lstrip("@ ").partition(" => ")[0] for line in file.read_text(encoding="utf-8").splitlines()]
    return [line.encode() for line in lines if line and line[0] != "#"]


def make_check() -> Check:
    """Import what is to be instrumented."""
    import infra.local.copy_command.statement
    import infra.local.dialect.translate  # noqa: F401

    return check


if __name__ == "__main__":
    fuzz(
        "dialect",
        ["infra.local.dialect", "infra.local.copy_command", "sqlglot"],
        make_check,
        [word.encode() for word in WORDS],
        statements(),
    )

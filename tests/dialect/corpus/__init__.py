"""Cases of Redshift SQL with the values and refusals that AWS's guide documents, by chapter: *.txt beside this file.

## page of the guide                      a section, which begins without tables
@ statement                               run before the cases that follow
statement or expression => a | b / c | d  its rows, or `=> ! the beginning of the message` where it is refused
statement or expression -> a, b           the names of its columns
"""

from dataclasses import dataclass, field
from pathlib import Path

VERBS = {
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "EXPLAIN", "BEGIN", "START",
    "(SELECT", "SET", "SHOW", "RESET", "FETCH", "CLOSE", "COMMIT", "ANALYZE", "TRUNCATE",
    "COMMENT", "GRANT", "REVOKE", "COPY", "VACUUM", "CALL", "UNLOAD", "SAVEPOINT", "SELCT",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One line: what to run, what kind of expectation ("=>" or "->"), and what is expected."""

    before: tuple[str, ...]
    statement: str
    kind: str
    expected: str


@dataclass
class Section:
    """The cases of one page in one chapter."""

    chapter: str
    page: str
    cases: list[Case] = field(default_factory=list)


def sections() -> list[Section]:
    """All of the corpus."""
    found: list[Section] = []
    for file in sorted(Path(__file__).parent.glob("*.txt")):
        before: list[str] = []
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                found.append(Section(file.stem, line[3:]))
                before = []
            elif line.startswith("@ "):
                before.append(line[2:])
            elif line.strip() and not line.startswith("#"):
                found[-1].cases.append(_case(line, tuple(before)))
    return found


def _case(line: str, before: tuple[str, ...]) -> Case:
    """One case of its line."""
    kind = "=>" if " => " in line or line.endswith(" =>") else "->"
    statement, expected = (f"{line} ").rsplit(f" {kind} ", 1)
    statement = statement.strip()
    if statement.split()[0].upper().rstrip(";") not in VERBS:
        statement = f"SELECT {statement}"
    return Case(before, statement, kind, expected.strip())


def shown(value: object) -> str:
    """A value as the corpus writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def result(cursor, case: Case) -> str:
    """Run a case and show what it gives, as the corpus writes it."""
    cursor.execute(case.statement)
    if case.kind == "->":
        return ", ".join(column.name for column in cursor.description)
    if cursor.description is None:
        return ""
    return " / ".join(" | ".join(map(shown, row)) for row in cursor.fetchall())

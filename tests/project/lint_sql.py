"""Lint every statement of the pipeline and of the analysts as pyproject.toml says; exit code 1 on any finding."""

import sys
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import sql_queries  # noqa: E402 - a module of the root directory
from infra.database import statement_name  # noqa: E402
from notebooks import selects  # noqa: E402
from notebooks.questions import QUESTIONS  # noqa: E402


def statements() -> dict[str, str]:
    """Every SQL statement by the name of its constant, or of its entry in a dictionary."""
    constants = {**vars(sql_queries), **vars(selects)}
    named = {name: value for name, value in constants.items() if isinstance(value, str) and not name.startswith("__")}
    listed = sql_queries.staging_checks + sql_queries.quality_checks + sql_queries.comment_queries
    checks = {statement_name(query): query for query in listed}
    return named | checks | {question.id: question.sql for question in QUESTIONS}


def main() -> int:
    """Print the findings and return the exit code."""
    linter = Linter(config=FluffConfig.from_path(str(ROOT)))
    found = 0
    for name, text in statements().items():
        for violation in linter.lint_string(text.strip() + "\n").get_violations():
            found += 1
            print(f"{name}:{violation.line_no}: {violation.rule_code()} {violation.desc()}")
    print(f"sqlfluff: {found} findings in {len(statements())} statements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

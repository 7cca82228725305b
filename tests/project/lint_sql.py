"""Lint every statement of sql_queries.py with sqlfluff as pyproject.toml says; exit code 1 if it finds anything."""

import sys
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import sql_queries  # noqa: E402 - a module of the root directory


def statements() -> dict[str, str]:
    """Every SQL statement of the module by the name of its constant, or of its entry in a dictionary."""
    constants = {name: value for name, value in vars(sql_queries).items() if isinstance(value, str)}
    named = {name: value for name, value in constants.items() if not name.startswith("__")}
    return named | sql_queries.quality_checks | sql_queries.analytics_queries | sql_queries.sample_queries


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

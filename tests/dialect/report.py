"""Print how the corpus fares, by chapter: on the embedded warehouse, on plain PostgreSQL, through sqlglot alone.

Run it with `python -m tests.dialect.report`.
"""

import logging
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg2
import sqlglot
from sqlglot.errors import SqlglotError

from infra import warehouse
from infra.config import load_settings
from infra.local import supervisor
from infra.local.connection_info import open_plain
from tests.dialect import corpus

OUTCOMES = ("right", "refused clearly", "refused falsely", "taken falsely", "wrong")


def outcome(cursor, case: corpus.Case, engine: str) -> str:
    """Run one case and judge it: another engine's refusal is right whatever it says."""
    try:
        got = corpus.result(cursor, case)
    except (psycopg2.Error, SqlglotError) as error:
        text = str(error)
        if case.expected.startswith("!"):
            clear = engine != "embedded" or text.startswith(case.expected[2:])
            return "right" if clear else "refused falsely"
        return "refused clearly" if text.startswith("The embedded warehouse does not cover") else "refused falsely"
    except ValueError:  # a year that Python does not have
        return "wrong"
    if case.expected.startswith("!"):
        return "taken falsely"
    return "right" if got == case.expected else "wrong"


class Translated:
    """A plain cursor that takes Redshift SQL as sqlglot alone translates it."""

    def __init__(self, cursor):
        """Keep the cursor."""
        self.cursor = cursor

    def execute(self, statement: str) -> None:
        """Translate and run."""
        try:
            translated = sqlglot.transpile(statement, read="redshift", write="postgres")
        except ValueError as error:  # sqlglot's own fault
            raise SqlglotError(str(error)) from None
        self.cursor.execute(";".join(translated))

    def __getattr__(self, name: str):
        """The cursor's own."""
        return getattr(self.cursor, name)


def totals(connection, engine: str) -> dict[str, Counter]:
    """The outcomes of every case by chapter; each section begins with an empty schema."""
    connection.autocommit = True
    counts: dict[str, Counter] = {}
    for section in corpus.sections():
        with connection.cursor() as plain:
            plain.execute("ROLLBACK")  # a transaction that a case has left open
            plain.execute("RESET ALL")
            plain.execute("DROP SCHEMA IF EXISTS extra CASCADE")
            plain.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'")
            for (name,) in plain.fetchall():
                plain.execute(f'DROP VIEW IF EXISTS "{name}" CASCADE')
            plain.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname ~ '^(public$|pg_temp)'")
            for schema, name in plain.fetchall():
                plain.execute(f'DROP TABLE {schema}."{name}" CASCADE')
        cursor = Translated(connection.cursor()) if engine == "sqlglot" else connection.cursor()
        done: tuple[str, ...] = ()
        for case in section.cases:
            for statement in case.before[len(done) :]:
                try:
                    cursor.execute(statement)
                except (psycopg2.Error, SqlglotError):
                    continue  # the cases that need it fail and are counted
            done = case.before
            counts.setdefault(section.chapter, Counter())[outcome(cursor, case, engine)] += 1
    return counts


def main() -> None:
    """Print a table for each engine."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "dwh.cfg"
        config.write_text(f"[LOCAL]\nPATH={directory}/local\n[S3]\nLOG_DATA=x\nSONG_DATA=x\nLOG_JSONPATH=x\n")
        settings = load_settings(config)
        with closing(warehouse.connect(settings)) as embedded:
            plain = {}
            for name in ("postgres", "sqlglot"):
                info = dict(embedded.connection_info)
                with closing(open_plain({**info, "dbname": "postgres"})) as maker:
                    maker.autocommit = True
                    maker.cursor().execute(f"CREATE DATABASE plain_{name}")
                plain[name] = open_plain({**info, "dbname": f"plain_{name}"})
            for engine, connection in {"embedded": embedded, **plain}.items():
                print(f"{engine:<14}" + "".join(f"{word:>17}" for word in OUTCOMES))
                counts = totals(connection, engine)
                counts["all"] = sum(counts.values(), Counter())
                for chapter, count in counts.items():
                    print(f"{chapter:<14}" + "".join(f"{count[word]:>17}" for word in OUTCOMES))
                print()
                connection.close()
        supervisor.release(settings.local_path)


if __name__ == "__main__":
    main()

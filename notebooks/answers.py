"""The analysts' questions answered from the warehouse: for a terminal, a notebook or the dashboard."""

from contextlib import closing
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from infra.cli import one_sentence
from infra.config import Settings
from infra.database import execute, transaction
from infra.errors import WarehouseError
from infra.warehouse import connect
from notebooks.questions import analytics_queries, songplay_count_select


@dataclass(frozen=True)
class Answer:
    """What a question's statement selected: values are int, float, str, date or None; rows in the statement's order."""

    question: str
    query: str
    columns: list[str]
    rows: list[tuple]

    def records(self) -> list[dict[str, object]]:
        """The rows, each by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers alone, which are laid out and spelled as such."""
        return all(isinstance(record[column], int | float) for record in self.records())


def open_for_reading(settings: Settings) -> Connection:
    """A connection for questions: it changes nothing, and a transaction on it sees one state of the warehouse.

    Raises WarehouseError if the warehouse cannot be reached or has no plays to ask about.
    """
    connection = connect(settings)
    try:
        with one_sentence():
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with transaction(connection):
                if not execute(connection, songplay_count_select).fetchone()[0]:
                    raise WarehouseError("The warehouse is empty: songplays has no rows. Run etl.py first.")
    except BaseException:
        connection.close()
        raise
    return connection


def ask(connection: Connection, question: str) -> Answer:
    """The answer to one of `analytics_queries`."""
    query = analytics_queries[question]
    cursor = execute(connection, query)
    return Answer(question, query.strip(), [column.name for column in cursor.description], cursor.fetchall())


def answer_all(settings: Settings) -> list[Answer]:
    """Every answer, all of one state of the warehouse. Raises WarehouseError."""
    with closing(open_for_reading(settings)) as connection, one_sentence():
        return [ask(connection, question) for question in analytics_queries]


def as_text(answer: Answer) -> str:
    """The answer as a table of plain text: numbers to the right, everything else to the left."""
    table = [answer.columns, *([_text(value) for value in row] for row in answer.rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(answer.columns))]
    numeric = [answer.is_numeric(column) for column in answer.columns]
    lines = (
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in table
    )
    return "\n".join([answer.question.capitalize(), *(f"  {line}".rstrip() for line in lines)])


def _text(value: object) -> str:
    """One value as a reader expects it; what could steer a terminal becomes a blank."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:,}"
    return "".join(sign if sign.isprintable() else " " for sign in str(value))

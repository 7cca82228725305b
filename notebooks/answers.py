"""The analysts' questions answered from the warehouse: for a terminal, a notebook or the dashboard."""

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import connection as Connection

from infra import progress
from infra.cli import one_sentence
from infra.config import Settings
from infra.database import execute, transaction
from infra.errors import WarehouseError, same_config
from infra.warehouse import connect
from notebooks.question import Chart, Question, Row, default_chart, default_sentence, is_numeric
from notebooks.questions import QUESTIONS
from notebooks.selects import songplay_count_select

PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")  # page/page.js has it, too


@dataclass(frozen=True)
class Answer:
    """What a question's statement selected: values are int, float, str, date or None; rows in the statement's order."""

    question: Question
    columns: list[str]
    rows: list[Row]

    def records(self) -> list[dict[str, Any]]:
        """The rows, each by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers alone, which are laid out and spelled as such."""
        return is_numeric(self.rows, self.columns.index(column))

    @property
    def chart(self) -> Chart | None:
        """How the answer is drawn; None if it has no numbers and the question does not say."""
        return self.question.chart or default_chart(self.columns, self.rows)

    @property
    def template(self) -> str:
        """The sentence about the answer, with {column} in place of values."""
        return self.question.sentence or default_sentence(self.chart)

    @property
    def sentence(self) -> str:
        """What the answer says, in one sentence: of its first row with the most of the question's `peak`."""
        if not self.rows:
            return "No plays."
        records = self.records()
        row = max(records, key=lambda record: record[self.question.peak]) if self.question.peak else records[0]
        values = {name: spelled(value) for name, value in row.items()}
        return PLACE.sub(lambda place: _filled(values[place[1]], place[2]), self.template)


def _filled(value: str, ending: str | None) -> str:
    """What stands in a place of a sentence: the value, or the ending of the word that it counts."""
    if ending is None:
        return value
    return "" if value == "1" else ending


def spelled(value: object) -> str:
    """A value as a reader expects it; NULL is `unknown`."""
    if value is None:
        return "unknown"
    return f"{value:,}".removesuffix(".0") if isinstance(value, int | float) else str(value)


def open_for_reading(settings: Settings) -> Connection:
    """A connection for questions: it changes nothing, and a transaction on it sees one state of the warehouse.

    Raises WarehouseError if the warehouse cannot be reached or has no plays to ask about.
    """
    connection = connect(settings)
    try:
        with one_sentence():
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with transaction(connection):
                if not select(connection, songplay_count_select)[1][0][0]:
                    raise WarehouseError(
                        f"The warehouse is empty: songplays has no rows. Run etl.py{same_config()} first."
                    )
    except BaseException:
        connection.close()
        raise
    return connection


def select(connection: Connection, query: str, parameters: dict[str, str] | None = None) -> tuple[list[str], list[Row]]:
    """The columns and the rows that a statement selects."""
    cursor = execute(connection, query, parameters)
    return [column.name for column in cursor.description or ()], cursor.fetchall()


def ask(connection: Connection, question: Question) -> Answer:
    """The answer to a question."""
    return Answer(question, *select(connection, question.sql))


def answer_all(settings: Settings, questions: Sequence[Question] = QUESTIONS) -> list[Answer]:
    """The answers to these questions, all of one state of the warehouse. Raises WarehouseError."""
    with progress.steps(len(questions)) as steps, closing(open_for_reading(settings)) as connection, one_sentence():
        answers = []
        for question in questions:
            with steps.step(question.title):
                answers.append(ask(connection, question))
        return answers

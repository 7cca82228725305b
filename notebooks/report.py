"""Answer the analysts' questions in the terminal: all of them, or those that are named.

A table is fitted to the terminal's width. csv and json write every value as it is, in UTF-8, for other programs: csv
one question (NULL is empty, an empty text is ""), json an object with the records of each question.
"""

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

from tqdm.utils import disp_len, disp_trim

from infra import cli
from infra.config import load_settings
from notebooks.answers import Answer, answer_all
from notebooks.question import Row, is_numeric
from notebooks.questions import QUESTIONS

LEAST = 8  # characters: no column of text is cut below this


def as_table(columns: Sequence[str], rows: Sequence[Row], width: int | None = None) -> str:
    """Rows as a table of plain text, numbers to the right; text is cut where the table is wider than `width`."""
    table = [list(columns), *([_text(value) for value in row] for row in rows)]
    widths = [max(disp_len(row[place]) for row in table) for place in range(len(columns))]
    numeric = [is_numeric(rows, place) for place in range(len(columns))]
    while width and sum(widths) + 2 * len(widths) > width:
        widest = max(range(len(widths)), key=lambda place: 0 if numeric[place] else widths[place])
        if numeric[widest] or widths[widest] <= LEAST:
            break
        widths[widest] -= 1
    lines = (
        "  ".join(
            text.rjust(size) if right else _fit(text, size)
            for text, size, right in zip(row, widths, numeric, strict=True)
        )
        for row in table
    )
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _fit(text: str, size: int) -> str:
    """A text in exactly so many columns of a terminal: cut, or with blanks after it."""
    if disp_len(text) > size:
        text = f"{disp_trim(text, size - 3)}..."
    return text + " " * (size - disp_len(text))


def _text(value: object) -> str:
    """One value as a reader expects it; what could steer a terminal becomes a blank."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:,}"
    return "".join(sign if sign.isprintable() else " " for sign in str(value))


def as_text(answer: Answer, width: int | None = None) -> str:
    """The answer with its title and its sentence above the table."""
    sentence = _text(answer.sentence)
    if width:
        sentence = textwrap.fill(sentence, width)
    return f"{answer.question.title}\n{sentence}\n{as_table(answer.columns, answer.rows, width)}"


def as_csv(answer: Answer) -> str:
    """The answer's columns and rows as PostgreSQL's COPY writes CSV: NULL is nothing, an empty text is ""."""

    def field(value: object) -> str:
        """A value, in quotes where it would be read as another."""
        text = "" if value is None else str(value)
        if isinstance(value, float):
            return text.removesuffix(".0")
        quoted = value == "" or re.search('[",\r\n]', text)
        return '"' + text.replace('"', '""') + '"' if quoted else text

    return "".join(",".join(map(field, row)) + "\n" for row in [answer.columns, *answer.rows])


def as_json(answers: Sequence[Answer]) -> str:
    """The records of each answer by the question's id; a date is its ISO text. What cannot be printed is escaped."""
    content = {answer.question.id: answer.records() for answer in answers}
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The options; exit code 2 for a question that is not there."""
    ids = {question.id: question for question in QUESTIONS}
    parser = cli.make_parser(__doc__)
    parser.epilog = "questions:\n" + "\n".join(f"  {question.id:<17}{question.title}" for question in QUESTIONS)
    parser.add_argument("questions", metavar="QUESTION", nargs="*", help="one of those below (default: all)")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table", help="default: table")
    options = parser.parse_args(argv)
    for name in options.questions:
        if name not in ids:
            parser.error(f"there is no question {name!r}: choose from {', '.join(ids)}")
    options.questions = [ids[name] for name in dict.fromkeys(options.questions)] or list(QUESTIONS)
    if options.format == "csv" and len(options.questions) > 1:
        parser.error("csv holds the answer to one question: name it")
    return options


def show(answers: Sequence[Answer], kind: str) -> None:
    """Print the answers; tables to the terminal's width if there is one."""
    if kind == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print("\n\n".join(as_text(answer, width) for answer in answers))
        return
    content = as_csv(answers[0]) if kind == "csv" else as_json(answers) + "\n"
    if sys.stdout.isatty():
        print(content, end="")  # which spells out what could steer it
        return
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(content.encode())  # the same bytes on every system
        sys.stdout.buffer.flush()
    except OSError:
        print()  # fails as well, and cli.run tells why


def main(argv: list[str] | None = None) -> int:
    """Ask and print. Exit code 0, 1 if that failed, 2 for usage or dwh.cfg."""
    options = arguments(argv)

    def work() -> int:
        """Ask the questions of one state of the warehouse."""
        settings = load_settings(options.config)
        print(f"Asking {settings.name}.", file=sys.stderr)
        show(answer_all(settings, options.questions), options.format)
        return 0

    return cli.run("report", work, for_output=True)


if __name__ == "__main__":
    sys.exit(main())

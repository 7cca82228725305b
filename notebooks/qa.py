"""What qa_data.ipynb shows: counts, checks, answers and samples, laid out for reading."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair
import pandas
import PIL.Image
import vl_convert
from IPython.display import Image, Markdown, display

if not __package__:  # imported by a notebook, from its own folder: the project is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infra.cli import one_sentence
from infra.config import load_settings
from infra.database import select_one, statement_name, transaction
from infra.errors import SourceError
from notebooks import answers, charts
from notebooks.question import Question
from notebooks.selects import row_counts_select, sample_queries
from notebooks.source_counts import count_rows
from sql_queries import ALL_TIME, quality_checks

CONFIG = os.environ.get("DWH_CFG")  # another dwh.cfg than the one beside the scripts
ROWS = 10  # of an answer, at most

pandas.set_option("display.max_rows", 100, "display.max_colwidth", 80, "display.max_columns", 30)
pandas.set_option("display.html.use_mathjax", False)  # a dollar sign in a title is a dollar sign


class Warehouse:
    """The warehouse that dwh.cfg names, to be asked. Whatever is wrong with it ends the notebook with a sentence.

    Each question is a transaction of its own: a notebook left open locks nobody out.
    """

    def __init__(self) -> None:
        """Sign in, and say where."""
        with one_sentence():
            self.settings = load_settings(CONFIG)
            self.connection = answers.open_for_reading(self.settings)
        print(f"Signed in to {self.settings.name}.")

    def table(self, query: str, parameters: dict[str, str] | None = None) -> pandas.DataFrame:
        """What a statement selects; NULL is <NA>."""
        with one_sentence(), transaction(self.connection):
            return _frame(*answers.select(self.connection, query, parameters))

    def answer(self, question: Question) -> None:
        """Show the title, the chart and what it says, the first rows and the SQL of a question."""
        with one_sentence(), transaction(self.connection):
            answer = answers.ask(self.connection, question)
        drawn = charts.chart(answer)
        _show(_markdown(f"### {question.title}\n\n{question.note}"))
        if drawn is not None:
            _show(_picture(drawn))
        _say(answer.sentence)
        _show(_frame(answer.columns, answer.rows[:ROWS]))
        if len(answer.rows) > ROWS:
            _say(f"The first {ROWS} of {len(answer.rows)} rows.")
        _show(_markdown(f"```sql\n{question.sql.strip()}\n```"))

    def samples(self) -> None:
        """Show five rows of each table."""
        for name, query in sample_queries.items():
            _show(_markdown(f"**{name}**"), self.table(query))

    def counts(self) -> pandas.DataFrame:
        """The rows of the seven tables beside those that the source's files make, if the caller may read them."""
        with one_sentence(), transaction(self.connection):
            loaded: dict[str, Any] = select_one(self.connection, row_counts_select)
        try:
            source = count_rows(self.settings)
        except SourceError as error:
            print(error)
            return _frame(["table", "rows"], [(name, loaded[name]) for name in sample_queries])
        rows = [(name, loaded[name], source[name], loaded[name] - source[name]) for name in source]
        return _frame(["table", "rows", "from the source", "difference"], rows)

    def checks(self) -> None:
        """Run the quality checks, say how many pass, and show those that fail, each with its first offending row."""
        failed = []
        for query in quality_checks:
            offending = self.table(query, ALL_TIME)
            if not offending.empty:
                failed.append((statement_name(query), str(offending.iloc[0].to_dict())))
        verdict = "The warehouse is not sound!" if failed else "The warehouse is sound."
        print(f"{len(quality_checks) - len(failed)} of {len(quality_checks)} checks pass. {verdict}")
        if failed:
            _show(_frame(["failed check", "first offending row"], failed))


def _show(*outputs: object) -> None:
    """Display these below the cell."""
    display(*outputs)  # type: ignore[no-untyped-call]


def _say(sentence: str) -> None:
    """Display plain text: text of the data is no Markdown, and what is printed may move from its place."""
    display({"text/plain": sentence}, raw=True)  # type: ignore[no-untyped-call]


def _markdown(text: str) -> Markdown:
    """Text with marks for headings and code."""
    return Markdown(text)  # type: ignore[no-untyped-call]


def _frame(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pandas.DataFrame:
    """Rows with their numbers, dates and text as such: an INTEGER column with NULLs does not become one of floats."""
    return pandas.DataFrame(rows, columns=columns).convert_dtypes()


def _picture(chart: altair.LayerChart) -> Image:
    """The chart as a PNG, which shows where no JavaScript runs, on GitHub too; in 64 colours, a tenth of the size."""
    png = vl_convert.vegalite_to_png(chart.to_json(), ppi=120)
    small = io.BytesIO()
    PIL.Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(small, "PNG", optimize=True)
    return Image(small.getvalue(), width=charts.WIDTH)  # type: ignore[no-untyped-call]

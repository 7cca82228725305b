"""What qa_data.ipynb shows: answers, counts and checks, laid out for reading."""

import io
import os

import sparkify  # noqa: F401 - first of ours: it puts the project's modules on the path

# isort: split
import altair
import pandas
import PIL.Image
import vl_convert
from IPython.display import Image, Markdown, display

import sql_queries as sql
from infra.cli import one_sentence
from infra.config import load_settings
from infra.database import execute, select_one, statement_name, transaction
from infra.errors import SourceError
from notebooks import answers, charts, questions
from notebooks.source_counts import count_rows

CONFIG = os.environ.get("DWH_CFG")  # another dwh.cfg than the one beside the scripts

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

    def table(self, query: str) -> pandas.DataFrame:
        """What a statement selects; NULL is <NA>."""
        with one_sentence(), transaction(self.connection):
            cursor = execute(self.connection, query)
            return _frame([column.name for column in cursor.description], cursor.fetchall())

    def answer(self, question: str) -> pandas.DataFrame:
        """Show the SQL, the rows and the chart of one of the analytics_queries, and return the rows."""
        with one_sentence(), transaction(self.connection):
            answer = answers.ask(self.connection, question)
        frame = _frame(answer.columns, answer.rows)
        display(Markdown(f"```sql\n{answer.query}\n```"), frame, _picture(charts.chart(answer)))
        return frame

    def samples(self) -> None:
        """Show five rows of each table."""
        for name, query in questions.sample_queries.items():
            display(Markdown(f"**{name}**"), self.table(query))

    def counts(self) -> pandas.DataFrame:
        """The rows of the seven tables beside those that the source's files make, if the caller may read them."""
        with one_sentence(), transaction(self.connection):
            loaded = select_one(self.connection, sql.row_counts_select)
        try:
            source = count_rows(self.settings)
        except SourceError as error:
            print(error)
            return _frame(["table", "rows"], [(name, loaded[name]) for name in questions.sample_queries])
        rows = [(name, loaded[name], source[name], loaded[name] - source[name]) for name in source]
        return _frame(["table", "rows", "from the source", "difference"], rows)

    def checks(self) -> pandas.DataFrame:
        """Each quality check with its result and the first row that offends."""
        rows = []
        for query in sql.quality_checks:
            offending = self.table(query)
            first = "" if offending.empty else str(offending.iloc[0].to_dict())
            rows.append((statement_name(query), "pass" if offending.empty else "FAIL", first))
        return _frame(["check", "result", "first offending row"], rows)


def _frame(columns: list[str], rows: list[tuple]) -> pandas.DataFrame:
    """Rows with their numbers, dates and text as such: an INTEGER column with NULLs does not become one of floats."""
    return pandas.DataFrame(rows, columns=columns).convert_dtypes()


def _picture(chart: altair.LayerChart) -> Image:
    """The chart as a PNG, which shows where no JavaScript runs, on GitHub too; in 64 colours, a tenth of the size."""
    png = vl_convert.vegalite_to_png(chart.to_json(), ppi=120)
    small = io.BytesIO()
    PIL.Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(small, "PNG", optimize=True)
    return Image(small.getvalue(), width=chart.width)

"""What a question is: all that report, notebook and dashboard need to know of it, with plain defaults."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = tuple[Any, ...]

# What a column is called for readers, with its unit, where that is more than its name without underscores.
WORDS = {
    "average_minutes": "minutes on average",
    "day": "day (UTC)",
    "day_name": "day of the week (UTC)",
    "days": "days with plays",
    "hour": "hour of the day (UTC)",
    "longest_minutes": "minutes of the longest",
    "place": "rank",
    "plays_range": "plays",
    "plays_per_day": "plays per day on average",
    "plays_per_user": "plays per user on average",
    "songs": "different songs",
    "songs_per_user": "different songs per user on average",
    "week": "ISO week",
    "week_start": "week from Monday (UTC)",
}

# What a value has as its colour, in every chart of notebook and dashboard; by day and by night.
MEANINGS = {
    "free": ("#b05a00", "#f0a04b"),
    "paid": ("#1b5e9b", "#7fb8ee"),
    "F": ("#7d3c98", "#cf9be6"),
    "M": ("#1f7a5c", "#6fcaa8"),
}
PLAIN = ("#47657e", "#9db8cc")  # for whatever has no series
OTHER = ("#66717a", "#a9b4bc")  # for a value of a series that is not named above


@dataclass(frozen=True)
class Chart:
    """How the rows of an answer are drawn: each is one mark.

    bars: rows from top to bottom, for names; columns: from left to right, for an order that the reader knows; lines:
    over days, where a day without a row is zero.
    """

    kind: Literal["bars", "columns", "lines"]
    names: tuple[str, ...]  # the columns that name a mark
    value: str  # the column of its length
    series: str = ""  # a column whose values have a colour each
    tick: str = ""  # a column with a second number on the same scale
    detail: str = ""  # a column that is written beside the name


@dataclass(frozen=True)
class Rollup:
    """How the dashboard finds the same rows under a filter; page/cube.js knows each column that an answer may have."""

    of: Literal["plays", "users", "sessions"] = "plays"  # what is grouped by the columns that are no numbers
    order: tuple[str, ...] = ()  # columns; a minus before a name: the greatest first
    limit: int = 0  # 0: none
    per: str = ""  # the limit is for each value of this column
    total: str = ""  # the name of a first row for everything


@dataclass(frozen=True)
class Question:
    """One question. Only the first three have no default."""

    id: str  # words with hyphens: on the command line, in links, in names of files
    title: str
    sql: str
    note: str = ""  # how the answer is counted
    chart: Chart | None = None
    categories: tuple[str, ...] = ()  # of the chart's first name, in order: those without a row keep their place
    bounds: tuple[int, ...] = ()  # categories that are ranges: the least number of each
    # What the answer says. {column} is of the first row with the most of `peak`; {column:s} is an s unless that is 1.
    sentence: str = ""
    peak: str = ""  # "": the first row
    rollup: Rollup | None = None  # None: the dashboard shows the answer for the whole period, and says so


def words(column: str) -> str:
    """A column's name for readers."""
    return WORDS.get(column, column.replace("_", " "))


def counted(column: str, value: object) -> str:
    """A column's name for readers beside one value: `sessions`, but `session` beside 1."""
    return words(column).removesuffix("s") if value == 1 else words(column)


def is_numeric(rows: Sequence[Row], place: int) -> bool:
    """Whether the values at a place of the rows are numbers alone."""
    return all(isinstance(row[place], int | float) for row in rows)


def default_chart(columns: Sequence[str], rows: Sequence[Row]) -> Chart | None:
    """A bar a row, named by the columns of text and as long as the first of numbers; None without one of those."""
    numbers = [name for place, name in enumerate(columns) if is_numeric(rows, place)]
    if not numbers:
        return None
    names = tuple(name for name in columns if name not in numbers) or (columns[0],)
    return Chart("bars", names, numbers[-1] if names == (numbers[0],) else numbers[0])


def default_sentence(chart: Chart | None) -> str:
    """A sentence about the first row."""
    if chart is None:
        return ""
    return f"First: {', '.join(f'{{{name}}}' for name in chart.names)}, {words(chart.value)}: {{{chart.value}}}."

"""One Altair chart for each of the analysts' questions, readable in grey: `chart(answer)`.

A chart holds the answer's rows as they are and draws one mark for each of them, whose description (in a browser its
`aria-label`) tells the whole row. Text of the data is only ever drawn; it gets into no expression and no HTML.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

import altair as alt

from notebooks.answers import Answer

# Up to three series, pale to dark and between; one series alone is drawn in the second.
COLOURS = {"background": "white", "text": "#22272b", "grid": "#dfe3e6", "marks": ["#7b8d9a", "#2b4a63", "#5f7282"]}
SHAPES = ["circle", "square", "triangle-up"]
DASHES = [[4, 3], [1, 0], [1, 2]]
FILTERS = {"popular songs by user gender": "gender", "free against paid by day": "level"}
HEIGHT = 280  # pixels
ROW = 37  # pixels: a line of text and the bar below it
DAY = 86_400_000  # milliseconds


def chart(answer: Answer, width: int | str = 600, colours: dict = COLOURS) -> alt.LayerChart:
    """The chart of one answer, as wide as these pixels or as its "container".

    Where FILTERS names a column of the question, the parameter `only` set to a value of it leaves the rows of that one.
    """
    rows = [{name: _json(value) for name, value in record.items()} for record in answer.records()]
    layers = alt.layer(*LAYERS[answer.question](answer), data=alt.Data(values=rows))
    layers = layers.transform_window(number="row_number()")  # by which a filter that is lifted finds the order again
    if column := FILTERS.get(answer.question):
        layers = layers.add_params(alt.param(name="only", value=None))
        layers = layers.transform_filter(f"only === null || datum.{column} === only")
    # Each value between marks that keep its direction of writing from turning what follows.
    told = [f"'{column.replace('_', ' ')}: \u2068' + {_text(answer, column)} + '\u2069'" for column in answer.columns]
    layers = layers.transform_calculate(row=" + '; ' + ".join(told))
    return layers.configure(**_style(**colours)).properties(
        width=width, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"), description=answer.question
    )


def _style(background: str, text: str, grid: str, marks: list[str]) -> dict:
    """What all charts have in common."""
    words = {"labelColor": text, "titleColor": text, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": background,
        "font": "system-ui, sans-serif",
        "view": alt.ViewConfig(stroke=None),
        "axis": alt.AxisConfig(domainColor=grid, gridColor=grid, tickColor=grid, titleFontWeight="normal", **words),
        "axisX": alt.AxisConfig(titleAnchor="end"),
        "axisY": alt.AxisConfig(titleAlign="left", titleAngle=0, titleX=0, titleY=-14, domain=False, ticks=False),
        "legend": alt.LegendConfig(orient="top", offset=30, title=None, **words),
        "bar": alt.BarConfig(fill=marks[1]),
        "point": alt.MarkConfig(filled=True),
        "text": alt.MarkConfig(fill=text, fontSize=12, aria=False),
        "tick": alt.TickConfig(fill=text, thickness=2, aria=False),
        "range": alt.RangeConfig(category=marks),
    }


def _json(value: object) -> object:
    """A value as JSON has it: a date is its ISO text."""
    return value.isoformat() if isinstance(value, date) else value


def _text(answer: Answer, column: str) -> str:
    """An expression for a column's value in words: a number with its commas, `unknown` for NULL."""
    if answer.is_numeric(column):
        return f"format(datum.{column}, ',')"
    return f"(datum.{column} === null ? 'unknown' : datum.{column})"


def _cases(answer: Answer) -> list[str]:
    """All labels that the statement's CASE may give, in its order: the chart keeps room for those without a row."""
    return re.findall(r"(?:THEN|ELSE) '(.+)'", answer.query)


def _count(column: str, title: str) -> alt.X:
    """A horizontal axis of numbers from zero."""
    return alt.X(f"{column}:Q").axis(
        title=title, tickMinStep=1, tickCount=5, format=",d", grid=False, titleAnchor="end"
    )


def _up(column: str, title: str) -> alt.Y:
    """A vertical axis of numbers from zero."""
    return alt.Y(f"{column}:Q").axis(title=title, tickMinStep=1, tickCount=4, format=",d")


def _day_format(days: list[date]) -> str:
    """How an axis writes these days, from first to last: without the year if they are of one."""
    return "%-d %b" if days[-1] - days[0] < timedelta(365) else "%b %Y"


def _rows(count: int, y: alt.Y, x: alt.X, label: str, value: str, **encodings: alt.SchemaBase) -> list[alt.Chart]:
    """So many rows with a bar each; above it, the expressions `label` on the left and `value` on the right."""
    base = alt.Chart(height=ROW * count).encode(y=y.axis(labelOffset=-8, labelPadding=8))
    words = base.mark_text(align="left", baseline="bottom", dy=-1, limit=alt.ExprRef("width - 60")).encode(
        x=alt.value(0), text="label:N"
    )
    number = base.mark_text(align="right", baseline="bottom", dy=-1).encode(x=alt.XValue("width"), text="value:N")
    bar = base.mark_bar(height=9, yOffset=7).encode(x=x.stack(None), order="number:Q", description="row:N", **encodings)
    return [bar, words.transform_calculate(label=label), number.transform_calculate(value=value)]


def _ranking(answer: Answer, columns: tuple[str, ...]) -> list[alt.Chart]:
    """The rows in their order, named by these columns, with a bar for the plays."""
    label = " + ' – ' + ".join(_text(answer, column) for column in columns)
    y = alt.Y("number:O", title=None)
    return _rows(len(answer.rows), y, _count("plays", "plays"), label, _text(answer, "plays"))


def _songs_by_gender(answer: Answer) -> list[alt.Chart]:
    """A ranking for each gender, told apart by its name and by lightness."""
    y = alt.Y("key:N", sort=None, title=None)
    label = f"{_text(answer, 'song')} + ' – ' + {_text(answer, 'artist')}"
    fill = alt.Fill("gender:N", legend=None)
    layers = _rows(len(answer.rows), y, _count("plays", "plays"), label, _text(answer, "plays"), fill=fill)
    return [layer.transform_calculate(key="datum.gender + ' ' + datum.place") for layer in layers]


def _plays_by_weekday(answer: Answer) -> list[alt.Chart]:
    """A column for each of the seven days: the average of the days of that name."""
    x = (
        alt.X("day_name:O", title=None)
        .scale(domain=_cases(answer))
        .axis(labelAngle=0, labelExpr="slice(datum.label, 0, 3)")
    )
    base = alt.Chart(height=HEIGHT).encode(x=x, y=_up("plays_per_day", "plays a day, on average"))
    return [
        base.mark_bar().encode(description="row:N"),
        base.mark_text(baseline="bottom", dy=-3).encode(text=alt.Text("plays_per_day:Q", format=",")),
    ]


def _songs_per_user(answer: Answer) -> list[alt.Chart]:
    """A bar for the plays, and a tick for how many of these were of different songs."""
    y = alt.Y("level:N", title=None)
    x = _count("plays_per_user", "plays per user, on average (tick: songs)")
    label = f"{_text(answer, 'songs_per_user')} + ' different songs'"
    layers = _rows(len(answer.rows), y, x, label, f"{_text(answer, 'plays_per_user')} + ' plays'")
    return [*layers, _tick(y, "songs_per_user")]


def _users_by_plays(answer: Answer) -> list[alt.Chart]:
    """A bar for each range of plays."""
    ranges = _cases(answer)
    y = alt.Y("plays_range:O", title="plays of a user").scale(domain=ranges)
    base = alt.Chart(height=24 * len(ranges)).encode(x=_count("users", "users"), y=y)
    return [
        base.mark_bar().encode(description="row:N"),
        base.mark_text(align="left", dx=4).encode(text=alt.Text("users:Q", format=",")),
    ]


def _plays_by_hour(answer: Answer) -> list[alt.Chart]:
    """A column for each of the 24 hours."""
    x = alt.X("hour:O", title="hour of day (UTC)").scale(domain=list(range(24)))
    x = x.axis(labelAngle=0, labelExpr="datum.value % 3 ? '' : datum.label")
    base = alt.Chart(height=HEIGHT).encode(x=x, y=_up("plays", "plays"))
    return [base.mark_bar().encode(description="row:N")]


def _plays_by_day(answer: Answer) -> list[alt.Chart]:
    """A line for each level, told apart by lightness, dashes and the shape of its points; no row means no play."""
    days = sorted(record["day"] for record in answer.records())
    every = [(days[0] + timedelta(n)).isoformat() for n in range((days[-1] - days[0]).days + 1)]
    x = alt.X("date:T", title="day (UTC)", axis=alt.Axis(format=_day_format(days), tickCount=6)).scale(type="utc")
    levels = sorted({record["level"] for record in answer.records()})  # one domain, so one legend for all
    colour, dash = (
        alt.Color("level:N").scale(domain=levels),
        alt.StrokeDash("level:N").scale(domain=levels, range=DASHES),
    )
    shape = alt.Shape("level:N").scale(domain=levels, range=SHAPES)
    base = alt.Chart(height=HEIGHT).encode(x=x, y=_up("plays", "plays"), color=colour)
    line = base.mark_line(aria=False).encode(strokeDash=dash)
    size = min(40, 3000 / len(days))  # square pixels
    point = base.mark_point(opacity=1, size=size).encode(shape=shape, order="number:Q", description="row:N")
    return [
        line.transform_impute("plays", "day", keyvals=every, value=0, groupby=["level"]).transform_calculate(
            date="toDate(datum.day)"
        ),
        point.transform_calculate(date="toDate(datum.day)"),
    ]


def _users_by_week(answer: Answer) -> list[alt.Chart]:
    """A column for each week, from its Monday to the next."""
    x = alt.X("monday:T", title="week from Monday (UTC)").scale(type="utc")
    mondays = [record["week_start"] for record in answer.records()]
    ticks = [alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True) for day in mondays]
    x = x.axis(format=_day_format(mondays), values=ticks, grid=False)
    base = alt.Chart(height=HEIGHT).encode(y=_up("users", "active users"))
    base = base.transform_calculate(monday="toDate(datum.week_start)", sunday=f"datum.monday + {6.6 * DAY}")
    base = base.transform_calculate(middle=f"datum.monday + {3.3 * DAY}")
    number = base.mark_text(baseline="bottom", dy=-3).encode(x="middle:T", text=alt.Text("users:Q", format=","))
    bar = base.mark_bar().encode(x=x, x2="sunday", y2=alt.datum(0), description="row:N")
    return [bar, number] if len(mondays) <= 10 else [bar]


def _sessions(answer: Answer) -> list[alt.Chart]:
    """A bar for the average length in each range of plays, and a tick for the longest."""
    ranges = _cases(answer)
    y = alt.Y("plays_range:O", title="plays in a session").scale(domain=ranges)
    x = _count("average_minutes", "minutes, on average (tick: longest)")
    label = f"{_text(answer, 'sessions')} + (datum.sessions === 1 ? ' session' : ' sessions')"
    layers = _rows(len(ranges), y, x, label, f"{_text(answer, 'average_minutes')} + ' min'")
    return [*layers, _tick(y, "longest_minutes")]


def _tick(y: alt.Y, column: str) -> alt.Chart:
    """A second number on the rows' bars."""
    return alt.Chart().mark_tick(height=15, yOffset=7).encode(x=f"{column}:Q", y=y)


LAYERS: dict[str, Callable[[Answer], list[alt.Chart]]] = {
    "popular songs by user gender": _songs_by_gender,
    "activity by day of the week": _plays_by_weekday,
    "average number of songs streamed per user": _songs_per_user,
    "distribution of the number of songs per user": _users_by_plays,
    "most played songs": lambda answer: _ranking(answer, ("song", "artist")),
    "most played artists": lambda answer: _ranking(answer, ("artist",)),
    "plays by hour of day": _plays_by_hour,
    "free against paid by day": _plays_by_day,
    "active users per week": _users_by_week,
    "top locations": lambda answer: _ranking(answer, ("location",)),
    "sessions: length and plays": _sessions,
}

"""The chart of an answer as a picture for the notebook, drawn by Altair: `chart(answer)`.

Text of the data is only ever drawn: it gets into no expression.
"""

from datetime import date, timedelta
from itertools import chain
from typing import Any

import altair as alt

from notebooks.answers import Answer, spelled
from notebooks.question import MEANINGS, OTHER, PLAIN, Chart, counted, words

TEXT, GRID = "#22272b", "#dfe3e6"
DASHES = [[1, 0], [5, 3], [2, 2], [8, 3, 2, 3]]
WIDTH, HEIGHT, ROW = 600, 260, 38  # pixels


def chart(answer: Answer) -> alt.LayerChart | None:
    """The chart of an answer; None where there is nothing to draw."""
    spec = answer.chart
    if spec is None or not answer.rows:
        return None
    layers = {"bars": _bars, "columns": _columns, "lines": _lines}[spec.kind](answer, spec)
    data: Any = alt.InlineData(values=_values(answer, spec))
    text: dict[str, Any] = {"labelColor": TEXT, "titleColor": TEXT, "labelFontSize": 12, "titleFontSize": 12}
    axis: dict[str, Any] = {"domainColor": GRID, "gridColor": GRID, "tickColor": GRID, "titleFontWeight": "normal"}
    drawn: alt.LayerChart = (
        alt.layer(*layers, data=data)
        .configure(font="system-ui, sans-serif", background="white")
        .configure_view(stroke=None)
        .configure_axis(**axis, **text)
        .configure_legend(orient="top", title=None, **text)
        .configure_title(anchor="start", fontSize=15, color=TEXT, offset=12)
        .properties(
            width=WIDTH, title=answer.question.title, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
        )
    )
    return drawn


def _values(answer: Answer, spec: Chart) -> list[dict[str, Any]]:
    """The rows as JSON has them, with their place, the name of the mark and its numbers as text."""
    values = []
    for place, record in enumerate(answer.records()):
        row = {name: value.isoformat() if isinstance(value, date) else value for name, value in record.items()}
        label = " – ".join(spelled(record[name]) for name in spec.names)
        if answer.question.bounds:
            label = f"{words(spec.names[0])}: {label}"
        if spec.detail:
            label += f" ({spelled(record[spec.detail])} {counted(spec.detail, record[spec.detail])})"
        number = {"_place": place, "_value": spelled(record[spec.value])}
        values.append({**row, **number, "_name": str(record[spec.names[0]]), "_label": label})
    return values


def _colour(answer: Answer, spec: Chart) -> tuple[list[str], list[str]]:
    """The values of the series, and the colour of each."""
    series = sorted({str(record[spec.series]) for record in answer.records()})
    return series, [MEANINGS.get(name, OTHER)[0] for name in series]


def _bars(answer: Answer, spec: Chart) -> list[alt.Chart]:
    """A row for each: its name and its number, and the bar below."""
    title = words(spec.value) + (f" (line: {words(spec.tick)})" if spec.tick else "")
    y = alt.Y("_place:O", title=None, axis=None)
    base = alt.Chart(height=ROW * len(answer.rows)).encode(y=y)
    right: Any = alt.value(alt.ExprRef("width"))
    x = alt.X(f"{spec.value}:Q", title=title, stack=None, axis=alt.Axis(grid=False, tickCount=5, format=",~f"))
    bar = base.mark_bar(height=9, yOffset=9, color=PLAIN[0])
    if spec.series:
        series, colours = _colour(answer, spec)
        colour = alt.Color(f"{spec.series}:N", scale=alt.Scale(domain=series, range=colours))
        drawn = bar.encode(x=x, color=colour.legend(None) if spec.series in spec.names else colour)
    else:
        drawn = bar.encode(x=x)
    label = base.mark_text(align="left", baseline="bottom", dy=1, limit=WIDTH - 70, color=TEXT, fontSize=12)
    number = base.mark_text(align="right", baseline="bottom", dy=1, color=TEXT, fontSize=12)
    layers = [
        drawn,
        label.encode(x=alt.value(0), text="_label:N"),
        number.encode(x=right, text="_value:N"),
    ]
    if spec.tick:
        layers.append(base.mark_tick(height=17, yOffset=9, thickness=2, color=TEXT).encode(x=f"{spec.tick}:Q"))
    return layers


def _columns(answer: Answer, spec: Chart) -> list[alt.Chart]:
    """A column for each category, also for one without a row; numbers above them if there is room."""
    name = spec.names[0]
    x = alt.X("_name:O", title=words(name), sort=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    x = x.scale(domain=categories(answer))
    y = alt.Y(f"{spec.value}:Q", title=words(spec.value), axis=alt.Axis(tickCount=4, format=",~f", domain=False))
    base = alt.Chart(height=HEIGHT).encode(x=x, y=y)
    layers = [base.mark_bar(color=PLAIN[0])]
    if len(categories(answer)) <= 12:
        layers.append(base.mark_text(baseline="bottom", dy=-3, color=TEXT, fontSize=12).encode(text="_value:N"))
    return layers


def categories(answer: Answer) -> list[str]:
    """Every name of the axis, in order: the question's, or every week from the first to the last, or those there."""
    spec = answer.chart
    if answer.question.categories or spec is None:
        return list(answer.question.categories)
    found = [record[spec.names[0]] for record in answer.records()]
    if found and all(isinstance(name, date) for name in found):
        weeks = range((max(found) - min(found)).days // 7 + 1)
        return [(min(found) + timedelta(7 * week)).isoformat() for week in weeks]
    return list(map(spelled, found))


def _lines(answer: Answer, spec: Chart) -> list[alt.Chart]:
    """A line for each value of the series, with dashes of its own; a day without a row is zero."""
    name = spec.names[0]
    days = sorted(record[name] for record in answer.records())
    every = [(days[0] + timedelta(n)).isoformat() for n in range((days[-1] - days[0]).days + 1)]
    form = "%-d %b" if len(every) < 365 else "%b %Y"
    x = alt.X("_day:T", title=words(name), axis=alt.Axis(format=form, tickCount=6)).scale(type="utc")
    y = alt.Y(f"{spec.value}:Q", title=words(spec.value), axis=alt.Axis(tickCount=4, format=",~f", domain=False))
    base = alt.Chart(height=HEIGHT).transform_impute(
        spec.value, name, keyvals=every, value=0, groupby=[spec.series] if spec.series else []
    )
    line = base.transform_calculate(_day=f"toDate(datum.{name})").mark_line(color=PLAIN[0]).encode(x=x, y=y)
    if spec.series:
        series, colours = _colour(answer, spec)
        dashes = list(chain(*[DASHES] * (len(series) // len(DASHES) + 1)))[: len(series)]
        line = line.encode(
            color=alt.Color(f"{spec.series}:N", scale=alt.Scale(domain=series, range=colours)),
            strokeDash=alt.StrokeDash(f"{spec.series}:N", scale=alt.Scale(domain=series, range=dashes)),
        )
    return [line]

"""The charts of the analysts' answers, drawn without a browser."""

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import date

import pytest
import vl_convert

from notebooks.answers import Answer
from notebooks.charts import COLOURS, FILTERS, LAYERS, chart
from notebooks.questions import analytics_queries
from tests.fixtures.answers import told, without_isolates

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["</script><img src=x onerror=alert(1)>", "\u2028'+alert(1)+'", "שיר \u202eאחד", "long " * 200, None]


def answer_to(question: str, columns: str, *rows: tuple) -> Answer:
    """An answer made by hand."""
    return Answer(question, analytics_queries[question], columns.split(), list(rows))


def marks(spec: dict) -> list[ElementTree.Element]:
    """What the drawn chart has that tells a row."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
    return [mark for mark in svg.iter(f"{SVG}path") if mark.get("aria-roledescription") in ("bar", "point")]


def words(spec: dict) -> list[str]:
    """All text in the drawn chart."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
    return [text.text for text in svg.iter(f"{SVG}text") if text.text]


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_question_has_a_chart():
    """And no chart is without its question."""
    assert list(LAYERS) == list(analytics_queries)
    assert set(FILTERS) <= set(LAYERS)


@pytest.mark.parametrize("number", range(len(analytics_queries)), ids=list(analytics_queries))
def test_a_chart_holds_and_draws_every_row(simulated, number):
    """Its data are the rows, dates as text; each has one mark, in order, that tells all of it; a PNG comes of it."""
    answer = simulated.answers[number]
    spec = chart(answer).to_dict()
    assert [list(row) for row in spec["data"]["values"]] == [answer.columns] * len(answer.rows)
    assert [tuple(row.values()) for row in spec["data"]["values"]] == [
        tuple(value.isoformat() if isinstance(value, date) else value for value in row) for row in answer.rows
    ]
    assert [without_isolates(mark.get("aria-label")) for mark in marks(spec)] == told(answer)
    png = vl_convert.vegalite_to_png(spec)
    assert png.startswith(b"\x89PNG") and int.from_bytes(png[16:20], "big") == 600  # pixels, axis and all


def test_what_has_no_row_keeps_its_place():
    """One Wednesday, one hour, one range: the others are empty, not left out."""
    weekday = answer_to("activity by day of the week", "weekday day_name plays_per_day", (3, "Wednesday", 7.5))
    assert words(chart(weekday).to_dict())[:7] == ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    hour = answer_to("plays by hour of day", "hour plays", (13, 4))
    (bar,) = marks(chart(hour).to_dict())
    assert 300 < float(re.match(r"M([\d.]+)", bar.get("d"))[1]) < 350  # of 600 pixels
    assert words(chart(hour).to_dict())[:8] == [str(hour) for hour in range(0, 24, 3)]
    ranges = answer_to("sessions: length and plays", "plays_range sessions average_minutes longest_minutes",
                       ("20-49", 1, 90.0, 90.0))  # fmt: skip
    drawn = words(chart(ranges).to_dict())
    labels = ["1", "2-4", "5-9", "10-19", "20-49", "50-99", "100 and more"]
    assert [text for text in drawn if text in labels] == labels
    assert {"1 session", "90 min"} < set(drawn)


def test_a_day_without_plays_is_zero():
    """The line of each level goes down to the axis on every day without a row; only rows have a point."""
    answer = answer_to("free against paid by day", "day level plays", (date(2018, 11, 1), "free", 4),
                       (date(2018, 11, 4), "free", 8), (date(2018, 11, 4), "paid", 2))  # fmt: skip
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(chart(answer).to_dict()))
    lines = [path.get("d") for path in svg.iter(f"{SVG}path") if re.fullmatch(r"M[-\d.,L]+", path.get("d"))]
    heights = [[float(height) for height in re.findall(r",([-\d.]+)", line)] for line in lines if line.count("L") == 3]
    assert heights == [[140, 280, 280, 0], [280, 280, 280, 210]]
    assert len(marks(chart(answer).to_dict())) == 3


def test_weeks_keep_their_distance():
    """A week without a row is a gap; a column stands on its own Monday."""
    weeks = [(date(2018, 12, 31), 1, 5), (date(2019, 1, 14), 3, 6)]
    spec = chart(answer_to("active users per week", "week_start week users", *weeks)).to_dict()
    first, second = (re.match(r"M([\d.]+),[\d.]+h([\d.]+)", mark.get("d")).groups() for mark in marks(spec))
    assert float(second[0]) - float(first[0]) > 2 * float(first[1])
    assert words(spec)[:2] == ["31 Dec", "14 Jan"]


def test_text_of_the_data_stays_text():
    """It is in the rows and nowhere else in a chart, and is drawn as it is, cut where it is too long."""
    rows = [(text, text, 5, 1) for text in HOSTILE]
    answer = answer_to("most played songs", "song artist plays listeners", *rows)
    spec = chart(answer).to_dict()
    assert [row["song"] for row in spec["data"]["values"]] == HOSTILE
    assert not any(text[:9] in json.dumps({**spec, "data": {}}, ensure_ascii=False) for text in HOSTILE[:-1])
    assert [without_isolates(mark.get("aria-label")) for mark in marks(spec)] == told(answer)
    drawn = words(spec)
    assert f"{HOSTILE[0]} – {HOSTILE[0]}" in drawn and "unknown – unknown" in drawn
    assert any(text.startswith("long long") and text.endswith("…") and len(text) < 150 for text in drawn)


@pytest.mark.parametrize(("question", "column"), FILTERS.items())
def test_a_filter_leaves_the_rows_of_one_value(simulated, question, column):
    """The parameter `only`, set to each value in turn."""
    (answer,) = (answer for answer in simulated.answers if answer.question == question)
    spec = chart(answer).to_dict()
    (param,) = spec["params"]
    for value in {row[answer.columns.index(column)] for row in answer.rows}:
        param["value"] = value
        labels = [without_isolates(mark.get("aria-label")) for mark in marks(spec)]
        assert labels == [text for text in told(answer) if f"{column}: {value};" in text]


def test_series_are_told_apart_without_hue():
    """By lightness, and from the background, too."""
    white, *series = (luminance(colour) + 0.05 for colour in ("#ffffff", *COLOURS["marks"]))
    assert min(white / mark for mark in series) >= 2.9
    assert max(series[:2]) / min(series[:2]) > 2.5

"""The charts of the analysts' answers as the notebook draws them."""

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import date

import pytest
import vl_convert

from notebooks.answers import Answer
from notebooks.charts import chart
from notebooks.question import MEANINGS, OTHER, PLAIN, Question
from notebooks.questions import QUESTIONS

pytestmark = pytest.mark.notebook

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["</script><img src=x onerror=alert(1)>", "\u2028'+alert(1)+'", "שיר \u202eאחד", "long " * 200, None]
BY_ID = {question.id: question for question in QUESTIONS}


def answer_to(question: str, columns: str, *rows: tuple) -> Answer:
    """An answer made by hand."""
    return Answer(BY_ID[question], columns.split(), list(rows))


def drawn(answer: Answer) -> ElementTree.Element:
    """The chart as SVG."""
    return ElementTree.fromstring(vl_convert.vegalite_to_svg(chart(answer).to_dict()))


def marks(answer: Answer) -> list[ElementTree.Element]:
    """What the drawn chart has as bars."""
    return [mark for mark in drawn(answer).iter(f"{SVG}path") if mark.get("aria-roledescription") == "bar"]


def words(answer: Answer) -> list[str]:
    """All text in the drawn chart."""
    return [text.text for text in drawn(answer).iter(f"{SVG}text") if text.text]


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("number", range(len(QUESTIONS)), ids=list(BY_ID))
def test_a_chart_holds_and_draws_every_row(simulated, number):
    """Its data are the rows, dates as text; a bar for each, or a line for each series; a title; a PNG comes of it."""
    answer = simulated.answers[number]
    spec = chart(answer).to_dict()
    assert [tuple(row[name] for name in answer.columns) for row in spec["datasets"][spec["data"]["name"]]] == [
        tuple(value.isoformat() if isinstance(value, date) else value for value in row) for row in answer.rows
    ]
    if answer.chart.kind == "lines":
        lines = [p for p in drawn(answer).iter(f"{SVG}path") if p.get("aria-roledescription") == "line mark"]
        assert len(lines) == len({row[1] for row in answer.rows})
    else:
        assert len(marks(answer)) == len(answer.rows)
    assert answer.question.title in words(answer)
    png = vl_convert.vegalite_to_png(spec)
    assert png.startswith(b"\x89PNG") and int.from_bytes(png[16:20], "big") == 600  # pixels, axis and all


def test_what_has_no_row_keeps_its_place():
    """One Wednesday, one hour: the others are empty, not left out."""
    weekday = answer_to("weekdays", "weekday day_name plays_per_day", (3, "Wednesday", 7.5))
    assert [word for word in words(weekday) if word in BY_ID["weekdays"].categories] == list(
        BY_ID["weekdays"].categories
    )
    hour = answer_to("hours", "hour plays", (13, 4))
    (bar,) = marks(hour)
    assert 300 < float(re.match(r"M([\d.]+)", bar.get("d"))[1]) < 360  # of 600 pixels


def test_a_day_without_plays_is_zero():
    """The line of each level goes down to the axis on every day without a row."""
    answer = answer_to("plays-by-day", "day level plays", (date(2018, 11, 1), "free", 4),
                       (date(2018, 11, 4), "free", 8), (date(2018, 11, 4), "paid", 2))  # fmt: skip
    lines = [path.get("d") for path in drawn(answer).iter(f"{SVG}path") if path.get("d", "").count("L") == 3]
    heights = [[float(height) for height in re.findall(r",([-\d.]+)", line)] for line in lines]
    assert heights == [[130, 260, 260, 0], [260, 260, 260, 195]]


def test_weeks_keep_their_distance():
    """A week without a row is a gap."""
    weeks = [(date(2018, 12, 31), 1, 5), (date(2019, 1, 14), 3, 6)]
    answer = answer_to("active-users", "week_start week active_users", *weeks)
    first, second = (re.match(r"M([\d.]+),[\d.]+h([\d.]+)", mark.get("d")).groups() for mark in marks(answer))
    assert float(second[0]) - float(first[0]) > 2 * float(first[1])
    assert "2019-01-07" in words(answer)


def test_text_of_the_data_stays_text():
    """It is in the rows and nowhere else in a chart, and is drawn as it is, cut where it is too long."""
    answer = answer_to("songs", "song artist plays listeners", *((text, text, 5, 1) for text in HOSTILE))
    spec = chart(answer).to_dict()
    assert [row["song"] for row in spec["datasets"][spec["data"]["name"]]] == HOSTILE
    assert not any(text[:9] in json.dumps({**spec, "datasets": {}}, ensure_ascii=False) for text in HOSTILE[:-1])
    found = words(answer)
    assert f"{HOSTILE[0]} – {HOSTILE[0]}" in found and "unknown – unknown" in found
    assert any(text.startswith("long long") and text.endswith("…") and len(text) < 150 for text in found)


def test_a_value_has_its_colour_in_every_chart(simulated):
    """paid is the same blue where both levels are and where it is alone; what is not named has one colour, too."""
    days = answer_to("plays-by-day", "day level plays", (date(2018, 11, 1), "paid", 4))
    assert MEANINGS["paid"][0] in json.dumps(chart(days).to_dict())
    assert MEANINGS["free"][0] not in json.dumps(chart(days).to_dict())
    (per_user,) = (answer for answer in simulated.answers if answer.question.id == "songs-per-user")
    assert [bar.get("fill") for bar in marks(per_user)] == [OTHER[0], MEANINGS["free"][0], MEANINGS["paid"][0]]


def test_colours_stand_out_from_the_page():
    """WCAG's 3 to 1 for marks, by day on white and by night on the cards' dark."""
    white, dark = luminance("#ffffff") + 0.05, luminance("#1d2327") + 0.05
    for by_day, by_night in [*MEANINGS.values(), PLAIN, OTHER]:
        assert white / (luminance(by_day) + 0.05) >= 3
        assert (luminance(by_night) + 0.05) / dark >= 3


def test_an_answer_without_numbers_or_rows_has_no_chart():
    question = Question("id", "Title", "SELECT 1")
    assert chart(Answer(question, ["name"], [("a",)])) is None
    assert chart(Answer(question, ["name", "plays"], [])) is None
    assert Answer(question, ["name", "plays"], []).sentence == "No plays."
    assert Answer(question, ["name"], [("a",)]).sentence == ""

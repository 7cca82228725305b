"""The dashboard in Firefox: its script has drawn there what the SQL answers, and filters as it does in Chromium."""

import PIL.ImageColor

from notebooks.answers import spelled
from notebooks.question import MEANINGS
from tests.fixtures.answers import MARK, told

RIGHT = "\ue014"  # WebDriver's name of the arrow key
MARKS = f"""() => [...document.querySelectorAll("section")].map(section => [...section.querySelectorAll("{MARK}")]
  .map(mark => mark.getBoundingClientRect()).filter(box => box.width > 0 && box.height > 0).length)"""
SHOWN = """() => ["h2", "dd", ".finding", "td", ".unit", ".axis span", "#shown"].map(
  selector => [...document.querySelectorAll(selector)].map(element => element.textContent))"""
ROWS = """() => [...document.querySelectorAll("section")].map(section => [...section.querySelectorAll("tbody tr")]
  .map(row => [...row.cells].map(cell => cell.textContent)))"""
STROKES = (
    """() => [...document.querySelectorAll("#plays-by-day .plot path")].map(path => getComputedStyle(path).stroke)"""
)
ONLY_PAID = """() => {
  const level = document.querySelector("[name=level]");
  level.value = "paid";
  level.dispatchEvent(new Event("change", {bubbles: true}));
}"""


def test_firefox_draws_it_too(firefox, visit, simulated):
    """Numbers are the SQL's, so are marks and their words by real keys; a filter gives what Chromium shows."""
    file = simulated.file
    firefox.visit(file)
    answers = simulated.answers
    assert firefox.call(ROWS) == [[[spelled(value) for value in row] for row in answer.rows] for answer in answers]
    chromium = visit(file)
    assert firefox.call(MARKS) == chromium.evaluate(MARKS)
    assert min(firefox.call(MARKS)) > 0
    colours = {"rgb({}, {}, {})".format(*PIL.ImageColor.getrgb(MEANINGS[level][0])) for level in ("free", "paid")}
    assert set(firefox.call(STROKES)) == colours
    hours = next(answer for answer in answers if answer.question.id == "hours")
    firefox.call("() => document.querySelector('#hours .chart').focus()")
    walked = []
    for _ in hours.rows:
        firefox.press(RIGHT)
        walked.append(firefox.call("() => document.querySelector('#hours output').textContent"))
    assert walked == told(hours)
    whole = firefox.call(SHOWN)
    assert whole == chromium.evaluate(SHOWN)
    firefox.call(ONLY_PAID)
    chromium.evaluate(ONLY_PAID)
    paid = firefox.call(SHOWN)
    assert paid == chromium.evaluate(SHOWN)
    assert paid != whole

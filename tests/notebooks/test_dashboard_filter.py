"""The dashboard's filter: under any, the page's numbers are those of SQL and of plain Python over what it leaves."""

import random
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

import create_tables
import etl
from infra import simulate_data, warehouse
from infra.database import execute, transaction
from notebooks import dashboard
from notebooks.answers import answer_all, ask, spelled
from notebooks.questions import QUESTIONS
from tests.fixtures.etl import TS, event, log_events
from tests.fixtures.plain_answers import ALL, Filter, answers, totals
from tests.fixtures.warehouse import drop_tables

FIRST, LAST = date(2018, 11, 1), date(2018, 11, 30)
FILTERS = [
    ALL,
    Filter(level="paid"),
    Filter(gender="F"),
    Filter(FIRST, FIRST),
    Filter(date(2018, 11, 9), date(2018, 11, 18), "free", "M"),
]
TABLES = """ids => Object.fromEntries(ids.map(id => [
  id, [...document.querySelectorAll(`#${id} tbody tr`)].map(row => [...row.cells].map(cell => cell.textContent))]))"""


def choose(page, only: Filter) -> None:
    """Set the filter of the page."""
    page.locator("[name=from]").fill(max(only.first, FIRST).isoformat())
    page.locator("[name=to]").fill(min(only.last, LAST).isoformat())
    page.locator("[name=level]").select_option(only.level)
    page.locator("[name=gender]").select_option(only.gender)


def shown(page) -> tuple[list[str], dict[str, list[list[str]]]]:
    """The totals, and the table of every question."""
    return page.locator("dd").all_text_contents(), page.evaluate(TABLES, [one.id for one in QUESTIONS])


def as_text(rows: dict[str, list[tuple]]) -> dict[str, list[list[str]]]:
    """Rows as the page spells them."""
    return {question: [[spelled(value) for value in row] for row in some] for question, some in rows.items()}


def check(page, events: list[dict], only: Filter) -> None:
    """Compare the page under a filter with plain Python."""
    choose(page, only)
    numbers, tables = shown(page)
    assert numbers == [f"{number:,}" for number in totals(events, only).values()], only
    for question, rows in as_text(answers(events, only)).items():
        assert tables[question] == rows, (question, only)


def test_the_numbers_are_those_of_plain_python(visit, simulated):
    """No filter, each alone, all together, and some at random."""
    events = log_events(simulated.settings.local_path / "simulated")
    page = visit(simulated.file)
    draw = random.Random(7)
    some = list(FILTERS)
    for _ in range(8):
        first, last = sorted(draw.choices(range(30), k=2))
        days = (FIRST + timedelta(first), FIRST + timedelta(last))
        some.append(Filter(*days, draw.choice(["", "free", "paid"]), draw.choice(["", "F", "M"])))
    for only in some:
        check(page, events, only)


@pytest.mark.parametrize("only", FILTERS[1:], ids=["level", "gender", "day", "all"])
def test_the_numbers_are_those_of_the_sql(visit, simulated, simulated_tables, only):
    """The questions' own statements, over tables that hold the filter's plays and users alone."""
    page = visit(simulated.file)
    choose(page, only)
    with closing(warehouse.connect(simulated_tables)) as connection, transaction(connection):
        wanted = {
            "first": max(only.first, FIRST), "next": min(only.last, LAST) + timedelta(1), "level": only.level,
            "gender": only.gender,
        }  # fmt: skip
        for statement in (
            "DELETE FROM songplays WHERE start_time < %(first)s OR start_time >= %(next)s",
            "DELETE FROM songplays WHERE %(level)s <> '' AND level <> %(level)s",
            "DELETE FROM users WHERE %(gender)s <> '' AND gender <> %(gender)s",
            "DELETE FROM songplays WHERE user_id NOT IN (SELECT user_id FROM users)",
        ):
            execute(connection, statement, wanted)
        expected = {question.id: ask(connection, question).rows for question in QUESTIONS if question.rollup}
        connection.rollback()
    tables = shown(page)[1]
    assert {question: tables[question] for question in expected} == as_text(expected)


def test_sentences_and_charts_follow_the_filter(visit, simulated):
    page = visit(simulated.file)
    assert page.locator("#plays-by-day .plot path").count() == 2
    choose(page, Filter(date(2018, 11, 5), date(2018, 11, 11), "paid"))
    assert page.locator("#plays-by-day .plot path").count() == 1
    assert page.locator("#plays-by-day [data-row]").count() == 7
    first = page.locator("#songs tbody tr").first.locator("td").all_text_contents()
    assert page.locator("#songs .finding").text_content() == (
        f"First: {first[0]} by {first[1]}, {first[2]} plays by {first[3]} listeners."
    )
    assert page.locator("#shown").text_content() == "Shown: 2018-11-05 to 2018-11-11, level paid."


def test_a_value_keeps_its_colour_under_every_filter(visit, simulated):
    """paid is the same blue where both levels are drawn and where it is alone."""
    page = visit(simulated.file)
    stroke = "path => getComputedStyle(path).stroke"
    both = page.locator("#plays-by-day .plot path").nth(1).evaluate(stroke)
    page.locator("[name=level]").select_option("paid")
    assert page.locator("#plays-by-day .plot path").evaluate(stroke) == both == "rgb(27, 94, 155)"


def test_odd_names_and_times_are_counted_as_sql_does(visit, case, tmp_path):
    """Order by bytes beyond the first plane of Unicode, NULL last and not counted, midnight, and the turn of a year."""
    year = 1546300800000 - TS  # from TS to 2019-01-01 00:00:00.000
    names = ["\uffee", "🎵", "a", "Z", "ä", None]
    logs = [
        event(ts=TS + year + step, song=name, artist=name, userId=str(number % 3), sessionId=number, length=None)
        for number, name in enumerate(names)
        for step in (-1, 0, 7 * 86_400_000)
    ]
    case.load(logs)
    file = tmp_path / "dashboard.html"
    assert dashboard.main(["--config", str(case.config), "--output", str(file)]) == 0
    page = visit(file)
    expected = {answer.question.id: answer.rows for answer in answer_all(case.settings)}
    assert shown(page)[1] == as_text(expected)
    assert [row[0] for row in expected["songs"]] == ["Z", "a", "ä", "\uffee", "🎵", None]
    assert [row[:2] for row in expected["active-users"]] == [(date(2018, 12, 31), 1), (date(2019, 1, 7), 2)]


@pytest.mark.parametrize(
    ("days", "songs", "events", "last", "size"),
    [
        pytest.param(91, 1_000, 8_000, date(2019, 1, 20), 230_000, id="quarter"),
        pytest.param(365, 15_000, 98_000, date(2019, 6, 30), 1_500_000, id="year", marks=pytest.mark.slow),
    ],
)
def test_a_year_stays_under_a_megabyte_and_a_half(
    visit, config, connection, tmp_path: Path, days, songs, events, last, size
):
    """A year as busy as the course's month, or a quieter quarter; the page still counts it like plain Python."""
    drop_tables(connection)
    data = tmp_path / "year"
    simulate_data.simulate(data, songs=songs, users=100, events=events, days=days, seed=3)
    file = config.with_name("year.cfg")
    file.write_text(
        f"{config.read_text().split('[S3]')[0]}[S3]\nLOG_DATA={data / 'log_data'}\nSONG_DATA={data / 'song_data'}\n"
        f"LOG_JSONPATH={data / 'log_json_path.json'}\n"
    )
    assert create_tables.main(["--config", str(file)]) == 0
    assert etl.main(["--config", str(file), "--quiet"]) == 0
    page_file = tmp_path / "year.html"
    assert dashboard.main(["--config", str(file), "--output", str(page_file)]) == 0
    assert page_file.stat().st_size < size
    page = visit(page_file)
    lines = log_events(data)
    only = Filter(date(2019, 1, 5), last, "paid", "F")
    page.locator("[name=from]").fill("2019-01-05")
    page.locator("[name=to]").fill(last.isoformat())
    page.locator("[name=level]").select_option("paid")
    page.locator("[name=gender]").select_option("F")
    numbers, tables = shown(page)
    assert numbers == [f"{number:,}" for number in totals(lines, only).values()]
    expected = as_text(answers(lines, only))
    assert {question: tables[question] for question in expected} == expected

"""The dashboard, in a real browser that is offline: what it shows, tells, lets through and refuses."""

import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from infra.config import load_settings
from notebooks import dashboard
from notebooks.answers import answer_all
from notebooks.questions import analytics_queries
from tests.fixtures.answers import shown, told, without_isolates
from tests.fixtures.etl import TS, event
from tests.fixtures.warehouse import drop_tables

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
MADE = datetime(2018, 12, 1, 9, 30, tzinfo=timezone.utc)
MARK = ".role-mark path[aria-label]"
HOSTILE = {
    "markup": "</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`\u2028</title></td><b>&amp;",
    "template": "{user_id} $vega %s ${1+1}",
    "right to left": "\u202eשיר",
    "long": "long" * 250,
}
CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0) + 0.05;
  const behind = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return parts(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  const ratio = (element, property) => {
    const [low, high] = [light(getComputedStyle(element)[property]), light(behind(element))].sort((a, b) => a - b);
    return high / low;
  };
  const least = (selector, property) =>
    Math.min(...[...document.querySelectorAll(selector)].map(element => ratio(element, property)));
  return {
    text: least("h1, h2, p, dt, dd, summary, a:not(.skip), th, td, pre, label, legend, button, output", "color"),
    labels: least(".chart text", "fill"),
    marks: least(".role-mark path[aria-label]", "fill"),
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, Debian's or another's on the PATH, or Playwright's own."""
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), playwright.chromium.executable_path)
        if not Path(found).exists():
            pytest.skip(f"no browser: none of {', '.join(NAMES)} on the PATH, nor Playwright's own")
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file offline and wait for its charts; at the end of the test, nothing was requested or complained of."""
    said, asked, contexts = [], [], []

    def visit(file: Path, width: int = 1280, **options: object) -> Page:
        """`visit(file, color_scheme="dark")`."""
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        page.wait_for_function("[...document.querySelectorAll('.chart')].every(chart => chart.role === 'application')")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert (said, asked) == ([], [])


@pytest.fixture(scope="module")
def file(simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboard of the simulated data."""
    file = tmp_path_factory.mktemp("dashboard") / "dashboard.html"
    dashboard.write(file, dashboard.page(simulated.settings, simulated.answers, MADE))
    return file


def labels(page: Page, number: int) -> list[str]:
    """What the marks of a chart tell."""
    marks = page.locator("section").nth(number).locator(MARK)
    return [without_isolates(text) for text in marks.evaluate_all("marks => marks.map(mark => mark.ariaLabel)")]


def drawn(page: Page, question: int, count: int) -> None:
    """Wait until the chart of a question has so many marks."""
    page.wait_for_function(f"document.querySelectorAll('#question-{question} {MARK}').length === {count}")


def readout(page: Page, number: int) -> str:
    """What is told below a chart, if it can be seen."""
    output = page.locator("output").nth(number)
    assert output.is_visible()
    return without_isolates(output.text_content())


def test_numbers_are_those_of_the_sql(visit, file, simulated):
    """Question by question: the heading, the table, the SQL, and what the marks of the chart hold."""
    page = visit(file)
    sections = page.locator("section")
    assert sections.count() == len(simulated.answers) == len(analytics_queries)
    for number, answer in enumerate(simulated.answers):
        section = sections.nth(number)
        assert section.locator("h2").text_content() == answer.question.capitalize()
        assert section.locator("pre").text_content() == analytics_queries[answer.question].strip()
        rows = section.locator("tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        assert rows[0] == [name.replace("_", " ") for name in answer.columns]
        assert [[cell.removesuffix(".0") for cell in row] for row in rows[1:]] == [
            [shown(value) for value in row] for row in answer.rows
        ]
        assert labels(page, number) == told(answer)
        sizes = section.locator(MARK).evaluate_all(
            "marks => marks.map(mark => mark.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
        )
        assert min(sizes) > 0


def test_what_it_says_of_the_whole(visit, file, simulated, tmp_path):
    """Totals, findings, time and warehouse; no path of this machine, no password, no port."""
    page = visit(file)
    plays = sum(row[1] for row in simulated.answers[6].rows)
    assert f"{plays:,}" == page.locator("dd").first.text_content() == "6,749"
    assert page.locator("dd").all_text_contents() == ["6,749", "82", "79", "767", "30"]
    header = page.locator("header").inner_text()
    assert "From the embedded warehouse with simulated data. Made 2018-12-01 09:30." in header
    findings = page.locator("h2 + p").all_text_contents()
    assert findings[6] == "Busiest: the hour from 17:00 UTC, with 510 plays by 48 listeners."
    assert all(re.search(r"\d", finding) for finding in findings)
    assert str(simulated.settings.local_path) not in file.read_text(encoding="utf-8")
    redshift = replace(simulated.settings, host="sparkify.abc.us-west-2.redshift.amazonaws.com", password="hunter2")
    content = dashboard.page(redshift, simulated.answers, MADE)
    assert "From Amazon Redshift at sparkify.abc.us-west-2.redshift.amazonaws.com. Made" in content
    assert not [secret for secret in ("hunter2", redshift.role_arn, str(redshift.local_path)) if secret in content]


def test_only_its_own_scripts_run(browser, file):
    """The policy names them by their digests; what is put in later, or asks for eval or the network, is refused."""
    policy = re.search('Content-Security-Policy" content="([^"]+)"', file.read_text(encoding="utf-8"))[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    page = browser.new_page()
    page.goto(file.as_uri())
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        page.evaluate(
            """url => {
              const script = document.createElement("script");
              script.textContent = "document.title = 'run'";
              document.body.append(script);
              document.body.insertAdjacentHTML("beforeend", `<img src="${url}" onerror="document.title = 'run'">`);
              fetch(url).catch(() => null);
            }""",
            f"http://127.0.0.1:{server.getsockname()[1]}/",
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert page.title() == "Sparkify: what people listen to"
    page.close()


def test_keyboard(visit, file, simulated):
    """Tab reaches everything in order, with an outline; arrow keys walk along the marks of each chart and tell them."""
    page = visit(file)
    reached = []
    describe = "e => [e.tagName, e.className, e.closest('section')?.id ?? '', getComputedStyle(e).outlineStyle]"
    while True:
        page.keyboard.press("Tab")
        tag, kind, section, outline = page.evaluate(f"({describe})(document.activeElement)")
        if tag == "BODY" or len(reached) > 100:
            break
        assert outline == "solid"
        reached.append((tag, kind.split(" ")[0], section))
    before, radio = [("A", "skip", ""), ("BUTTON", "", ""), ("SUMMARY", "", ""), *[("A", "", "")] * 11], ("INPUT", "")
    each = [("DIV", "chart"), ("SUMMARY", ""), ("SUMMARY", "")]
    assert reached == before + [
        (*stop, f"question-{number}")
        for number in range(1, 12)
        for stop in ([radio, *each] if number in (1, 8) else each)
    ]
    for number, answer in enumerate(simulated.answers):
        page.locator(".chart").nth(number).focus()
        walked = []
        for _ in answer.rows:
            page.keyboard.press("ArrowRight")
            walked.append(readout(page, number))
            assert without_isolates(page.locator(".chosen").get_attribute("aria-label")) == walked[-1]
        assert walked == told(answer)
        page.keyboard.press("ArrowDown")
        assert readout(page, number) == walked[-1]
        page.keyboard.press("Home")
        assert readout(page, number) == walked[0]
        page.keyboard.press("Escape")
        assert readout(page, number) == "" and page.locator(".chosen").count() == 0


def test_details_theme_and_filters_by_keyboard(visit, file, simulated):
    """Enter opens the numbers, Space turns the colours, arrow keys choose what a chart shows."""
    page = visit(file)
    numbers = page.locator("section details").first
    numbers.locator("summary").press("Enter")
    assert numbers.locator("table").is_visible()
    page.locator("#theme").press("Space")
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    days = simulated.answers[7]
    shows = {"all": told(days)} | {
        level: [text for text in told(days) if f"level: {level};" in text] for level in ("free", "paid")
    }
    page.locator("section").nth(7).locator("input").first.focus()
    for level in ("all", "free", "paid"):
        drawn(page, 8, len(shows[level]))
        assert labels(page, 7) == shows[level]
        page.keyboard.press("ArrowRight")
    drawn(page, 8, len(shows["all"]))
    assert labels(page, 7) == shows["all"]


def test_mouse_and_touch(visit, file, simulated):
    """Pointing anywhere above an hour tells that hour; so does a tap; a level is chosen by a click."""
    hours = told(simulated.answers[6])
    page = visit(file)
    chart = page.locator(".chart").nth(6)
    chart.scroll_into_view_if_needed()
    for number in (0, 13, 23):
        box = chart.locator(MARK).nth(number).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, chart.bounding_box()["y"] + 5)
        assert readout(page, 6) == hours[number]
    page.get_by_label("paid", exact=True).check()
    drawn(page, 8, 30)
    phone = visit(file, width=375, has_touch=True)
    chart = phone.locator(".chart").nth(4)
    chart.scroll_into_view_if_needed()
    box = chart.locator(MARK).nth(2).bounding_box()
    phone.touchscreen.tap(box["x"] + 150, box["y"] - 5)  # on its name
    assert readout(phone, 4) == told(simulated.answers[4])[2]


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_everything_fits_the_width(visit, file, width):
    """No page wider than the window, with all opened; marks and words of the charts lie in their cards."""
    page = visit(file, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate("""() => [...document.querySelectorAll("section")].flatMap(section => {
      const card = section.getBoundingClientRect();
      return [...section.querySelectorAll(".chart path[aria-label], .chart text")].filter(mark => {
        const box = mark.getBoundingClientRect();
        return box.width && (box.left < card.left || box.right > card.right || box.bottom > card.bottom);
      }).map(mark => mark.outerHTML);
    })""")
    assert outside == []
    small = "e => e.map(e => [e.outerHTML, e.getBoundingClientRect().height]).filter(([, height]) => height < 44)"
    assert page.locator("button, summary, label, nav a").evaluate_all(small) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(visit, file, scheme):
    """WCAG AA: 4.5 for text, labels in the charts too, and 3 for marks; the button turns to the other scheme."""
    page = visit(file, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    backgrounds = set()
    for _ in range(2):
        found = page.evaluate(CONTRASTS)
        assert found["text"] >= 4.5 and found["labels"] >= 4.5 and found["marks"] >= 3, found
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.locator("#theme").click()
    assert backgrounds == {"rgb(243, 245, 246)", "rgb(20, 24, 27)"}


def test_days_are_the_same_in_every_time_zone(visit, file):
    """West and east of UTC, and in it: the same drawing, and weeks that begin on the Mondays of the answer."""
    drawn = []
    for zone in ("UTC", "America/Los_Angeles", "Asia/Tokyo"):
        page = visit(file, timezone_id=zone)
        drawn.append([page.locator(".chart svg").nth(number).inner_html() for number in (7, 8)])
        ticks = page.locator("section").nth(8).locator(".role-axis-label text").all_text_contents()
        assert [tick for tick in ticks if " " in tick] == ["29 Oct", "5 Nov", "12 Nov", "19 Nov", "26 Nov"]
    assert drawn[0] == drawn[1] == drawn[2]


def test_print_and_motion(visit, file):
    """Paper is light and has no buttons, but the charts; nothing moves for those who do not want it."""
    page = visit(file, color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.emulate_media(media="print", reduced_motion="no-preference")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(34, 39, 43)"
    assert not page.locator("button, nav, fieldset").first.is_visible()
    assert page.locator(MARK).first.is_visible()


def short(text: str) -> str:
    """As much of a text as goes into VARCHAR(16)."""
    return text.encode()[:16].decode(errors="ignore")


def test_text_of_the_data_stays_text(visit, case, tmp_path):
    """Whatever a title, an artist, a place or a gender says is shown as it is, in every place of the page."""
    texts = list(HOSTILE.values())
    logs = [
        event(ts=TS + number, song=text, artist=text, location=text[:100], gender=short(text), userId=str(number))
        for number, text in enumerate([*texts, texts[0]])
    ]  # fmt: skip
    case.load([*logs, event(ts=TS + 9, song=None, artist=None, location=None, gender=None, userId="9")])
    file = tmp_path / "dashboard.html"
    assert dashboard.main(["--config", str(case.config), "--output", str(file)]) == 0
    page = visit(file)
    answers = answer_all(case.settings)
    assert {row[0] for row in answers[4].rows} == {*texts, None}
    for number, answer in enumerate(answers):
        cells = page.locator("section").nth(number).locator("td").all_text_contents()
        assert [cell.removesuffix(".0") for cell in cells] == [shown(value) for row in answer.rows for value in row]
        assert labels(page, number) == told(answer)
    assert page.locator("img, b").count() == 0
    assert texts[0] in page.locator("section").nth(5).locator("svg text").all_text_contents()
    radios = page.locator("section").first.locator("input").evaluate_all("radios => radios.map(radio => radio.value)")
    assert set(radios) == {"", "unknown", *map(short, texts)}
    page.get_by_label(short(texts[0]), exact=True).first.check()
    drawn(page, 1, 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_the_script_writes_the_file_where_it_is_told(case, run_script, tmp_path):
    """From any directory; one line says so, and no other file is left."""
    case.load([event()])
    file = tmp_path / "out" / "page.html"
    file.parent.mkdir()
    done = run_script("notebooks/dashboard.py", "--config", case.config, "--output", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Wrote {file}. Open it in a browser.\n"
    assert [path.name for path in file.parent.iterdir()] == ["page.html"]
    assert file.read_bytes().startswith(b"<!DOCTYPE html>")


def test_what_goes_wrong_is_one_sentence_and_leaves_the_old_file(case, connection, config, capsys, tmp_path):
    """Empty, without tables, without a server, without a configuration, without a place to write."""
    file = tmp_path / "old.html"
    file.write_text("old")

    def fails(*arguments: object) -> tuple[int, str]:
        """The exit code and what was said; the old file is as it was, and alone."""
        capsys.readouterr()
        code = dashboard.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert file.read_text() == "old" and not list(tmp_path.glob(".dashboard-*"))
        return code, said.err

    both = ("--config", config, "--output", file)
    assert fails(*both) == (1, "dashboard: The warehouse is empty: songplays has no rows. Run etl.py first.\n")
    case.load([event()])
    nowhere = tmp_path / "nowhere" / "file.html"
    assert fails("--config", config, "--output", nowhere) == (
        1, f"dashboard: {nowhere} cannot be written: No such file or directory.\n")  # fmt: skip
    assert fails("--config", config, "--output", tmp_path)[0] == 1  # a directory
    drop_tables(connection)
    code, said = fails(*both)
    assert code == 1 and said.endswith("does not exist. Run create_tables.py first.\n")
    missing = tmp_path / "missing.cfg"
    assert fails("--config", missing, "--output", file) == (
        2, f"dashboard: {missing} does not exist: copy dwh.cfg.example there and fill it in.\n")  # fmt: skip
    away = tmp_path / "away.cfg"
    away.write_text(
        "[CLUSTER]\nHOST=localhost\nDB_NAME=dwh\nDB_USER=sparkify\nDB_PASSWORD=secret\nDB_PORT=1\n"
        "[IAM_ROLE]\nARN=arn:aws:iam::123456789012:role/sparkify\n"
        "[S3]\nLOG_DATA=s3://b-u/log/\nSONG_DATA=s3://b-u/song/\nLOG_JSONPATH=s3://b-u/paths.json\n"
    )
    assert load_settings(away).password == "secret"
    code, said = fails("--config", away, "--output", file)
    assert code == 1 and "nothing answers there" in said and "secret" not in said

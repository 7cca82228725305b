"""The dashboard, in a real browser that is offline: what it shows, tells, lets through and refuses."""

import csv
import io
import re
import socket
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from infra.config import load_settings
from notebooks import dashboard
from notebooks.answers import answer_all, spelled
from notebooks.question import words
from notebooks.questions import QUESTIONS
from notebooks.report import as_csv
from tests.fixtures.answers import MADE, MARK, marks_tell, told, write_dashboard
from tests.fixtures.etl import TS, event
from tests.fixtures.warehouse import drop_tables

# Whether something is told beside a chart, what, and how many marks are chosen in the page.
CHOSEN = """id => {
  const output = document.querySelector(`#${id} output`);
  return [output.checkVisibility(), output.textContent, document.querySelectorAll(".chosen").length];
}"""
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
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return high / low;
  };
  const least = (selector, property) => Math.min(...[...document.querySelectorAll(selector)]
    .map(element => ratio(getComputedStyle(element)[property], behind(element.parentElement))));
  return {
    text: least("h1, h2, p, dt, dd, summary, a:not(.skip), th, td, pre, label, .axis *, .grid *, .name, b", "color"),
    marks: Math.min(least(".fill, .tick", "backgroundColor"), least(".plot path", "stroke")),
  };
}"""


@pytest.fixture
def file(simulated) -> Path:
    """The dashboard of the simulated data."""
    return simulated.file


def readout(page, question: str) -> str:
    """What is told beside a chart, if it can be seen."""
    output = page.locator(f"#{question} output")
    assert output.is_visible()
    return output.text_content()


def test_numbers_are_those_of_the_sql(visit, file, simulated):
    """Question by question: the heading, the sentence, the table, the SQL, and the marks of the chart."""
    page = visit(file)
    assert page.locator("section").count() == len(simulated.answers) == len(QUESTIONS)
    for number, answer in enumerate(simulated.answers):
        section = page.locator("section").nth(number)
        assert section.locator("h2").text_content() == answer.question.title
        assert section.locator(".finding").text_content() == answer.sentence
        assert section.locator("pre").text_content() == answer.question.sql.strip()
        rows = section.locator("tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        assert rows[0] == list(map(words, answer.columns))
        assert rows[1:] == [[spelled(value) for value in row] for row in answer.rows]
        assert section.locator("[data-row]").count() == len(answer.rows)
        sizes = section.locator(MARK).evaluate_all(
            "marks => marks.map(mark => mark.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
        )
        assert min(sizes) > 0


def test_the_script_counts_what_the_page_holds_without_it(browser, file):
    """With JavaScript and without it the same words; then there is no filter, no chart and no button."""
    texts = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled, offline=True)
        page = context.new_page()
        page.goto(file.as_uri())
        if enabled:
            page.wait_for_selector("body[data-ready]")
        texts.append([page.locator(f"{each}").all_text_contents() for each in ("dd", ".finding", "td", "pre")])
        assert page.locator("form").is_visible() == enabled == page.get_by_text("CSV").first.is_visible()
        context.close()
    assert texts[0] == texts[1]


def test_what_it_says_of_the_whole(visit, file, simulated):
    """Totals, period, time and warehouse; no path of this machine, no password, no port."""
    page = visit(file)
    assert page.locator("dd").all_text_contents() == ["6,749", "79", "82", "767", "30"]
    header = page.locator("header").inner_text()
    assert "Plays from 1 November 2018 to 30 November 2018" in header
    assert "From the embedded warehouse with simulated data. Made 2018-12-01 09:30. All times are UTC." in header
    findings = page.locator(".finding").all_text_contents()
    assert findings[3] == "Busiest: the hour from 17:00 UTC, with 510 plays by 48 listeners."
    assert all(re.search(r"\d", finding) for finding in findings)
    assert str(simulated.settings.local_path) not in file.read_text(encoding="utf-8")
    redshift = replace(simulated.settings, host="sparkify.abc.us-west-2.redshift.amazonaws.com", password="hunter2")
    content = dashboard.page(redshift, *simulated[1:4], MADE)
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
    describe = "e => [e.id || e.name || e.tagName, e.closest('section')?.id ?? '', getComputedStyle(e).outlineStyle]"
    while len(reached) < 100:
        page.keyboard.press("Tab")
        name, section, outline = page.evaluate(f"({describe})(document.activeElement)")
        if name == "BODY":
            break
        assert outline == "solid"
        if (name, section) != (reached or [None])[-1]:  # a date has three parts and a button
            reached.append((name, section))
    first = ["A", "theme", "from", "to", "level", "gender", "BUTTON", "SUMMARY"]
    assert reached == [(name, "") for name in first] + [
        (name, question.id) for question in QUESTIONS for name in ("DIV", "SUMMARY", "BUTTON")
    ]
    for answer in simulated.answers:
        question = answer.question.id
        page.locator(f"#{question} .chart").focus()
        walked = []
        for _ in answer.rows:
            page.keyboard.press("ArrowRight")
            walked.append(page.evaluate(CHOSEN, question))
        assert walked == [[True, words, 1] for words in told(answer)]
        walked = [words for _, words, _ in walked]
        page.keyboard.press("ArrowDown")
        assert readout(page, question) == walked[-1]
        page.keyboard.press("Home")
        assert readout(page, question) == walked[0]
        page.keyboard.press("Escape")
        assert not page.locator(f"#{question} output").is_visible() and page.locator(".chosen").count() == 0


def test_mouse_and_touch(visit, file, simulated):
    """Pointing anywhere above an hour tells that hour beside it; so does a tap; leaving ends it."""
    told_by = {answer.question.id: told(answer) for answer in simulated.answers}
    page = visit(file)
    chart = page.locator("#hours .chart")
    chart.scroll_into_view_if_needed()
    for number in (0, 13, 23):
        box = chart.locator("[data-row]").nth(number).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, chart.bounding_box()["y"] + 5)
        assert readout(page, "hours") == told_by["hours"][number]
        tip, card = page.locator("#hours output").bounding_box(), page.locator("#hours").bounding_box()
        assert card["x"] <= tip["x"] and tip["x"] + tip["width"] <= card["x"] + card["width"]
    page.mouse.move(1, 1)
    assert not page.locator("#hours output").is_visible()
    phone = visit(file, width=375, has_touch=True)
    name = phone.locator("#songs .name").nth(2)
    name.scroll_into_view_if_needed()
    name.tap()
    assert readout(phone, "songs") == told_by["songs"][2]


def test_theme(visit, file, browser):
    """It follows the system, can be set, and is remembered; where that is forbidden, it can be set all the same."""
    light, dark = "rgb(243, 245, 246)", "rgb(20, 24, 27)"
    background = "getComputedStyle(document.body).backgroundColor"
    page = visit(file, color_scheme="dark")
    assert page.evaluate(background) == dark
    page.emulate_media(color_scheme="light")
    assert page.evaluate(background) == light
    page.locator("#theme").select_option("dark")
    assert page.evaluate(background) == dark
    page.reload()
    assert page.evaluate(background) == dark and page.locator("#theme").input_value() == "dark"
    page.locator("#theme").select_option("system")
    assert page.evaluate(background) == light
    context = browser.new_context(offline=True)
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }})")
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.locator("#theme").select_option("dark")
    assert page.evaluate(background) == dark
    context.close()


def download(page, question: str) -> str:
    """The text of the file that a card's button saves."""
    with page.expect_download() as started:
        page.locator(f"#{question} button").click()
    assert started.value.suggested_filename == f"{question}.csv"
    return Path(started.value.path()).read_bytes().decode("utf-8")


def test_csv_of_a_card_is_the_report_s(visit, file, simulated):
    """Every card's; under a filter, it holds the rows of the filter."""
    for number, answer in enumerate(simulated.answers):
        if number % 8 == 0:
            page = visit(file, accept_downloads=True)  # a tab may save ten files before Chromium asks its user
        assert download(page, answer.question.id) == as_csv(answer)
    page.locator("[name=level]").select_option("paid")
    assert {row[1] for row in list(csv.reader(io.StringIO(download(page, "plays-by-day"))))[1:]} == {"paid"}


def test_numbers_above_columns_have_room(visit, file):
    page = visit(file)
    for numbers, columns, texts in (
        ([253.5, 99.0], 7, ["253.5", "99"]),
        ([1253.5, 990.5, 8.0], 7, ["1.25K", "991", "8"]),  # at 375 pixels a column of seven has room for five signs
        ([1253.5, 990.5, 8.0], 5, ["1,253.5", "990.5", "8"]),
        ([912345.0], 7, ["912K"]),
        ([101.0, 95.0], 13, ["", ""]),
    ):
        assert page.evaluate("([numbers, columns]) => above(numbers, columns)", [numbers, columns]) == texts


def test_one_play_is_no_plays(visit, case, tmp_path):
    """Sentences and marks count in singular and plural; in CSV an empty text is not NULL."""
    case.load([event(song=""), event(ts=TS + 1000, song=None, userId="9", sessionId=9)])
    page = visit(write_dashboard(case.settings, tmp_path / "dashboard.html"))
    answers = answer_all(case.settings)
    assert page.locator(".finding").all_text_contents() == [answer.sentence for answer in answers]
    found = {answer.question.id: answer.sentence for answer in answers}
    assert found["songs"] == "First:  by A, 1 play by 1 listener."
    assert found["hours"] == "Busiest: the hour from 1:00 UTC, with 2 plays by 2 listeners."
    assert found["songs-per-user"] == "A user streams 1 different song on average, in 1 play."
    assert page.locator("#sessions .name").all_text_contents() == ["plays: 1 (2 sessions)"]
    assert download(page, "songs") == 'song,artist,plays,listeners\n"",A,1,1\n,A,1,1\n'


@pytest.mark.parametrize("width", [320, 375, 768, 1280, 1920])
def test_everything_fits_the_width(visit, file, width):
    """No page wider than the window, with all opened; marks and words lie in their cards; no hole between the cards."""
    page = visit(file, width=width)
    boxes = "e => e.map(e => e.getBoundingClientRect()).map(box => [box.top, box.left, box.right, box.bottom])"
    cards = page.locator("section").evaluate_all(boxes)
    columns = {320: 1, 375: 1, 768: 2, 1280: 2, 1920: 3}[width]
    rows: dict[float, list] = {}
    for top, left, right, bottom in cards:
        rows.setdefault(round(top), []).append((left, right, round(bottom)))
    assert max(map(len, rows.values())) == columns
    assert len({(row[0][0], row[-1][1]) for row in rows.values()}) == 1
    assert all(len({bottom for _, _, bottom in row}) == 1 for row in rows.values())
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate("""() => [...document.querySelectorAll("section")].flatMap(section => {
      const card = section.getBoundingClientRect();
      return [...section.querySelectorAll(".chart *:not(.name)")].filter(mark => {
        const box = mark.getBoundingClientRect();
        return box.width && (box.left < card.left || box.right > card.right || box.bottom > card.bottom);
      }).map(mark => mark.outerHTML);
    })""")
    assert outside == []
    small = "e => e.map(e => [e.outerHTML, e.getBoundingClientRect().height]).filter(([, height]) => height < 44)"
    assert page.locator("button, summary, select, input, nav a").evaluate_all(small) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_by_axe_and_in_contrast(visit, file, scheme):
    """No finding of axe-core, everything open; WCAG AA: 4.5 for text, labels in the charts too, and 3 for marks."""
    page = visit(file, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = page.evaluate(CONTRASTS)
    assert found["text"] >= 4.5 and found["marks"] >= 3, found
    page.locator("#hours .chart").focus()
    page.keyboard.press("End")
    violations = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []


def test_days_are_the_same_in_every_time_zone(visit, file):
    """West and east of UTC, and in it: the same drawing and numbers, and weeks that begin on Mondays."""
    drawn = []
    for zone in ("UTC", "America/Los_Angeles", "Asia/Tokyo"):
        page = visit(file, timezone_id=zone)
        page.locator("[name=from]").fill("2018-11-08")
        drawn.append([page.locator(".chart").nth(number).inner_html() for number in (0, 1, 2, 3)])
        ticks = page.locator("#active-users .axis span").all_text_contents()
        assert ticks == ["5 Nov", "12 Nov", "19 Nov", "26 Nov"]
    assert drawn[0] == drawn[1] == drawn[2]


def test_print_and_motion(visit, file):
    """Paper is light and has no buttons, but charts and what the filter shows; nothing moves for whom it should not."""
    page = visit(file, color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.locator("[name=level]").select_option("paid")
    page.emulate_media(media="print", reduced_motion="no-preference")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(34, 39, 43)"
    assert not page.locator("button, nav, select, input").first.is_visible()
    assert page.locator("#shown").inner_text() == "Shown: 2018-11-01 to 2018-11-30, level paid."
    assert page.locator("#shown").is_visible() and page.locator(MARK).first.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


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
    answers = {answer.question.id: answer for answer in answer_all(case.settings)}
    assert {row[0] for row in answers["songs"].rows} == {*texts, None}
    for question, answer in answers.items():
        cells = page.locator(f"#{question} td").all_text_contents()
        assert cells == [spelled(value) for row in answer.rows for value in row]
        assert marks_tell(page, question) == told(answer)
    assert page.locator("img, main td b").count() == 0
    assert texts[0] in page.locator("#artists .name").all_text_contents()
    options = page.locator("[name=gender] option").evaluate_all("options => options.map(option => option.value)")
    assert set(options) == {"", "unknown", *map(short, texts)}
    page.locator("[name=gender]").select_option(short(texts[0]))
    assert page.locator("#songs [data-row]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_a_filter_without_plays_says_so(visit, file):
    page = visit(file)
    page.locator("[name=from]").fill("2018-11-20")
    page.locator("[name=to]").fill("2018-11-10")
    assert page.locator("dd").first.text_content() == "0"
    assert page.locator("#hours .finding").text_content() == "No plays."
    assert page.locator("#hours .chart").inner_text() == "There is nothing to draw."
    page.get_by_role("button", name="Show all").click()
    page.locator("dd").filter(has_text="6,749").wait_for()
    assert page.locator("#shown").text_content() == "Everything is shown."


def test_the_script_writes_the_file_where_it_is_told(case, run_script, tmp_path):
    """From any directory; one line says so, and no other file is left."""
    case.load([event()])
    file = tmp_path / "out" / "page.html"
    file.parent.mkdir()
    done = run_script("notebooks/dashboard.py", "--config", case.config, "--output", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Wrote {file}, 0.1 MB. Open it in a browser.\n"
    assert [path.name for path in file.parent.iterdir()] == ["page.html"]
    assert file.read_bytes().startswith(b"<!DOCTYPE html>")
    assert date(2018, 11, 2).isoformat() in file.read_text(encoding="utf-8")


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
    empty = f"The warehouse is empty: songplays has no rows. Run etl.py --config {config} first."
    assert fails(*both) == (1, f"dashboard: {empty}\n")
    case.load([event()])
    nowhere = tmp_path / "nowhere" / "file.html"
    assert fails("--config", config, "--output", nowhere) == (
        1, f"dashboard: {nowhere} cannot be written: No such file or directory.\n")  # fmt: skip
    assert fails("--config", config, "--output", tmp_path)[0] == 1  # a directory
    drop_tables(connection)
    code, said = fails(*both)
    assert code == 1 and said.endswith(f"does not exist. Run create_tables.py --config {config} first.\n")
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

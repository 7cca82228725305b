"""Write the analysts' questions and their answers as one HTML file that needs no server and no network.

It holds a chart, the numbers and the SQL of every question, and every play, without names and ids of users: a filter of
dates, level and gender holds for the whole page.
"""

import base64
import hashlib
import html
import os
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime, timezone
from pathlib import Path
from string import Template
from typing import Any

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split

from infra import cli, progress
from infra.config import Settings, load_settings
from infra.database import transaction
from infra.errors import SparkifyError
from notebooks.answers import Answer, ask, open_for_reading, select, spelled
from notebooks.cube import packed, read_cube
from notebooks.question import MEANINGS, OTHER, PLAIN, words
from notebooks.questions import QUESTIONS
from notebooks.selects import totals_select

PAGE = Path(__file__).resolve().parent / "page"
SCRIPTS = ("cube.js", "charts.js", "page.js")


def file(name: str) -> str:
    """The text of a file of the page."""
    return (PAGE / name).read_text(encoding="utf-8")


def table(answer: Answer) -> str:
    """The answer's rows as an HTML table, numbers to the right."""
    style = [' class="number"' if answer.is_numeric(column) else ' dir="auto"' for column in answer.columns]
    head = "".join(
        f'<th scope="col"{mark}>{html.escape(words(name))}</th>'
        for name, mark in zip(answer.columns, style, strict=True)
    )
    body = "\n".join(
        f"<tr>{''.join(f'<td{m}>{html.escape(spelled(value))}</td>' for value, m in zip(row, style, strict=True))}</tr>"
        for row in answer.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def section(answer: Answer) -> str:
    """The card of a question: what it says, its chart, the numbers, the SQL, and a button for CSV."""
    one = answer.question
    title = html.escape(one.title)
    figure = (
        f'<figure><div class="chart" tabindex="0" aria-label="{title}" aria-describedby="hint"></div>'
        '<output aria-live="polite"></output></figure>'
    )
    return f"""<section id="{one.id}" aria-labelledby="{one.id}-title">
<h2 id="{one.id}-title">{title}</h2>
<p class="finding">{html.escape(answer.sentence)}</p>
<p class="quiet">{html.escape(one.note)}</p>
<p class="quiet whole" hidden>This answer is for the whole period: the filter does not change it.</p>
{figure if answer.chart else ""}
<div class="foot"><details><summary>Numbers</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers: {title}">{table(answer)}</div></details>
<details><summary>SQL</summary>
<div class="scroll" tabindex="0" role="region" aria-label="SQL: {title}"><pre>{html.escape(one.sql.strip())}</pre></div>
</details><button type="button" aria-label="CSV: {title}" hidden>CSV</button></div>
</section>"""


def for_script(answer: Answer) -> dict[str, Any]:
    """What the page's script needs of a question; its rows only if it cannot count them."""
    one = answer.question
    return {
        "id": one.id,
        "columns": answer.columns,
        "labels": [words(column) for column in answer.columns],
        "numeric": [answer.is_numeric(column) for column in answer.columns],
        "chart": asdict(answer.chart) if answer.chart else None,
        "categories": one.categories,
        "bounds": one.bounds,
        "sentence": answer.template,
        "peak": one.peak,
        "rollup": asdict(one.rollup) if one.rollup else None,
        "rows": None if one.rollup else answer.rows,
    }


def colours() -> str:
    """The colours of the marks as variables of CSS."""
    pairs = {**MEANINGS, "plain": PLAIN, "other": OTHER}
    return "\n  ".join(f"--{name}: light-dark({light}, {dark});" for name, (light, dark) in pairs.items())


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy that lets the page's own script and style work and nothing else."""

    def allowed(source: str) -> str:
        """A source by its digest."""
        return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"

    rules = [f"script-src {allowed(script)}", f"style-src {allowed(style)}", "base-uri 'none'", "form-action 'none'"]
    return "; ".join(["default-src 'none'", *rules])


def choices(names: list[str]) -> str:
    """The options of a select: all, and each of these."""
    named = (f'<option value="{html.escape(name)}">{html.escape(name)}</option>' for name in names)
    return "".join(['<option value="">all</option>', *named])


def in_words(day: date) -> str:
    """A date for readers."""
    return f"{day.day} {day:%B %Y}"


def page(
    settings: Settings, answers: list[Answer], totals: dict[str, Any], cube: dict[str, Any], made: datetime
) -> str:
    """The whole HTML file."""
    style = Template(file("style.css")).substitute(colours=colours())
    script = "\n".join(map(file, SCRIPTS)).replace('\n"use strict";', "")
    first, last = totals["first_day"], totals["last_day"]
    numbers = {name: number for name, number in totals.items() if isinstance(number, int)}
    content = {"questions": list(map(for_script, answers)), "cube": cube, "colours": list(MEANINGS)}
    return Template(file("template.html")).substitute(
        policy=policy(style, script),
        style=style,
        script=script,
        source=html.escape(settings.name),
        made=f"{made.astimezone(timezone.utc):%Y-%m-%d %H:%M}",
        first=first,
        last=last,
        first_words=in_words(first),
        last_words=in_words(last),
        totals="".join(
            f'<div><dt>{words(name)}</dt><dd data-total="{name}">{number:,}</dd></div>'
            for name, number in numbers.items()
        ),
        levels=choices(cube["names"]["level"]),
        genders=choices(cube["names"]["gender"]),
        links="".join(
            f'<li><a href="#{answer.question.id}">{html.escape(answer.question.title)}</a></li>' for answer in answers
        ),
        sections="\n".join(map(section, answers)),
        data=packed(content),
    )


def write(path: Path, content: str) -> None:
    """Put the content in place as a whole; whatever fails leaves what was there. Raises OSError."""
    temporary = path.parent / f".dashboard-{os.getpid()}"
    try:
        temporary.write_bytes(content.encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def ask_all(settings: Settings) -> tuple[list[Answer], dict[str, Any], dict[str, Any]]:
    """The answers, the totals and every play, all of one state of the warehouse. Raises WarehouseError."""
    with (
        progress.steps(len(QUESTIONS) + 1) as steps,
        closing(open_for_reading(settings)) as connection,
        cli.one_sentence(),
        transaction(connection),
    ):
        answers = []
        for question in QUESTIONS:
            with steps.step(question.title):
                answers.append(ask(connection, question))
        with steps.step("every play"):
            names, (row,) = select(connection, totals_select)
            return answers, dict(zip(names, row, strict=True)), read_cube(connection)


def main(argv: list[str] | None = None) -> int:
    """Write the dashboard. Exit code 0, 1 if that failed, 2 for usage or dwh.cfg."""
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, default=Path("dashboard.html"), help="default: dashboard.html, here"
    )
    options = parser.parse_args(argv)

    def work() -> int:
        """Ask all questions and write the answers."""
        settings = load_settings(options.config)
        content = page(settings, *ask_all(settings), datetime.now(timezone.utc))
        try:
            write(options.output, content)
        except OSError as error:
            raise SparkifyError(f"{options.output} cannot be written: {error.strerror}.") from None
        print(f"Wrote {options.output}, {len(content.encode()) / 1e6:.1f} MB. Open it in a browser.")
        return 0

    return cli.run("dashboard", work)


if __name__ == "__main__":
    sys.exit(main())

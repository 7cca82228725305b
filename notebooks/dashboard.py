"""Write the analysts' questions and their answers as one HTML file that needs no server and no network.

It holds a chart, the numbers and the SQL of every question, for mouse, touch and keyboard, light and dark.
"""

import base64
import hashlib
import html
import json
import os
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from string import Template

import vl_convert

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from infra import cli
from infra.config import Settings, load_settings
from infra.errors import SparkifyError
from notebooks.answers import Answer, answer_all
from notebooks.charts import FILTERS, chart

TEMPLATE = Path(__file__).resolve().parent / "dashboard_template.html"
COLOURS = {  # the page's own, so that the charts turn dark with it
    "background": "transparent",
    "text": "var(--text)",
    "grid": "var(--grid)",
    "marks": ["var(--mark-1)", "var(--mark-2)", "var(--mark-3)"],
}
# What a chart shows, in a sentence about the first row with the most of this column.
FINDINGS = {
    "popular songs by user gender": (
        "plays",
        "Most played by one gender ({gender}): {song} by {artist}, {plays} plays.",
    ),
    "activity by day of the week": ("plays_per_day", "Busiest: {day_name}, with {plays_per_day} plays on average."),
    "average number of songs streamed per user": (
        "users",
        "A user streamed {songs_per_user} different songs on average, in {plays_per_user} plays.",
    ),
    "distribution of the number of songs per user": (
        "users",
        "Most common range of plays: {plays_range}, for {users} users.",
    ),
    "most played songs": ("plays", "First: {song} by {artist}, {plays} plays by {listeners} listeners."),
    "most played artists": ("plays", "First: {artist}, {plays} plays of {songs} songs by {listeners} listeners."),
    "plays by hour of day": (
        "plays",
        "Busiest: the hour from {hour}:00 UTC, with {plays} plays by {listeners} listeners.",
    ),
    "free against paid by day": ("plays", "Most in one day: {plays} plays by {listeners} {level} users on {day}."),
    "active users per week": ("users", "Most: {users} users in week {week}, from {week_start}, with {plays} plays."),
    "top locations": ("plays", "First: {location}, with {plays} plays by {listeners} listeners."),
    "sessions: length and plays": (
        "sessions",
        "Most common range of plays: {plays_range}, in {sessions} sessions of {average_minutes} minutes on average.",
    ),
}


def text(value: object) -> str:
    """A value as a reader expects it, safe in HTML."""
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int | float) else html.escape(str(value))


def finding(answer: Answer) -> str:
    """The sentence about the answer, as HTML."""
    column, sentence = FINDINGS[answer.question]
    row = max(answer.records(), key=lambda row: row[column])
    return sentence.format_map({name: f"<bdi>{text(value)}</bdi>" for name, value in row.items()})


def totals(answers: list[Answer]) -> dict[str, int]:
    """The numbers at the top of the page, by name."""
    found = {answer.question: answer.records() for answer in answers}
    users = found["distribution of the number of songs per user"]
    return {
        "plays": sum(row["plays"] for row in users),
        "users": sum(row["users"] for row in users),
        "users who played a song": sum(row["users"] for row in users if row["plays"]),
        "sessions with a play": sum(row["sessions"] for row in found["sessions: length and plays"]),
        "days with a play": len({row["day"] for row in found["free against paid by day"]}),
    }


def table(answer: Answer) -> str:
    """The answer's rows as an HTML table, numbers to the right."""
    style = [' class="number"' if answer.is_numeric(column) else ' dir="auto"' for column in answer.columns]
    head = "".join(
        f'<th scope="col"{mark}>{name.replace("_", " ")}</th>' for name, mark in zip(answer.columns, style, strict=True)
    )
    body = "\n".join(
        f"<tr>{''.join(f'<td{mark}>{text(value)}</td>' for value, mark in zip(row, style, strict=True))}</tr>"
        for row in answer.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def choice(answer: Answer, number: int) -> str:
    """Radio buttons for the values of the column by which the chart can be filtered, if there is one."""
    column = FILTERS.get(answer.question)
    if column is None:
        return ""
    values = [text(value) for value in dict.fromkeys(row[column] for row in answer.records())]
    radio = f'<label><input type="radio" name="only-{number}" value="%s"%s>%s</label>'
    buttons = [radio % ("", " checked", "all"), *(radio % (value, "", value) for value in sorted(values))]
    return f"<fieldset><legend>Show {column}:</legend>{''.join(buttons)}</fieldset>"


def section(answer: Answer, number: int) -> str:
    """One question with its finding, its chart, the numbers and the SQL."""
    question, query = html.escape(answer.question.capitalize()), html.escape(answer.query)
    return f"""<section id="question-{number}" aria-labelledby="heading-{number}">
<h2 id="heading-{number}">{question}</h2>
<p>{finding(answer)}</p>
<figure>
{choice(answer, number)}
<div class="chart" tabindex="0" aria-describedby="hint"></div>
<output id="readout-{number}" aria-live="polite"></output>
</figure>
<details><summary>Numbers</summary>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers: {question}">{table(answer)}</div></details>
<details><summary>SQL</summary>
<div class="scroll" tabindex="0" role="region" aria-label="SQL: {question}"><pre>{query}</pre></div></details>
</section>"""


def policy(template: str, vega: str) -> str:
    """The Content-Security-Policy that lets the page's own scripts and styles work and nothing else."""
    allowed = {"script": [], "style": []}
    for kind, source in re.findall(r"<(script|style)>(.*?)</\1>", template, re.DOTALL):
        digest = hashlib.sha256(source.replace("$vega", vega).encode()).digest()
        allowed[kind].append(f"'sha256-{base64.b64encode(digest).decode()}'")
    rules = [f"{kind}-src {' '.join(sources)}" for kind, sources in allowed.items()]
    return "; ".join(["default-src 'none'", *rules, "base-uri 'none'", "form-action 'none'"])


def page(settings: Settings, answers: list[Answer], made: datetime) -> str:
    """The whole HTML file."""
    template, vega = TEMPLATE.read_text(encoding="utf-8"), vl_convert.javascript_bundle()
    specs = json.dumps([chart(answer, "container", COLOURS).to_dict() for answer in answers])
    return Template(template).substitute(
        policy=policy(template, vega),
        vega=vega,
        source=html.escape(settings.name),
        made=f"{made.astimezone(timezone.utc):%Y-%m-%d %H:%M}",
        totals="".join(f"<div><dt>{name}</dt><dd>{number:,}</dd></div>" for name, number in totals(answers).items()),
        links="".join(
            f'<li><a href="#question-{number}">{html.escape(answer.question.capitalize())}</a></li>'
            for number, answer in enumerate(answers, 1)
        ),
        sections="\n".join(section(answer, number) for number, answer in enumerate(answers, 1)),
        specs=specs.replace("<", r"\u003c"),  # no text of the data ends the script element
    )


def write(path: Path, content: str) -> None:
    """Put the content in place as a whole; whatever fails leaves what was there. Raises OSError."""
    temporary = path.parent / f".dashboard-{os.getpid()}"
    try:
        temporary.write_bytes(content.encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
        content = page(settings, answer_all(settings), datetime.now(timezone.utc))
        try:
            write(options.output, content)
        except OSError as error:
            raise SparkifyError(f"{options.output} cannot be written: {error.strerror}.") from None
        print(f"Wrote {options.output}. Open it in a browser.")
        return 0

    return cli.run("dashboard", work)


if __name__ == "__main__":
    sys.exit(main())

"""What a load did, in a few lines for whoever ran it: what is new, what was left out, and what to do next."""

from infra.errors import same_config
from infra.load.copy_monitor import LoadResult
from infra.progress import as_time

EXAMPLE = 15  # characters that are shown of a text


def describe(result: LoadResult, seconds: float) -> list[str]:
    """The lines of the summary; the last one is the verdict, with the `seconds` that the load took."""
    sources = result.sources
    gone = sources.logs.vanished + sources.songs.vanished
    notices = []
    if sources.mapping_changed:
        notices.append(
            "LOG_JSONPATH is not what it was in the load before, and logs stay as they were read; to read all of them "
            f"with it: python create_tables.py{same_config()}, then python etl.py{same_config()}"
        )
    if gone:
        more = f" and {gone - 1:,} more" * (gone > 1)
        notices.append(f"{sources.logs.gone or sources.songs.gone}{more} is not there any more; its rows stay")
    if result.garbled_texts:
        verb = "seems" if result.garbled_texts == 1 else "seem"
        texts = f"{_count(result.garbled_texts, 'text')} {verb} to be encoded twice"
        notices.append(f"{texts}, such as {result.garbled_example[:EXAMPLE]!r}")
    lines = [_line("Notice", notice) for notice in notices]
    if sources.listed and not sources.new:
        known = f"Nothing new: {_count(sources.known, 'file')} loaded before ({as_time(seconds)})."
        return [*lines, known, f"To read them again: python etl.py{same_config()} --all"]
    lines = [
        _line("Read", _files(result)),
        _line("Plays", _plays(result)),
        _line("Users", _changes(new=result.new_users, changed=result.changed_users)),
        _line("Songs", _changes(result.new_songs, result.changed_songs, result.unchanged_songs)),
        _line("Artists", _changes(new=result.new_artists, changed=result.changed_artists)),
        *lines,
        _line("Checks", f"{result.checks} passed"),
    ]
    if result.rejected:
        lines.insert(1, _line("Rejected", f"{_count(result.rejected, 'record')} left out"))
    return [*lines, f"The load is complete ({as_time(seconds)}). Next: python notebooks/report.py{same_config()}"]


def _line(label: str, text: str) -> str:
    """A line with its label in a column of its own."""
    return f"{label:<9} {text}"


def _count(number: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _files(result: LoadResult) -> str:
    """What was read."""
    staged = f"{_count(result.staged_events, 'event')} and {_count(result.staged_songs, 'song')}"
    if not result.sources.listed:
        return f"{staged} from all files; to read only new ones, set [S3] WORK in dwh.cfg"
    known = f"; {_count(result.sources.known, 'file')} loaded before" * bool(result.sources.known)
    return f"{staged} from {_count(result.sources.new, 'new file')}{known}"


def _plays(result: LoadResult) -> str:
    """What became of the plays."""
    parts = ["none new"]
    if result.new_plays:
        parts = [f"{result.new_plays:,} new, {result.new_matched:,} of them matched with a song"]
    if result.known_plays:
        parts.append(f"{result.known_plays:,} left out: loaded before, or in the files twice")
    if result.replaced_plays:
        parts.append(f"{result.replaced_plays:,} replaced")
    if result.rematched_plays:
        parts.append(f"{result.rematched_plays:,} older ones matched anew")
    return "; ".join(parts)


def _changes(new: int, changed: int, unchanged: int = 0) -> str:
    """`3 new, 1 changed, 2 as they were`, without what is none."""
    parts = {"new": new, "changed": changed, "as they were": unchanged}
    return ", ".join(f"{number:,} {word}" for word, number in parts.items() if number) or "none new"

r"""Write a simulated Sparkify data set, songs and a log of user activity, in the layout of the S3 bucket.

    DIR/song_data/A/B/C/TRABC....json            one song, a JSON object
    DIR/log_data/YYYY/MM/YYYY-MM-DD-events.json  a UTC day, an event a line
    DIR/log_json_path.json                       the jsonpaths file for COPY

A song has artist_id, artist_latitude, artist_location, artist_longitude, artist_name, duration (seconds),
num_songs, song_id, title and year (0: unknown). An event has artist, auth, firstName, gender, itemInSession,
lastName, length (seconds), level, location, method, page, registration, sessionId, song, status, ts (epoch
milliseconds), userAgent and userId. An event of the page NextSong is a play.

All of it is invented, but shaped like the real data. Five events in six are plays, and 7 % of the plays are
of a song in song_data: same title and artist name, now and then another length. A visitor who is logged out
has an empty userId and nulls. One user in five pays, and these make most of the plays; levels change; working
days and afternoons are busy. Some songs share title and artist name with others, some artists have several
names or places under one id, some titles and names are JSON numbers; non-ASCII text, quotes and backslashes
occur.

The same arguments write the same bytes, on every platform and Python. Nothing that exists is touched: a DIR
that has one of the three already is refused. The data are written to a hidden directory in DIR, which a
failure or Ctrl-C removes, and get their names when they are complete. Days count from 2018-11-01; a day
without events has no file.

The default size takes a second and 5 MB of disk (1,031 small files). A million events of 5,000 users with
10,000 songs take some 15 seconds, 500 MB of disk and 200 MB of memory, which holds about one day of the log.
"""

import json
import os
import sys
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

if not __package__:  # started as a file: the project is one folder up
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import infra.requirements_check  # noqa: F401 - first: it says which packages are missing

# isort: split
from infra import cli, progress
from infra.simulator.events import FIELDS, Play, make_log, make_play
from infra.simulator.songs import encode, identifier, make_songs

PARTS = ("log_data", "song_data", "log_json_path.json")
START = date(2018, 11, 1)
DEFAULTS = {"songs": 1000, "users": 100, "events": 8000, "days": 30, "seed": 2018}
LIMITS = {"songs": 10_000_000, "users": 10_000_000, "events": 1_000_000_000, "days": 36_500}


def write(path: Path, text: str) -> None:
    """Write a text, which is ASCII, as the same bytes on every platform."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("ascii"))


def refuse_existing(directory: Path) -> None:
    """Raise FileExistsError if the directory has a part of a data set; an empty directory is none."""
    for part in (directory / name for name in PARTS):
        if any(part.iterdir()) if part.is_dir() else os.path.lexists(part):
            raise FileExistsError(f"{part} exists already; remove it or name another directory")


def publish(temporary: Path, directory: Path) -> None:
    """Give the parts their names, all or none; the first, never empty, decides between two processes."""
    done: list[str] = []
    try:
        for name in PARTS:
            with suppress(OSError):
                (directory / name).rmdir()  # if empty: Windows renames only to a name that is free
            os.rename(temporary / name, directory / name)
            done.append(name)
    except BaseException as error:
        for name in done:
            os.rename(directory / name, temporary / name)
        if isinstance(error, OSError):
            refuse_existing(directory)
        raise


def simulate(
    directory: Path,
    *,
    songs: int = DEFAULTS["songs"],
    users: int = DEFAULTS["users"],
    events: int = DEFAULTS["events"],
    days: int = DEFAULTS["days"],
    seed: int = DEFAULTS["seed"],
    start: date = START,
) -> dict[str, int]:
    """Write a data set into the directory, which is made if need be, and return what it contains.

    The counts are songs, artists (ids), users (who logged in: not all do in a small log), events, plays,
    matched (plays with title and artist name of a song) and files. Raises ValueError for a size out of its
    limits, and OSError, of which FileExistsError means that there are data already; then nothing was written.
    """
    for name, value in {"songs": songs, "users": users, "events": events, "days": days}.items():
        if not 1 <= value <= LIMITS[name]:
            raise ValueError(f"the number of {name} must be between 1 and {LIMITS[name]:,}, not {value:,}")
    refuse_existing(directory)
    directory.mkdir(parents=True, exist_ok=True)
    draw = Random(seed).random
    plays: list[Play] = []
    artists: set[object] = set()
    counts = Counter(songs=songs, artists=0, users=0, events=0, plays=0, matched=0, files=songs + 1)
    with TemporaryDirectory(prefix=".simulating-", dir=directory) as name:
        temporary = Path(name)
        with progress.step("Writing songs") as step:
            for index, song in enumerate(make_songs(draw, songs)):
                track = identifier(draw, "TRA", index)
                write(temporary.joinpath("song_data", *track[2:5], f"{track}.json"), encode(song))
                plays.append(make_play(song["artist_name"], song["title"], song["duration"], known=True))
                artists.add(song["artist_id"])
                step.update(index + 1, songs, "songs")
        with progress.step("Writing events") as step:
            for day, lines in make_log(draw, plays, counts, users=users, events=events, days=days, start=start):
                month = temporary / "log_data" / f"{day.year:04}" / f"{day.month:02}"
                write(month / f"{day}-events.json", "\n".join(lines))
                counts["files"] += 1
                step.update(counts["events"], events, "events")
        paths = {"jsonpaths": [f"$['{field}']" for field in FIELDS]}
        write(temporary / "log_json_path.json", json.dumps(paths, indent=4))
        publish(temporary, directory)
    return {**counts, "artists": len(artists)}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 if nothing was written. A wrong usage exits with 2."""
    parser = cli.Parser(__doc__)
    parser.add_argument("directory", metavar="DIR", type=Path, help="where to write; made if need be")
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default}")
    options = parser.parse_args(argv)

    def work() -> int:
        """Write the data set and say what it holds."""
        try:
            counts = simulate(**vars(options))
        except ValueError as error:
            parser.error(str(error))
        nouns = {name: name.removesuffix("s") if value == 1 else name for name, value in counts.items()}
        summary = ", ".join(f"{value:,} {nouns[name]}" for name, value in counts.items())
        print(f"Wrote to {options.directory}: {summary}.")
        return 0

    return cli.run("simulate_data", work, f"Nothing was written to {options.directory}.")


if __name__ == "__main__":
    sys.exit(main())

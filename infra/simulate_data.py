r"""Write a simulated Sparkify data set, songs and a log of user activity, in the layout of the S3 bucket.

    DIR/song_data/A/B/C/TRABC....json              one song a file, one JSON object
    DIR/log_data/YYYY/MM/YYYY-MM-DD-events.json    one UTC day a file, one event a line, in the order of ts
    DIR/log_json_path.json                         the jsonpaths file that COPY needs for the log

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

import argparse
import json
import os
import sys
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, count, islice
from operator import itemgetter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

# The same bytes everywhere: random() is the one stream that Python promises to keep, and + - * / are what all
# platforms round alike (not pow, exp or log, and not sum(), which Python 3.12 changed).
Draw = Callable[[], float]

PARTS = ("log_data", "song_data", "log_json_path.json")
START = date(2018, 11, 1)
DAY = 86_400
LIMITS = {"songs": 10_000_000, "users": 10_000_000, "events": 1_000_000_000, "days": 36_500}

KNOWN_SHARE = 0.07  # of the plays: of a song in song_data
OTHER_LENGTH_SHARE = 0.04  # of these: with a length that is not the song's duration
VISIT_SIZE = {
    True: 26.0,
    False: 1.7,
}  # by paying: about the median of a visit's events; five times it at most
WEEKDAYS = (1.0, 1.0, 1.2, 1.0, 1.1, 0.6, 0.4)
HOURS = (19, 15, 13, 16, 21, 23, 22, 25, 31, 36, 39, 37, 42, 51, 58, 62, 57, 57, 43, 39, 32, 24, 22, 18)

# What follows a page, with weights. A star: logged out. Plan: Downgrade for who pays, else Upgrade.
FLOW = {
    "start": "NextSong 540, Home 370, Home* 57, Login* 27, About 4, Help 2",
    "NextSong": "NextSong 940, Home 23, Logout 13, Plan 10, Settings 6, Help 5, About 2, Error 1",
    "Home": "NextSong 431, Settings 19, Home 15, Logout 9, Plan 11, About 8, Help 6",
    "Home*": "Login* 61, Home* 12, About* 7, Help* 5",
    "Login*": "Home 1",
    "Logout": "Home* 1",
    "Settings": "NextSong 30, Save Settings 10, Home 4, Settings 4, Help 4, Logout 3",
    "Save Settings": "Home 1",
    "Downgrade": "NextSong 33, Home 10, Downgrade 3, Submit Downgrade 2",
    "Submit Downgrade": "Home 1",
    "Upgrade": "Submit Upgrade 9, Home 4, NextSong 3, Upgrade 3",
    "Submit Upgrade": "Home 1",
    "Help": "NextSong 30, Home 2, Plan 2, Help 2",
    "Help*": "Login* 2, Help* 2, Home* 1",
    "About": "NextSong 4, Home 3, About 2",
    "About*": "Login* 4, Home* 3, About* 3",
    "Error": "NextSong 2, Home 1",
}
ANSWERS = {page: ("GET", 200) for page in FLOW} | {"NextSong": ("PUT", 200), "Error": ("GET", 404)}
ANSWERS |= {page: ("PUT", 307) for page in FLOW if page.startswith(("Log", "Save", "Submit"))}

WORDS = {
    "adjective": "Amber|Bitter|Blind|Crooked|Distant|Electric|Fading|Feral|Gilded|Hollow|Idle|Jagged"
    "|Lonely|Naïve|Odd|Paper|Quiet|Rusty|Sleeping|Tiny|Über|Velvet|Wild|Żółty|Ágætur|Ночной|静かな",
    "noun": "Anchor|Bridge|Canyon|Daughter|Engine|Feather|Garden|Harbor|Island|Jukebox|Kingdom|Lantern|Mirror"
    "|Orchard|Piano|River|Señorita|Signal|Thunder|Umbrella|Violin|Window|Zeppelin|Ljósið|Полночь|夜明け",
    "verb": "Bury|Call|Chase|Follow|Forget|Hold|Leave|Mend|Paint|Remember|Steal|Wake",
    "first": "Ada|Amir|Bea|Björn|Chloé|Dov|Elif|Femi|Greta|Jürgen|Kofi|Lena|Łucja|Mei|Nils|Zoë|Соня|花子",
    "last": "Adeyemi|Berg|Cho|D'Angelo|Diaz|Ek|Gómez|Hill|Ito|Kaya|Lund|Müller|Nagy|O'Brien|Šimić|Tran|Жук",
    "title": "{adjective} {noun}|The {noun} Of {other}|Don't {verb} My {noun}|{verb} The {adjective} {noun}"
    "|{noun} (Live)|{adjective} {other} (Album Version)",
    "rare title": '{verb} Me / {adjective} {other}|"{noun}" And Other {other}s|{adjective} \\ {noun}'
    "|Suite For {noun} And Orchestra_ Op. {number}: II. {adjective} {other} (From The {noun} Sessions)"
    "|{noun} 🎵 {other}|{number}% {noun}",
    "artist": "{first} {last}|{adjective} {noun} & The {other}s|The {adjective} {noun} {other}"
    "|{first} {last} + {noun}|{first} And The {adjective} {noun}s",
    "rare artist": '{first} "{adjective} {noun}" {last}|{last}/{noun} {other} Orchestra|Svefn{last} {noun} 🎸'
    "|{first}'s {adjective} {noun}|{noun}\\{other} {number}",
    "metro": "Austin-Round Rock, TX|Boston-Cambridge-Newton, MA-NH|Columbus, OH|El Paso, TX|Fargo, ND-MN"
    "|Denver-Aurora-Lakewood, CO|Los Angeles-Long Beach-Anaheim, CA|Seattle-Tacoma-Bellevue, WA|Tucson, AZ",
    "agent": '"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0 Safari"'
    '|"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/37.0 Safari/537.36"'
    '|"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78 (KHTML, like Gecko) Safari/537.78"'
    "|Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0",
}
WORDS = {kind: text.split("|") for kind, text in WORDS.items()}
PLACES = [  # of artists, with latitude and longitude; "" for every second artist
    ("Chicago, IL", 41.88415, -87.63241),
    ("Kyoto, Japan", 35.00964, 135.76005),
    ("Reykjavík, Iceland", 64.14533, -21.93928),
    ("São Paulo, Brazil", -23.56287, -46.65468),
    ("Leeds / Bradford, England", None, None),
] + [("", None, None)] * 5


class Wheel:
    """Items to draw from, each as probable as its weight."""

    def __init__(self, items: Iterable[Any], weights: Iterable[float]) -> None:
        """Pair the items with their weights, in order."""
        self.items, self.sums = list(items), list(accumulate(weights))

    def find(self, share: float) -> tuple[int, float]:
        """Return the index of the item in which this share of all weight is reached, and the part of it."""
        point = share * self.sums[-1]
        index = bisect(self.sums, point, 0, len(self.sums) - 1)
        before = self.sums[index - 1] if index else 0.0
        return index, (point - before) / (self.sums[index] - before)

    def spin(self, draw: Draw) -> Any:
        """Draw an item."""
        return self.items[bisect(self.sums, draw() * self.sums[-1], 0, len(self.sums) - 1)]


class Play(NamedTuple):
    """What an event says of its song, as JSON text, and for how many whole seconds it sounds."""

    artist: str = "null"
    length: str = "null"
    title: str = "null"
    seconds: int = 0
    known: bool = False


SILENCE = Play()


@dataclass
class User:
    """The %-format of a user's events, and what came of the visits so far (in seconds since the start)."""

    event: str
    pays: bool
    changed: int = -1  # when the level last changed
    busy: int = -1  # when the last visit ends
    seen: bool = False  # logged in

    def pays_at(self, second: int) -> bool:
        """Return the level at a moment after the last change but one."""
        return self.pays if second > self.changed else not self.pays


def encode(value: object) -> str:
    r"""Return JSON text as the real files have it: compact, ASCII only, with / as \/."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def pick(draw: Draw, items: list) -> Any:
    """Draw an item of a list."""
    return items[int(draw() * len(items))]


def phrase(draw: Draw, kind: str) -> str:
    """Make a title or an artist's name."""
    words = {key: pick(draw, WORDS[key]) for key in ("adjective", "noun", "verb", "first", "last")}
    pattern = pick(draw, WORDS[kind if draw() < 0.8 else f"rare {kind}"])
    return pattern.format(**words, other=pick(draw, WORDS["noun"]), number=1 + int(draw() * 99))


def identifier(draw: Draw, prefix: str, index: int) -> str:
    """Make an id of 18 characters that no other index has."""
    letters = "".join(chr(65 + int(draw() * 26)) for _ in range(7 - len(prefix)))
    return f"{prefix}{letters}12{int(draw() * 4096):03X}{index:06X}"


def duration(draw: Draw) -> float:
    """Draw a song's seconds: around four minutes, but one in twenty is an interlude or a long piece."""
    seconds = 50 + 125 * (draw() + draw() + draw())
    return round(seconds * (0.2 + 3 * draw() if draw() < 0.05 else 1), 5)


def make_artist(draw: Draw, artists: list[dict]) -> dict:
    """Return the artist columns of a song: a new one, who joins the list, or one of it, perhaps varied."""
    number = len(artists)
    if number and draw() > 0.64:
        artist = dict(pick(draw, artists))
        if draw() < 0.1:
            artist["artist_name"] = f"{artist['artist_name']} feat. {phrase(draw, 'artist')}"
        if draw() < 0.05:
            artist |= {"artist_latitude": None, "artist_location": "", "artist_longitude": None}
        return artist
    location, latitude, longitude = pick(draw, PLACES)
    artist = {"artist_id": identifier(draw, "AR", number), "artist_latitude": latitude}
    artist |= {
        "artist_location": location,
        "artist_longitude": longitude,
        "artist_name": phrase(draw, "artist"),
    }
    rare = {
        3: {"artist_name": 100 + number},
        4: {"artist_location": 1000 + number},
        5: {"artist_location": None},
    }
    artists.append(artist | rare.get(number % 150, {}))
    return artists[-1]


def make_songs(draw: Draw, quantity: int) -> Iterator[dict]:
    """Yield the songs. Of every 200, three share title and artist, and two of these the duration as well."""
    artists: list[dict] = []
    song: dict = {}
    for index in range(quantity):
        kind, age = index % 200, draw()
        if kind in (1, 2):
            song = song | ({"duration": duration(draw)} if kind == 2 else {})
        else:
            song = make_artist(draw, artists) | {"duration": duration(draw), "num_songs": 1, "song_id": ""}
            song["title"] = phrase(draw, "title")
        if kind == 5:
            song["title"] = 7.5 if index == 5 else 1 + int(draw() * 2100)
        song["song_id"] = identifier(draw, "SO", index)
        song["year"] = 0 if draw() < 0.32 else 2010 - int(55 * age * age)
        yield song


def make_play(artist: object, title: object, length: float, known: bool) -> Play:
    """Return the play of a song; a name or title that is a number in song_data is text in the log."""
    return Play(encode(str(artist)), encode(length), encode(str(title)), int(length), known)


def make_unknown(draw: Draw, quantity: int, songs: list[Play]) -> list[Play]:
    """Return plays of other songs than these: no artist name and title are together in both."""
    taken = {(song.artist, song.title) for song in songs}
    plays: list[Play] = []
    while len(plays) < quantity:
        play = make_play(phrase(draw, "artist"), phrase(draw, "title"), duration(draw), known=False)
        if (play.artist, play.title) not in taken:
            taken.add((play.artist, play.title))
            plays.append(play)
    return plays


def make_jukebox(draw: Draw, songs: list[Play], others: list[Play]) -> Callable[[], Play]:
    """Return a function that draws a play; the songs early in a list are the popular ones."""
    known, unknown = (Wheel(plays, (1 / (rank + 40) for rank in range(len(plays)))) for plays in (songs, others))

    def next_play() -> Play:
        """Draw a play."""
        if draw() >= KNOWN_SHARE:
            return unknown.spin(draw)
        play = known.spin(draw)
        if draw() >= OTHER_LENGTH_SHARE:
            return play
        length = round(float(play.length) * (0.9 + 0.2 * draw()), 5)
        return play._replace(length=encode(length), seconds=int(length))

    return next_play


# What all events of a user have in common; the rest, in this order, is filled in for each event.
COMMON = ("auth", "firstName", "gender", "lastName", "location", "registration", "userAgent", "userId")
FIELDS = ("artist", *COMMON[:3], "itemInSession", "lastName", "length", "level", "location", "method", "page")
FIELDS += ("registration", "sessionId", "song", "status", "ts", "userAgent", "userId")


def event_format(*common: object) -> str:
    """Return the %-format of an event, in which the common fields are filled in."""
    texts = {name: encode(value).replace("%", "%%") for name, value in zip(COMMON, common, strict=True)}
    return "{" + ",".join(f'"{name}":{texts.get(name, "%s")}' for name in FIELDS) + "}"


def make_users(draw: Draw, quantity: int, epoch: int) -> Iterator[User]:
    """Yield the users, who registered in the two weeks before the epoch (seconds); every fifth one pays."""
    for number in range(quantity):
        registered = float((epoch - 1 - int(draw() * 14 * DAY)) * 1000 + 796)
        first, last, metro, agent = (pick(draw, WORDS[kind]) for kind in ("first", "last", "metro", "agent"))
        gender = pick(draw, ["F", "M"])
        event = event_format("Logged In", first, gender, last, metro, registered, agent, str(number + 1))
        yield User(event, pays=number % 5 == 0)


def make_wheels(draw: Draw, start: date, days: int) -> tuple[dict[str, Wheel], Wheel]:
    """Return a wheel of what follows for each page of FLOW, and a wheel of all hours since the start."""
    flow = {}
    for page, text in FLOW.items():
        names, weights = zip(*(step.rsplit(" ", 1) for step in text.split(", ")), strict=True)
        flow[page] = Wheel(names, map(int, weights))
    traffic = [WEEKDAYS[(start.weekday() + day) % 7] * (0.6 + 0.8 * draw()) for day in range(days)]
    return flow, Wheel(range(24 * days), (share * hour for share in traffic for hour in HOURS))


def visit(
    draw: Draw, flow: dict[str, Wheel], next_play: Callable[[], Play], user: User, second: int
) -> Iterator[tuple[int, str, Play]]:
    """Yield second, page and play of each event of a visit.

    The user's level may change on the way, but only once and not while another of their visits goes on: so
    pays_at is right for every event, in whatever order the visits are made.
    """
    luck, may_change, sounds_until = draw(), user.busy < second, 0
    page = flow["start"].spin(draw)
    for _ in range(1 + int(VISIT_SIZE[user.pays_at(second)] * luck / (1.2 - luck))):
        play = next_play() if page == "NextSong" else SILENCE
        yield second, page, play
        if page == "NextSong":
            sounds_until = second + play.seconds
        elif page.startswith("Submit"):
            user.pays, user.changed, may_change = not user.pays, second, False
        page, pause = flow[page].spin(draw), draw()
        if page == "Plan":
            page = "Downgrade" if user.pays_at(second) else "Upgrade"
        elif page.startswith("Submit") and not may_change:
            page = "Home"
        if page == "NextSong" and sounds_until > second:
            second = sounds_until
        else:
            second += 1 if page.startswith("Log") else 1 + int(55 * pause / (1.03 - pause))


def make_log(
    draw: Draw, songs: list[Play], counts: Counter, *, users: int, events: int, days: int, start: date
) -> Iterator[tuple[date, list[str]]]:
    """Yield each day that has events, with its lines; count users, events, plays and matched plays.

    A visit begins when the share of events already made is due by the rhythm of the days. A day is complete,
    and leaves the memory, when a visit begins on a later one.
    """
    epoch = (start - date(1970, 1, 1)).days * DAY
    people = list(make_users(draw, users, epoch))
    crowd = Wheel(people, (0.01 + rest * rest * rest for rest in (1 - rank / users for rank in range(users))))
    next_play = make_jukebox(draw, songs, make_unknown(draw, min(2 * events, 20_000), songs))
    flow, rhythm = make_wheels(draw, start, days)
    nobody = event_format("Logged Out", None, None, None, None, None, None, "")
    pending: dict[int, list[tuple[int, str]]] = defaultdict(list)

    def finished(until: int) -> Iterator[tuple[date, list[str]]]:
        """Yield the pending days before this one."""
        for day in sorted(day for day in pending if day < until):
            yield (
                start + timedelta(days=day),
                [line for _, line in sorted(pending.pop(day), key=itemgetter(0))],
            )

    for session in count(1):
        hour, part = rhythm.find((counts["events"] + draw()) / events)
        begin = hour * 3600 + min(int(part * 3600), 3599)
        yield from finished(begin // DAY)
        for _ in range(20):  # leave the busy alone, unless nearly all are
            user = crowd.spin(draw)
            if user.busy < begin:
                break
        steps = islice(visit(draw, flow, next_play, user, begin), events - counts["events"])
        for item, (second, page, play) in enumerate(steps):
            if second >= days * DAY:
                break
            logged_in, name, (method, status) = page[-1] != "*", page.rstrip("*"), ANSWERS[page]
            level = '"paid"' if user.pays_at(second) else '"free"'
            values = (play.artist, item, play.length, level, f'"{method}"', f'"{name}"', session, play.title)
            line = (user.event if logged_in else nobody) % (*values, status, (epoch + second) * 1000 + 796)
            pending[second // DAY].append((second, line))
            user.seen |= logged_in
            user.busy = max(user.busy, second)
            counts["events"] += 1
            counts["plays"] += play is not SILENCE
            counts["matched"] += play.known
        if counts["events"] == events:
            break
    yield from finished(days)
    counts["users"] = len([user for user in people if user.seen])


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
    songs: int = 1000,
    users: int = 100,
    events: int = 8000,
    days: int = 30,
    seed: int = 2018,
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
    draw, plays, artists = Random(seed).random, [], set()
    counts = Counter(songs=songs, artists=0, users=0, events=0, plays=0, matched=0, files=songs + 1)
    with TemporaryDirectory(prefix=".simulating-", dir=directory) as name:
        temporary = Path(name)
        for index, song in enumerate(make_songs(draw, songs)):
            track = identifier(draw, "TRA", index)
            write(temporary.joinpath("song_data", *track[2:5], f"{track}.json"), encode(song))
            plays.append(make_play(song["artist_name"], song["title"], song["duration"], known=True))
            artists.add(song["artist_id"])
        for day, lines in make_log(draw, plays, counts, users=users, events=events, days=days, start=start):
            month = temporary / "log_data" / f"{day.year:04}" / f"{day.month:02}"
            write(month / f"{day}-events.json", "\n".join(lines))
            counts["files"] += 1
        paths = {"jsonpaths": [f"$['{field}']" for field in FIELDS]}
        write(temporary / "log_json_path.json", json.dumps(paths, indent=4))
        publish(temporary, directory)
    return dict(counts, artists=len(artists))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 if nothing was written. A wrong usage exits with 2."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("directory", metavar="DIR", type=Path, help="where to write; made if need be")
    for name in (*LIMITS, "seed"):
        default = simulate.__kwdefaults__[name]
        parser.add_argument(f"--{name}", metavar="N", type=int, default=default, help=f"default: {default}")
    options = parser.parse_args(argv)
    try:
        counts = simulate(**vars(options))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"simulate_data: nothing was written to {options.directory}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"simulate_data: interrupted, nothing was written to {options.directory}", file=sys.stderr)
        return 1
    summary = ", ".join(f"{value:,} {name}" for name, value in counts.items())
    print(f"Wrote to {options.directory}: {summary}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

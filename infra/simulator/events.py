"""The log of the simulator: who visits when, which pages and plays a visit has, and how users change their level."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, count, islice
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from infra.simulator.songs import WORDS, Draw, duration, encode, phrase, pick

DAY = 86_400  # seconds
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
ANSWERS = dict.fromkeys(FLOW, ("GET", 200)) | {"NextSong": ("PUT", 200), "Error": ("GET", 404)}
ANSWERS |= {page: ("PUT", 307) for page in FLOW if page.startswith(("Log", "Save", "Submit"))}


Item = TypeVar("Item")


class Wheel(Generic[Item]):
    """Items to draw from, each as probable as its weight."""

    def __init__(self, items: Iterable[Item], weights: Iterable[float]) -> None:
        """Pair the items with their weights, in order."""
        self.items, self.sums = list(items), list(accumulate(weights))

    def find(self, share: float) -> tuple[int, float]:
        """Return the index of the item in which this share of all weight is reached, and the part of it."""
        point = share * self.sums[-1]
        index = bisect(self.sums, point, 0, len(self.sums) - 1)
        before = self.sums[index - 1] if index else 0.0
        return index, (point - before) / (self.sums[index] - before)

    def spin(self, draw: Draw) -> Item:
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
FIELDS: tuple[str, ...] = ("artist", *COMMON[:3], "itemInSession", "lastName", "length", "level")
FIELDS += ("location", "method", "page", "registration", "sessionId", "song", "status", "ts", "userAgent", "userId")


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


def make_wheels(draw: Draw, start: date, days: int) -> tuple[dict[str, Wheel[str]], Wheel[int]]:
    """Return a wheel of what follows for each page of FLOW, and a wheel of all hours since the start."""
    flow = {}
    for page, text in FLOW.items():
        names, weights = zip(*(step.rsplit(" ", 1) for step in text.split(", ")), strict=True)
        flow[page] = Wheel(names, map(int, weights))
    traffic = [WEEKDAYS[(start.weekday() + day) % 7] * (0.6 + 0.8 * draw()) for day in range(days)]
    return flow, Wheel(range(24 * days), (share * hour for share in traffic for hour in HOURS))


def visit(
    draw: Draw, flow: dict[str, Wheel[str]], next_play: Callable[[], Play], user: User, second: int
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
    draw: Draw, songs: list[Play], counts: Counter[str], *, users: int, events: int, days: int, start: date
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

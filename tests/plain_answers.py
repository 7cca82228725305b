"""The analysts' questions answered from the log files by plain Python, without any SQL: what the warehouse must say."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
USER_RANGES = ((0, "0"), (4, "1-4"), (9, "5-9"), (19, "10-19"), (49, "20-49"), (99, "50-99"), (199, "100-199"),
               (499, "200-499"), (10**9, "500 and more"))  # fmt: skip
SESSION_RANGES = ((1, "1"), (4, "2-4"), (9, "5-9"), (19, "10-19"), (49, "20-49"), (99, "50-99"),
                  (10**9, "100 and more"))  # fmt: skip


def answers(events: Iterable[dict]) -> dict[str, list[tuple]]:
    """Question -> rows, from the lines of the log as they are."""
    events = list(events)
    users = last_seen(events)
    plays = list(
        {(one["ts"], one["userId"], one["sessionId"]): one for one in events if one["page"] == "NextSong"}.values()
    )
    return {
        "popular songs by user gender": by_gender(plays, users),
        "activity by day of the week": by_weekday(plays),
        "average number of songs streamed per user": averages(plays, users),
        "distribution of the number of songs per user": user_ranges(plays, users),
        "most played songs": top(plays, lambda one: (one["song"], one["artist"])),
        "most played artists": [
            (*row, len({one["song"] for one in plays if one["artist"] == row[0]}))
            for row in top(plays, lambda one: (one["artist"],))
        ],
        "plays by hour of day": in_order(plays, lambda one: (moment(one).hour,)),
        "free against paid by day": in_order(plays, lambda one: (moment(one).date(), one["level"])),
        "active users per week": weeks(plays),
        "top locations": top(plays, lambda one: (one["location"],)),
        "sessions: length and plays": sessions(plays),
    }


def moment(one: dict) -> datetime:
    """When it happened, UTC."""
    return datetime(1970, 1, 1) + timedelta(milliseconds=one["ts"])


def week_start(one: dict) -> date:
    """The Monday of its week."""
    day = moment(one).date()
    return day - timedelta(days=day.weekday())


def tenths(number: float) -> float:
    """To one decimal, a half away from zero."""
    return float(Decimal(f"{number:.15g}").quantize(Decimal("0.1"), ROUND_HALF_UP))


def last_seen(events: list[dict]) -> dict[str, dict]:
    """Each user's latest event on any page; paid counts later than free at the same millisecond."""
    users: dict[str, dict] = {}
    for one in sorted(events, key=lambda one: (one["ts"], one["level"])):
        if one["userId"]:
            users[one["userId"]] = one
    return users


def groups(plays: list[dict], key: Callable[[dict], tuple]) -> dict[tuple, list[dict]]:
    """The plays of each key."""
    found = defaultdict(list)
    for one in plays:
        found[key(one)].append(one)
    return found


def counted(plays: list[dict], key: Callable[[dict], tuple]) -> list[tuple]:
    """(*key, plays, listeners) for each key."""
    return [(*name, len(some), len({one["userId"] for one in some})) for name, some in groups(plays, key).items()]


def in_order(plays: list[dict], key: Callable[[dict], tuple]) -> list[tuple]:
    """The same in the order of the keys."""
    return sorted(counted(plays, key))


def top(plays: list[dict], key: Callable[[dict], tuple]) -> list[tuple]:
    """The ten with the most plays; of equal ones those that sort first, by their bytes."""
    return sorted(counted(plays, key), key=lambda row: (-row[-2], *(name.encode() for name in row[:-2])))[:10]


def by_gender(plays: list[dict], users: dict[str, dict]) -> list[tuple]:
    """(gender, place, song, artist, plays): five for each gender."""
    rows = []
    for gender, some in sorted(groups(plays, lambda one: (users[one["userId"]]["gender"],)).items()):
        best = top(some, lambda one: (one["song"], one["artist"]))[:5]
        rows += [(*gender, place, title, artist, count) for place, (title, artist, count, _) in enumerate(best, 1)]
    return rows


def by_weekday(plays: list[dict]) -> list[tuple]:
    """(weekday, name, plays, listeners, days, plays per day)."""
    rows = []
    for (weekday,), some in sorted(groups(plays, lambda one: (moment(one).isoweekday() % 7,)).items()):
        days = len({moment(one).date() for one in some})
        listeners = len({one["userId"] for one in some})
        rows.append((weekday, DAYS[weekday], len(some), listeners, days, tenths(len(some) / days)))
    return rows


def averages(plays: list[dict], users: dict[str, dict]) -> list[tuple]:
    """(level now, users, plays, plays per user, different songs per user), first for all."""
    rows = []
    for level in ("all", *sorted({one["level"] for one in users.values()})):
        members = {user for user, one in users.items() if level in ("all", one["level"])}
        some = [one for one in plays if one["userId"] in members]
        songs = len({(one["userId"], one["song"], one["artist"]) for one in some})
        rows.append((level, len(members), len(some), tenths(len(some) / len(members)), tenths(songs / len(members))))
    return rows


def in_ranges(numbers: Iterable[int], ranges: tuple) -> dict[str, list[int]]:
    """The numbers of each range that has any, in the order of the ranges."""
    found = defaultdict(list)
    for number in sorted(numbers):
        found[next(name for last, name in ranges if number <= last)].append(number)
    return found


def weeks(plays: list[dict]) -> list[tuple]:
    """(Monday, ISO week, listeners, plays)."""
    rows = in_order(plays, lambda one: (week_start(one), moment(one).isocalendar()[1]))
    return [(monday, week, listeners, count) for monday, week, count, listeners in rows]


def user_ranges(plays: list[dict], users: dict[str, dict]) -> list[tuple]:
    """(range of plays, users, plays)."""
    count = Counter(one["userId"] for one in plays)
    return [
        (name, len(some), sum(some)) for name, some in in_ranges((count[user] for user in users), USER_RANGES).items()
    ]


def sessions(plays: list[dict]) -> list[tuple]:
    """(range of plays, sessions, plays, average minutes, longest minutes)."""
    found = defaultdict(list)
    for some in groups(plays, lambda one: (one["userId"], one["sessionId"])).values():
        first, last = min(some, key=lambda one: one["ts"]), max(some, key=lambda one: one["ts"])
        seconds = last["ts"] // 1000 - first["ts"] // 1000 + last["length"]
        found[len(some)].append(seconds / 60)
    rows = []
    sizes = (size for size, each in found.items() for _ in each)
    for name, some in in_ranges(sizes, SESSION_RANGES).items():
        minutes = [one for size in set(some) for one in found[size]]
        rows.append((name, len(some), sum(some), tenths(sum(minutes) / len(minutes)), tenths(max(minutes))))
    return rows

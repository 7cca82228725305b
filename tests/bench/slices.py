"""Rows of songplays per slice for three DISTKEYs, on simulated plays: how evenly a cluster would hold and read them.

    python -m tests.bench.slices [--plays 10000000]

Redshift does not document its hash function; CRC-32 stands for it. The figures in infra/README.md come from here.
"""

import argparse
import re
import sys
import time
from collections import Counter
from datetime import date
from random import Random
from zlib import crc32

from infra.simulator.events import make_log, make_play
from infra.simulator.songs import make_songs

SLICES = (2, 4, 8, 16, 32, 64)
PLAY = re.compile(r'"artist":(".*?"),"auth.*"song":(".*?"),"status.*"ts":(\d+),.*"userId":"(\d+)"')
PLAYS_PER_EVENT = 5 / 6


def count(plays: int, songs: int, users: int, days: int) -> tuple[int, dict[str, dict[int, Counter[int]]]]:
    """The number of plays, and for each key and number of slices the rows on each slice."""
    draw = Random(2018).random
    catalogue = list(make_songs(draw, songs))
    known = [make_play(song["artist_name"], song["title"], song["duration"], known=True) for song in catalogue]
    ids = {(play.artist, play.title): song["song_id"] for play, song in zip(known, catalogue, strict=True)}
    rows: dict[str, dict[int, Counter[int]]] = {
        key: {slices: Counter() for slices in SLICES} for key in ("start_time", "user_id", "song_id")
    }
    done, events = 0, int(plays / PLAYS_PER_EVENT)
    log = make_log(draw, known, Counter(), users=users, events=events, days=days, start=date(2018, 11, 1))
    for _, lines in log:
        for line in lines:
            match = PLAY.search(line)
            if match is None:
                continue
            artist, title, ts, user = match.groups()
            done += 1
            for key, value in (("start_time", ts), ("user_id", user), ("song_id", ids.get((artist, title), ""))):
                number = crc32(value.encode())
                for slices, counter in rows[key].items():
                    counter[number % slices] += 1
    return done, rows


def main() -> int:
    """Print a table: for each key, the fullest slice as a multiple of the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("plays", 10_000_000), ("songs", 15_000), ("users", 100_000), ("days", 365)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"default: {default:,}")
    options = parser.parse_args()
    start = time.monotonic()
    done, rows = count(options.plays, options.songs, options.users, options.days)
    print(f"{done:,} plays of {options.users:,} users in {options.days} days, {time.monotonic() - start:.0f} s")
    print("rows on the fullest slice, as a multiple of the mean:")
    print(f"{'DISTKEY':<12}" + "".join(f"{slices:>8}" for slices in SLICES) + "  slices")
    for key, tables in rows.items():
        shares = (max(counter.values()) * slices / done for slices, counter in tables.items())
        print(f"{key:<12}" + "".join(f"{share:>8.2f}" for share in shares))
    return 0


if __name__ == "__main__":
    sys.exit(main())

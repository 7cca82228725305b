"""The invented world of the simulator: words, places, and the songs and artists that they make."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

# The same bytes everywhere: random() is the one stream that Python promises to keep, and + - * / are what all
# platforms round alike (not pow, exp or log, and not sum(), which Python 3.12 changed).
Draw = Callable[[], float]
Song = dict[str, Any]  # a song or the artist's part of it, by field
Item = TypeVar("Item")

_TEXTS = {
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
WORDS = {kind: text.split("|") for kind, text in _TEXTS.items()}
PLACES: list[tuple[str, float | None, float | None]] = (
    [  # of artists, with latitude and longitude; "" for every second artist
        ("Chicago, IL", 41.88415, -87.63241),
        ("Kyoto, Japan", 35.00964, 135.76005),
        ("Reykjavík, Iceland", 64.14533, -21.93928),
        ("São Paulo, Brazil", -23.56287, -46.65468),
        ("Leeds / Bradford, England", None, None),
    ]
    + [("", None, None)] * 5
)


def encode(value: object) -> str:
    r"""Return JSON text as the real files have it: compact, ASCII only, with / as \/."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def pick(draw: Draw, items: list[Item]) -> Item:
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


def make_artist(draw: Draw, artists: list[Song]) -> Song:
    """Return the artist columns of a song: a new one, who joins the list, or one of it, perhaps varied."""
    number = len(artists)
    if number and draw() > 0.64:
        artist: Song = pick(draw, artists).copy()
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
    rare: dict[int, Song] = {
        3: {"artist_name": 100 + number},
        4: {"artist_location": 1000 + number},
        5: {"artist_location": None},
    }
    artists.append(artist | rare.get(number % 150, {}))
    return artists[-1]


def make_songs(draw: Draw, quantity: int) -> Iterator[Song]:
    """Yield the songs. Of every 200, three share title and artist, and two of these the duration as well."""
    artists: list[Song] = []
    song: Song = {}
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

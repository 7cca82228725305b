"""The event simulator: what it writes, that it is reproducible, and that it leaves no halves."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from infra import simulate_data
from infra.simulate_data import encode, main, simulate

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"songs": 20, "users": 5, "events": 200, "days": 3}
SMALL_ARGUMENTS = ["--songs", "20", "--users", "5", "--events", "200", "--days", "3"]
GOLDEN = "d8da82f52756916a283acd899ca2ef8ba6e407f6c153ffdf2daf667bccd950db"

FIELDS = [
    *["artist", "auth", "firstName", "gender", "itemInSession", "lastName", "length", "level", "location"],
    *["method", "page", "registration", "sessionId", "song", "status", "ts", "userAgent", "userId"],
]
SONG_FIELDS = [
    *["artist_id", "artist_latitude", "artist_location", "artist_longitude", "artist_name"],
    *["duration", "num_songs", "song_id", "title", "year"],
]
PAGES = {  # page: method, status
    **dict.fromkeys(["Home", "About", "Help", "Settings", "Upgrade", "Downgrade"], ("GET", 200)),
    **dict.fromkeys(["Login", "Logout", "Save Settings", "Submit Upgrade", "Submit Downgrade"], ("PUT", 307)),
    **{"NextSong": ("PUT", 200), "Error": ("GET", 404)},
}


class DataSet:
    """What a directory holds."""

    def __init__(self, directory, counts):
        """Read all files."""
        self.directory, self.counts = directory, counts
        self.song_files = sorted((directory / "song_data").rglob("*.*"))
        self.log_files = sorted((directory / "log_data").rglob("*.*"))
        self.songs = [json.loads(path.read_bytes()) for path in self.song_files]
        self.days = {path.name[:10]: read_events(path) for path in self.log_files}
        self.events = [event for events in self.days.values() for event in events]
        self.plays = [event for event in self.events if event["page"] == "NextSong"]
        self.visits = defaultdict(list)
        for event in self.events:
            self.visits[event["sessionId"]].append(event)


def read_events(path):
    """The events of a log file."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")]


def moment(ts):
    """The UTC date and time of epoch milliseconds."""
    return datetime(1970, 1, 1) + timedelta(milliseconds=ts)


def contents(directory):
    """The bytes of every file below a directory, by relative name."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data set of the default size."""
    directory = tmp_path_factory.mktemp("default")
    return DataSet(directory, simulate(directory))


def test_same_arguments_same_bytes(tmp_path):
    """Equal runs write equal files, other seeds and sizes others."""
    runs = [SMALL, SMALL, SMALL | {"seed": 7}, SMALL | {"events": 201}]
    for number, arguments in enumerate(runs):
        simulate(tmp_path / str(number), **arguments)
    first, again, other_seed, other_size = (contents(tmp_path / str(number)) for number in range(4))
    assert first == again
    assert first != other_seed
    assert first != other_size


def test_golden(tmp_path):
    """The bytes are those of the day this test was written, whatever the platform and Python."""
    simulate(tmp_path, **SMALL)
    digest = hashlib.sha256()
    for name, text in sorted(contents(tmp_path).items()):
        digest.update(f"{name} {len(text)}\n".encode() + text)
    assert digest.hexdigest() == GOLDEN


@pytest.mark.parametrize(
    "sizes",
    [
        {"songs": 1, "users": 1, "events": 1, "days": 1},
        {"songs": 3, "users": 1, "events": 500, "days": 1},  # more than a user can hear in a day
        {"songs": 1, "users": 40, "events": 7, "days": 60},
        {"songs": 250, "users": 3, "events": 99, "days": 2},
    ],
)
def test_counts_are_exact(tmp_path, sizes):
    """As many songs and events as asked for, and the counts returned are those of the files."""
    data = DataSet(tmp_path, simulate(tmp_path, **sizes))
    known = {(str(song["title"]), str(song["artist_name"])) for song in data.songs}
    assert data.counts == {
        "songs": sizes["songs"],
        "artists": len({song["artist_id"] for song in data.songs}),
        "users": len({event["userId"] for event in data.events} - {""}),
        "events": sizes["events"],
        "plays": len(data.plays),
        "matched": sum((play["song"], play["artist"]) in known for play in data.plays),
        "files": len(contents(tmp_path)),
    }
    assert len(data.songs) == sizes["songs"]
    assert len(data.events) == sizes["events"]
    assert len(data.days) <= sizes["days"]


def test_default_counts(data):
    """The default size, as the help states it."""
    known = {(str(song["title"]), str(song["artist_name"])) for song in data.songs}
    matched = sum((play["song"], play["artist"]) in known for play in data.plays)
    assert (len(data.songs), len(data.events), len(data.days)) == (1000, 8000, 30)
    assert data.counts["matched"] == matched
    assert len(contents(data.directory)) == data.counts["files"] == 1031


def test_layout(data):
    """Song files lie under letters of their name, day files under year and month; there is nothing else."""
    pattern = re.compile(
        r"song_data/A/(?P<b>[A-Z])/(?P<c>[A-Z])/TRA(?P=b)(?P=c)[0-9A-Z]{13}\.json"
        r"|log_data/2018/11/2018-11-\d\d-events\.json"
        r"|log_json_path\.json"
    )
    assert [name for name in contents(data.directory) if not pattern.fullmatch(name)] == []


def test_formatting(data):
    """Compact ASCII JSON, slashes escaped, fields in the real order, no newline at the end of a file."""
    for path in [*data.song_files, *data.log_files]:
        for line in path.read_bytes().decode("ascii").split("\n"):
            row = json.loads(line)
            assert list(row) == (SONG_FIELDS if path in data.song_files else FIELDS)
            assert line == encode(row)
    assert encode({"a/b": ["é", 1.0, None]}) == r'{"a\/b":["\u00e9",1.0,null]}'


def test_jsonpaths_file(data):
    """The jsonpaths name the fields of an event in order, as the real file does."""
    lines = ",\n".join(f"        \"$['{field}']\"" for field in FIELDS)
    expected = f'{{\n    "jsonpaths": [\n{lines}\n    ]\n}}'
    assert (data.directory / "log_json_path.json").read_bytes().decode() == expected


def test_time(data):
    """Every event is in the file of its UTC day, in order; ts ends in 796; registration comes before."""
    for day, events in data.days.items():
        stamps = [event["ts"] for event in events]
        assert stamps == sorted(stamps)
        assert {moment(ts).date().isoformat() for ts in stamps} == {day}
        assert {ts % 1000 for ts in stamps} == {796}
    known = [event for event in data.events if event["registration"] is not None]
    assert all(type(event["registration"]) is float for event in known)
    assert all(event["registration"] % 1000 == 796 and event["registration"] < event["ts"] for event in known)


def test_pages(data):
    """Every page occurs, with its method and status, and five events in six are plays."""
    assert {(event["page"], event["method"], event["status"]) for event in data.events} == {
        (page, *answer) for page, answer in PAGES.items()
    }
    shares = Counter(event["page"] for event in data.events)
    assert 0.80 < shares["NextSong"] / 8000 < 0.88
    assert 0.08 < shares["Home"] / 8000 < 0.13


def test_logged_out(data):
    """Who is logged out has an empty userId and nothing personal, and sees the public pages alone."""
    out = [event for event in data.events if event["auth"] == "Logged Out"]
    personal = ["firstName", "lastName", "gender", "location", "registration", "userAgent", "userId"]
    assert {tuple(event[field] for field in personal) for event in out} == {(None,) * 6 + ("",)}
    assert {event["page"] for event in out} == {"Home", "Login", "About", "Help"}
    assert 0.02 < len(out) / 8000 < 0.08
    inside = [event for event in data.events if event["auth"] != "Logged Out"]
    assert {event["auth"] for event in inside} == {"Logged In"}
    assert all(event[field] for event in inside for field in personal)
    assert len({tuple(event[field] for field in personal) for event in inside}) == data.counts["users"]


def test_visits(data):
    """A session is of one user, counts its events from 0, and does not overlap another of that user."""
    spans = defaultdict(list)
    for visit in data.visits.values():
        assert [event["itemInSession"] for event in visit] == list(range(len(visit)))
        users = {event["userId"] for event in visit} - {""}
        assert len(users) <= 1
        spans[min(users, default="")].append((visit[0]["ts"], visit[-1]["ts"]))
        for event, following in pairwise(visit):
            assert event["ts"] < following["ts"]
    for user in spans.keys() - {""}:
        assert all(end < begin for (_, end), (begin, _) in pairwise(sorted(spans[user])))


def test_plays(data):
    """A play has a song, and only a play; the next one begins when it ends; its key is unique."""
    for event in data.events:
        given = [event[field] is not None for field in ("artist", "song", "length")]
        assert given == [event["page"] == "NextSong"] * 3
    assert all(type(play["length"]) is float and 10 <= play["length"] < 1500 for play in data.plays)
    for visit in data.visits.values():
        for event, following in pairwise(visit):
            if event["page"] == following["page"] == "NextSong":
                assert following["ts"] - event["ts"] == int(event["length"]) * 1000
    keys = Counter((play["ts"], play["userId"], play["sessionId"]) for play in data.plays)
    assert max(keys.values()) == 1


def check_levels(data):
    """Assert that a user's level changes right after a Submit event and nowhere else; return these events."""
    changes, people = Counter(), defaultdict(list)
    for event in data.events:
        if event["userId"]:
            people[event["userId"]].append(event)
    for events in people.values():
        for event, following in pairwise(events):
            submitted = event["page"].startswith("Submit")
            if event["ts"] < following["ts"]:
                assert (event["level"] != following["level"]) == submitted
                changes[event["page"], event["level"]] += submitted
        assert {(e["page"], e["level"]) for e in events if "grade" in e["page"]} <= {
            *[("Upgrade", "free"), ("Submit Upgrade", "free")],
            *[("Downgrade", "paid"), ("Submit Downgrade", "paid")],
        }
    return +changes


def test_levels(data):
    """Users change their level, in both directions, by submitting it."""
    changes = check_levels(data)
    assert changes.keys() == {("Submit Upgrade", "free"), ("Submit Downgrade", "paid")}
    paid = sum(play["level"] == "paid" for play in data.plays) / len(data.plays)
    assert 0.6 < paid < 0.9


def test_matches(data):
    """Some 7 % of the plays are of a song, few of these with another length; popular ones are tied."""
    durations = defaultdict(list)
    for song in data.songs:
        durations[str(song["title"]), str(song["artist_name"])].append(song["duration"])
    matched = [play for play in data.plays if (play["song"], play["artist"]) in durations]
    assert 0.05 < len(matched) / len(data.plays) < 0.09
    other = [play for play in matched if play["length"] not in durations[play["song"], play["artist"]]]
    assert 0.01 < len(other) / len(matched) < 0.08
    tied = [play for play in matched if len(durations[play["song"], play["artist"]]) > 1]
    assert tied
    assert {len(set(durations[play["song"], play["artist"]])) for play in tied} == {2}


def test_songs(data):
    """Ids are unique and 18 long, a third of the years are 0, and places are there, empty or null."""
    songs = data.songs
    assert len({song["song_id"] for song in songs}) == 1000
    assert {(len(song["song_id"]), song["song_id"][:2]) for song in songs} == {(18, "SO")}
    assert {(len(song["artist_id"]), song["artist_id"][:2]) for song in songs} == {(18, "AR")}
    assert {song["num_songs"] for song in songs} == {1}
    assert 0.25 < sum(song["year"] == 0 for song in songs) / 1000 < 0.4
    assert all(song["year"] == 0 or 1955 <= song["year"] <= 2010 for song in songs)
    assert {type(song["duration"]) for song in songs} == {float}
    assert {type(song["title"]) for song in songs} == {str, int, float}
    assert {type(song["artist_name"]) for song in songs} == {str, int}
    assert {type(song["artist_location"]) for song in songs} == {str, int, type(None)}
    assert any(song["artist_location"] == "" for song in songs)
    assert 0.25 < sum(song["artist_latitude"] is not None for song in songs) / 1000 < 0.5
    assert all((song["artist_latitude"] is None) == (song["artist_longitude"] is None) for song in songs)
    names, places = defaultdict(set), defaultdict(set)
    for song in songs:
        names[song["artist_id"]].add(song["artist_name"])
        places[song["artist_id"]].add(song["artist_location"])
    assert max(map(len, names.values())) > 1
    assert max(map(len, places.values())) > 1


def test_text(data):
    """Titles and names hold what breaks loaders, and stay within the real lengths in bytes."""
    text = "".join(f"{play['song']}{play['artist']}" for play in data.plays)
    assert set("\"'\\/%éÜü夜Жł🎵") <= set(text + "".join(event["lastName"] or "" for event in data.events))
    longest = {"song": 159, "artist": 101, "firstName": 10, "lastName": 9, "location": 46, "userAgent": 139}
    for field, limit in longest.items():
        assert max(len((event[field] or "").encode()) for event in data.events) <= limit
    for field, limit in {"title": 173, "artist_name": 177, "artist_location": 176}.items():
        assert max(len(str(song[field]).encode()) for song in data.songs) <= limit
    quoted = {str(event["userAgent"]).startswith('"Mozilla') for event in data.events}
    assert quoted == {True, False}


def test_rhythm(data):
    """Afternoons are busier than nights and working days than weekends; a tenth of the users plays half."""
    moments = [moment(event["ts"]) for event in data.events]
    hours = Counter(when.hour // 4 for when in moments)
    assert max(hours, key=hours.get) in (3, 4)
    assert hours[4] > 2 * hours[0]
    weekend = sum(when.weekday() >= 5 for when in moments)
    assert weekend / 8 < 0.8 * (len(moments) - weekend) / 22
    users = Counter(play["userId"] for play in data.plays)
    assert sum(plays for _, plays in users.most_common(10)) > 0.4 * len(data.plays)


def test_levels_of_busy_users(tmp_path):
    """Sessions of one user that must overlap agree on the level at every moment."""
    simulate(tmp_path, songs=3, users=2, events=4000, days=2)
    assert sum(check_levels(DataSet(tmp_path, {})).values()) > 0


def test_command_line(tmp_path, capsys):
    """It reports what it wrote, which is what the function writes."""
    counts = simulate(tmp_path / "function", **SMALL, seed=3)
    assert main([str(tmp_path / "command"), *SMALL_ARGUMENTS, "--seed", "3"]) == 0
    assert contents(tmp_path / "command") == contents(tmp_path / "function")
    output = capsys.readouterr().out
    assert output.startswith(f"Wrote to {tmp_path / 'command'}: 20 songs, ")
    assert f"{counts['plays']} plays, {counts['matched']} matched, {counts['files']} files." in output
    assert main([str(tmp_path / "one"), "--songs", "1", "--users", "1", "--events", "1", "--days", "1"]) == 0
    assert capsys.readouterr().out.startswith(f"Wrote to {tmp_path / 'one'}: 1 song, 1 artist, 1 user, 1 event, ")


@pytest.mark.parametrize("command", [[str(ROOT / "infra" / "simulate_data.py")], ["-m", "infra.simulate_data"]])
def test_run_from_elsewhere(tmp_path, command):
    """It runs as a file and as a module, from any working directory, without a warning."""
    arguments = [sys.executable, "-W", "error", *command, "out", *SMALL_ARGUMENTS]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
    }
    run = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    simulate(tmp_path / "here", **SMALL)
    assert contents(tmp_path / "out") == contents(tmp_path / "here")


def test_help(capsys):
    """The help names the files, every field and the defaults."""
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for word in [*FIELDS, *SONG_FIELDS, "log_json_path.json", "default: 8000", "default: 2018"]:
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: DIR"),
        (["--songs", "0"], "the number of songs must be between 1 and 10,000,000, not 0"),
        (["--users", "0"], "the number of users must be between 1 and 10,000,000, not 0"),
        (["--events", "-5"], "the number of events must be between 1 and 1,000,000,000, not -5"),
        (["--days", "99999"], "the number of days must be between 1 and 36,500, not 99,999"),
        (["--events", "many"], "argument --events: invalid int value: 'many'"),
    ],
)
def test_wrong_usage(tmp_path, capsys, arguments, message):
    """A senseless size is refused with exit code 2 before anything is made."""
    directory = tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        main([str(directory), *arguments] if arguments else [])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert not directory.exists()


@pytest.mark.parametrize("name", ["song_data/mine.json", "log_data/mine.json", "log_json_path.json", "song_data"])
def test_existing_data_are_refused(tmp_path, capsys, name):
    """What is there stays as it is, and nothing comes beside it."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert main([str(tmp_path), *SMALL_ARGUMENTS]) == 1
    part = tmp_path / name.split("/")[0]
    sentence = f"{part} exists already; remove it or name another directory. Nothing was written to {tmp_path}."
    assert capsys.readouterr().err == f"simulate_data: {sentence}\n"
    assert contents(tmp_path) == {name: b"mine"}


def test_other_files_and_empty_directories_do_not_matter(tmp_path):
    """A directory in use is fine as long as it has no data set; empty parts are filled."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "song_data").mkdir()
    (tmp_path / "log_data").mkdir()
    simulate(tmp_path, **SMALL)
    names = ["log_data", "log_json_path.json", "notes.txt", "song_data"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_target_is_a_file(tmp_path, capsys):
    """A file in place of the directory is an error, not a traceback."""
    (tmp_path / "file").write_text("mine")
    assert main([str(tmp_path / "file"), *SMALL_ARGUMENTS]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"simulate_data: {tmp_path / 'file'} cannot be used: ")
    assert error.endswith(f"Nothing was written to {tmp_path / 'file'}.\n")
    assert contents(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("calls", [0, 10, 21, 23])  # 20 songs, 3 days, jsonpaths
def test_failure_while_writing_leaves_nothing(tmp_path, monkeypatch, capsys, calls, error):
    """A failure or Ctrl-C in the middle removes what was written."""
    fail_after(monkeypatch, simulate_data, "write", calls, error)
    assert main([str(tmp_path), *SMALL_ARGUMENTS]) == 1
    assert f"Nothing was written to {tmp_path}." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError("The disk is gone"), KeyboardInterrupt()])
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_failure_while_publishing_leaves_nothing(tmp_path, monkeypatch, capsys, calls, error):
    """A failure between two renames takes back the first."""
    fail_after(monkeypatch, simulate_data.os, "rename", calls, error)
    assert main([str(tmp_path), *SMALL_ARGUMENTS]) == 1
    assert f"Nothing was written to {tmp_path}." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def fail_after(monkeypatch, module, name, calls, error):
    """Let a function of the module work for some calls, fail once, and work again."""
    function, made = getattr(module, name), []

    def failing(*arguments):
        """Count the call and pass it on, or fail."""
        made.append(arguments)
        if len(made) == calls + 1:
            raise error
        return function(*arguments)

    monkeypatch.setattr(module, name, failing)


def test_the_second_of_two_runs_loses(tmp_path, monkeypatch, capsys):
    """A data set that another process completes meanwhile is left whole, and the loser says so."""
    publish = simulate_data.publish

    def overtaken(temporary, directory):
        """Let another run finish first."""
        monkeypatch.setattr(simulate_data, "publish", publish)
        simulate(directory, **SMALL, seed=1)
        publish(temporary, directory)

    monkeypatch.setattr(simulate_data, "publish", overtaken)
    assert main([str(tmp_path / "race"), *SMALL_ARGUMENTS, "--seed", "2"]) == 1
    assert f"{tmp_path / 'race' / 'log_data'} exists already" in capsys.readouterr().err
    simulate(tmp_path / "alone", **SMALL, seed=1)
    assert contents(tmp_path / "race") == contents(tmp_path / "alone")

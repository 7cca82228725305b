"""Only new files: what a load reads, what it tells, and that it comes to the same as reading everything."""

import json

import etl
from infra.load import source_files
from tests.fixtures.etl import TS, event, song

LEDGER = "SELECT file_name, size FROM loaded_files WHERE version NOT LIKE 'jsonpaths %'"


def write(case, name: str, *lines: dict) -> str:
    """Add or change one file; its path."""
    return str(case.write_text(name, "\n".join(map(json.dumps, lines))))


def read_last(case) -> list[str]:
    """The files that the last load read; LOG_JSONPATH is noted with those of the log."""
    rows = case.execute(
        "SELECT file_name FROM loaded_files"
        " WHERE loaded_at = (SELECT MAX(loaded_at) FROM loaded_files) AND version NOT LIKE 'jsonpaths %'"
    )
    return [name for (name,) in rows]


def test_a_load_reads_new_and_changed_files_alone(case):
    first = write(case, "log_data/log.json", event())
    assert case.load_new().sources.logs.new == 1
    second = write(case, "log_data/b.json", event(userId="2", ts=TS + 1))
    result = case.load_new()
    assert (read_last(case), result.sources.new, result.sources.known) == ([second], 1, 2)
    assert (result.staged_events, result.staged_songs, result.new_plays, result.new_matched) == (1, 0, 1, 1)
    assert case.execute("SELECT user_id FROM staging_events") == [(2,)]
    assert case.execute("SELECT song_id FROM staging_songs") == []
    write(case, "log_data/log.json", event(), event(userId="3"))
    case.load_new()
    assert read_last(case) == [first]
    assert case.execute("SELECT user_id, song_id FROM songplays") == [(1, "S1"), (2, "S1"), (3, "S1")]


def test_nothing_new_is_said_and_changes_nothing(case, run_script):
    case.load([event()])
    before = case.everything()
    done = run_script("etl.py", "--config", case.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing new: 2 files loaded before" in done.stdout
    assert case.everything() == before


def test_a_changed_song_file_corrects_the_songs_and_the_plays_before(case):
    case.load([event(), event(userId="2", song="Right")])
    write(case, "song_data/songs.json", song(title="Right"))
    result = case.load_new()
    assert (result.changed_songs, result.new_songs, result.rematched_plays, result.staged_events) == (1, 0, 2, 0)
    assert case.execute("SELECT user_id, song_id FROM songplays") == [(1, None), (2, "S1")]


def test_an_artist_s_row_does_not_depend_on_which_load_brings_which_song(case):
    songs = [
        song(song_id="S1", artist_name="A feat. B"),
        song(song_id="S2", artist_location="Rome"),
        song(song_id="S3"),
    ]
    case.load([event()], songs)
    together = case.tables()["artists"]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        case.clear()
        case.write([event()], [])
        for number in order:
            write(case, f"song_data/{number}.json", songs[number])
            case.load_new()
        assert case.tables()["artists"] == together
        for number in order:
            (case.data / f"song_data/{number}.json").unlink()


def test_a_file_that_vanished_is_told_and_its_rows_stay(case, run_script):
    gone = write(case, "log_data/gone.json", event(userId="2"))
    case.load_new()
    (case.data / "log_data" / "gone.json").unlink()
    done = run_script("etl.py", "--config", case.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert gone in done.stdout
    assert "not there any more; its rows stay" in done.stdout
    assert len(case.tables()["songplays"]) == 1


def test_a_failed_load_leaves_the_ledger_as_it_was(case):
    case.load([event()])
    before = case.execute(LEDGER)
    write(case, "log_data/bad.json", event(userId=""))
    assert etl.main(["--config", str(case.config)]) == 1
    assert case.execute(LEDGER) == before
    write(case, "log_data/bad.json", event(userId="2"))
    assert etl.main(["--config", str(case.config)]) == 0
    assert len(case.execute(LEDGER)) == len(before) + 1


def test_without_a_place_for_manifests_every_load_reads_everything(case, monkeypatch):
    monkeypatch.setattr(source_files, "work_place", lambda settings: "")
    for _ in range(2):
        result = case.load([event()])
        assert (result.staged_events, result.staged_songs) == (1, 1)
    assert not result.sources.listed
    assert case.execute(LEDGER) == [("", 0)] * 2  # a row a load, which tells whether it was committed
    assert len(case.tables()["songplays"]) == 1


def test_another_jsonpaths_file_is_told_once_and_what_was_read_stays(case, run_script):
    """What counts is what it holds: moved or written anew it is the same."""

    def notices() -> list[str]:
        """Load, and return what it notices."""
        done = run_script("etl.py", "--config", case.config)
        assert (done.returncode, done.stderr) == (0, "")
        return [line for line in done.stdout.splitlines() if "LOG_JSONPATH" in line]

    mapping = case.data / "log_json_path.json"
    write(case, "log_data/1.json", event())
    assert notices() == []
    moved = case.data / "moved.json"
    moved.write_bytes(mapping.read_bytes())
    case.config.write_text(case.config.read_text().replace(str(mapping), str(moved)))
    write(case, "log_data/2.json", event(userId="2"))
    assert notices() == []
    moved.write_text(moved.read_text().replace("level", "plan"))
    assert len(notices()) == 1
    write(case, "log_data/3.json", event(userId="3", plan="paid"))
    [said] = notices()
    option = f"--config {case.config}"
    assert f"python create_tables.py {option}, then python etl.py {option}" in said
    assert notices() == []
    assert case.execute("SELECT user_id, level FROM songplays") == [(1, "free"), (2, "free"), (3, "paid")]

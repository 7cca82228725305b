"""What a load says of itself."""

from infra.load.copy_monitor import LoadResult
from infra.load.source_files import Comparison, Sources
from infra.load.summary import describe


def loaded(**numbers: object) -> LoadResult:
    """A load of three files."""
    return LoadResult(sources=Sources(Comparison(new=3), Comparison(), listed=True), **numbers)  # type: ignore[arg-type]


def test_what_happened_is_said_and_what_did_not_is_not():
    result = loaded(
        staged_events=8056, staged_plays=6820, staged_songs=14896, new_plays=6800, new_matched=333, replaced_plays=1,
        rematched_plays=2, new_users=90, changed_users=7, new_songs=14000, changed_songs=96, new_artists=9553,
        rejected=4900, garbled_texts=346, garbled_example="BjÃ¶rk", checks=24,
    )  # fmt: skip
    result.sources.songs.known = 7
    result.sources.logs.vanished, result.sources.logs.gone = 2, "log_data/a.json"
    assert describe(result, 91.4) == [
        "Read      8,056 events and 14,896 songs from 3 new files; 7 files loaded before",
        "Rejected  4,900 records left out",
        "Plays     6,800 new, 333 of them matched with a song; 20 left out: loaded before, or in the files twice; "
        "1 replaced; 2 older ones matched anew",
        "Users     90 new, 7 changed",
        "Songs     14,000 new, 96 changed, 800 as they were",
        "Artists   9,553 new",
        "Notice    log_data/a.json and 1 more is not there any more; its rows stay",
        "Notice    346 texts seem to be encoded twice, such as 'BjÃ¶rk'",
        "Checks    24 passed",
        "The load is complete (1 min 31 s). Next: python notebooks/report.py",
    ]


def test_a_load_that_adds_nothing_says_so():
    result = loaded(staged_events=1, staged_plays=1, checks=24)
    assert describe(result, 0.2)[:5] == [
        "Read      1 event and 0 songs from 3 new files",
        "Plays     none new; 1 left out: loaded before, or in the files twice",
        "Users     none new",
        "Songs     none new",
        "Artists   none new",
    ]


def test_nothing_new():
    sources = Sources(Comparison(known=30), Comparison(known=1, vanished=1, gone="x.json"), listed=True)
    assert describe(LoadResult(sources=sources), 0.4) == [
        "Notice    x.json is not there any more; its rows stay",
        "Nothing new: 31 files loaded before (0 s).",
        "To read them again: python etl.py --all",
    ]


def test_without_a_list_of_files_it_says_how_to_have_one():
    first = describe(LoadResult(staged_events=2, staged_songs=1), 1)[0]
    assert first == "Read      2 events and 1 song from all files; to read only new ones, set [S3] WORK in dwh.cfg"

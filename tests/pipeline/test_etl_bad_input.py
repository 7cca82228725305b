"""Bad input: one message that says it all, exit code 1, and nothing changed in any of the seven tables."""

import os
import sys
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest

import etl
from tests.fixtures.aws import free_port
from tests.fixtures.etl import event, song

pytestmark = pytest.mark.long

LINE = '{"ts": 1541121934796, "page": "Home"}\n'
ADVICE = "Correct the files, or load around bad records with --max-errors N."


@pytest.fixture
def loaded(case):
    """The case after a load; at the end of the test the seven tables must be as they are now."""
    case.load([event()], [song()])
    before = case.everything()
    yield case
    assert case.everything() == before


@pytest.fixture
def fail(case, capsys) -> Callable[[], str]:
    """Run etl.py on the case, which fails with exit code 1: what it says on stderr."""

    def run() -> str:
        """Run it in this process."""
        capsys.readouterr()
        assert etl.main(["--config", str(case.config), "--all"]) == 1
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        (LINE + "{oops}\n", "line 2", "(error 1216)"),
        (LINE + '{"ts": "soon"}\n', "line 2, column ts: 'soon'", "(error 1206)"),
        (LINE + '{"itemInSession": 1.5}\n', "line 2, column item_in_session: '1.5'", "(error 1207)"),
        (LINE + '{"length": "long"}\n', "line 2, column length: 'long'", "(error 1208)"),
        (LINE + '{"gender": "%s"}\n' % ("é" * 9), "line 2, column gender: '" + "é" * 9 + "'", "(error 1204)"),
        ((LINE + '{"page": "\xff"}\n').encode("latin-1"), "line 2", "(error 1220)"),
    ],
    ids=["broken JSON", "no timestamp", "no integer", "no float", "over-long text", "invalid UTF-8"],
)
def test_a_bad_record(loaded, fail, text, where, reason):
    file = loaded.write_text("log_data/log.json", text)
    first, record, advice = fail().splitlines()
    assert first == "etl: staging_events: COPY: rejected records:"
    assert record.startswith(f"{file}, {where}: ")
    assert record.endswith(f" {reason}")
    assert len(record) > len(f"{file}, {where}: {reason}") + 10  # and the reason in words
    assert advice == ADVICE


def test_a_bad_song_leaves_the_staged_events_as_they_were(loaded, fail):
    loaded.write([event(userId="2")])
    file = loaded.write_text("song_data/songs.json", '{"year": "MM"}')
    first, record, advice = fail().splitlines()
    assert first == "etl: staging_songs: COPY: rejected records:"
    assert record.startswith(f"{file}, line 1, column year: 'MM': ")
    assert advice == ADVICE


def test_a_prefix_without_files(loaded, fail):
    (loaded.data / "log_data" / "log.json").unlink()
    assert fail() == f"etl: {loaded.settings.log_data} holds no files: correct [S3] in dwh.cfg.\n"


def test_a_folder_that_is_not_there(loaded, fail):
    (loaded.data / "log_data" / "log.json").unlink()
    (loaded.data / "log_data").rmdir()
    assert fail() == f"etl: {loaded.data / 'log_data'} does not exist: correct [S3] in dwh.cfg.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no links without a right to")
def test_an_unreadable_file(loaded, fail):
    """A link that goes round in circles: root, too, cannot read it."""
    file = loaded.data / "log_data" / "log.json"
    file.unlink()
    file.symlink_to(file)
    assert fail().startswith(f"etl: {file} cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_without_the_right_to_read_it(loaded, fail):
    file = loaded.data / "log_data" / "log.json"
    file.chmod(0)
    assert fail() == f"etl: staging_events: COPY: {file} cannot be read: Permission denied.\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Invalid jsonpaths file {file}: "),
        ("[]", "Invalid jsonpaths file {file}: it must be one object with the single key jsonpaths."),
        ('{"jsonpaths": 1}', "Invalid jsonpaths file {file}: jsonpaths must be an array of paths."),
        (
            '{"jsonpaths": ["$.artist"]}',
            "Number of jsonpaths and the number of columns should match. {file} has 1 paths, ",
        ),
        ('{"jsonpaths": ["$.*"]}', "Invalid JSONPath format in {file}: '$.*'; "),
    ],
)
def test_a_bad_jsonpaths_file(loaded, fail, text, reason):
    file = loaded.write_text("log_json_path.json", text)
    assert fail().startswith("etl: staging_events: COPY: " + reason.replace("{file}", str(file)))


def test_a_jsonpaths_file_that_is_not_there(loaded, fail):
    file = loaded.data / "log_json_path.json"
    file.unlink()
    assert fail() == f"etl: staging_events: COPY: The specified S3 prefix '{file}' does not exist.\n"


def from_s3(case, logs: str) -> None:
    """Point the configuration's LOG_DATA to S3."""
    text = case.config.read_text().replace(f"LOG_DATA={case.data / 'log_data'}", f"LOG_DATA={logs}")
    case.config.write_text(text)


def test_a_missing_bucket(loaded, fail, s3):
    from_s3(loaded, "s3://no-such-bucket/log_data")
    text = fail()
    assert text.startswith("etl: s3://no-such-bucket/log_data/ cannot be read: ")
    assert "NoSuchBucket" in text
    assert len(text.splitlines()) == 1


def test_a_prefix_in_s3_without_files(loaded, fail, s3):
    s3.put_object(Bucket="sparkify", Key="log_data_old/x.json", Body=LINE.encode())
    from_s3(loaded, "s3://sparkify/log_data")
    assert fail() == "etl: s3://sparkify/log_data/ holds no files: correct [S3] in dwh.cfg.\n"


def test_wrong_aws_credentials(loaded, fail, s3, moto_url):
    """moto checks the credentials after a call that tells it to."""
    s3.put_object(Bucket="sparkify", Key="log_data/x.json", Body=LINE.encode())
    from_s3(loaded, "s3://sparkify/log_data")
    plain = {"Content-Type": "text/plain"}
    urlopen(Request(f"{moto_url}/moto-api/reset-auth", data=b"0", headers=plain), timeout=30).close()
    try:
        text = fail()
    finally:
        urlopen(Request(f"{moto_url}/moto-api/reset-auth", data=b"inf", headers=plain), timeout=30).close()
    assert text.startswith("etl: s3://sparkify/log_data/ cannot be read: ")
    assert "403" in text or "InvalidAccessKeyId" in text
    assert len(text.splitlines()) == 1


def test_no_aws_credentials(loaded, fail, s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    from_s3(loaded, "s3://sparkify/log_data")
    text = fail()
    assert text.startswith("etl: s3://sparkify/log_data/ cannot be read: ")
    assert "redentials" in text


@pytest.mark.parametrize("script", ["create_tables.py", "etl.py"])
def test_a_server_that_cannot_be_reached(loaded, run_script, tmp_path, script):
    port = free_port()
    file = tmp_path / "closed.cfg"
    file.write_text(
        f"[CLUSTER]\nHOST=127.0.0.1\nDB_NAME=dev\nDB_USER=u\nDB_PASSWORD=Geheim1\nDB_PORT={port}\n"
        "[IAM_ROLE]\nARN='arn:aws:iam::123456789012:role/r'\n"
        "[S3]\nLOG_DATA='s3://bucket/log_data'\nLOG_JSONPATH='s3://bucket/p.json'\nSONG_DATA='s3://bucket/song_data'\n"
    )
    done = run_script(script, "--config", file)
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert str(port) in done.stderr
    assert "Geheim1" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_tables_that_are_missing(case, fail):
    case.execute("DROP TABLE songplays")
    case.write([event()])
    advice = f"Run create_tables.py --config {case.config} first."
    assert fail() == f'etl: relation "songplays" does not exist. {advice}\n'
    assert case.execute("SELECT * FROM staging_events") == []


def test_tables_of_another_version(case, fail):
    case.execute("DROP TABLE users")
    case.execute("CREATE TABLE users (user_id INTEGER)")
    case.write([event()])
    text = fail()
    assert text.startswith("etl: users: find those with a later event: ")
    command = f"create_tables.py --config {case.config}"
    assert text.endswith(f"The tables are of another version: run {command}, which empties them.\n")

"""dwh.cfg: what it may look like, what it means, and the one sentence that each fault gets."""

import codecs
import json
import os
from contextlib import closing
from pathlib import Path

import pytest

import sql_queries
from infra import config as config_module
from infra import warehouse
from infra.config import load_settings
from infra.errors import ConfigError
from tests.fixtures.etl import load as load_warehouse

ROLE = "arn:aws:iam::123456789012:role/dwhRole"
COURSE = f"""\
[CLUSTER]
HOST='dwhcluster.abc.us-west-2.redshift.amazonaws.com'
DB_NAME='dwh'
DB_USER='dwhuser'
DB_PASSWORD='Passw0rd%(x)s%%'
DB_PORT=5439

[IAM_ROLE]
ARN='{ROLE}'

[S3]
LOG_DATA='s3://udacity-dend/log_data'
LOG_JSONPATH='s3://udacity-dend/log_json_path.json'
SONG_DATA='s3://udacity-dend/song_data'

[AWS]
KEY=AKIAIOSFODNN7EXAMPLE
SECRET=wJalrXUtnFEMI/K7MDENG

[DWH]
DWH_CLUSTER_TYPE=multi-node
DWH_NUM_NODES=4
DWH_NODE_TYPE=dc2.large
DWH_IAM_ROLE_NAME=dwhRole
"""


@pytest.fixture(autouse=True)
def no_password_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file alone decides."""
    monkeypatch.delenv(config_module.PASSWORD_VARIABLE, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its dwh.cfg."""
    return tmp_path / "dwh.cfg"


def load(file: Path, text: str):
    """The settings of a file with this text."""
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def refusal(file: Path, text: str | bytes) -> str:
    """The sentence for this text, without the file's name at its beginning."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    sentence = str(caught.value)
    assert sentence.startswith(str(file)) and "\n" not in sentence
    return sentence.removeprefix(str(file)).lstrip(":, ")


def test_course_file_works_as_it_is(file):
    """Quotes come off, folders get their slash, a percent sign is a percent sign."""
    settings = load(file, COURSE)
    assert settings.host == "dwhcluster.abc.us-west-2.redshift.amazonaws.com"
    assert (settings.port, settings.dbname, settings.user) == (5439, "dwh", "dwhuser")
    assert settings.password == "Passw0rd%(x)s%%"
    assert settings.role_arn == ROLE
    assert settings.log_data == "s3://udacity-dend/log_data/"
    assert settings.log_jsonpath == "s3://udacity-dend/log_json_path.json"
    assert settings.song_data == "s3://udacity-dend/song_data/"
    assert settings.region == "us-west-2"
    assert not settings.embedded and not settings.simulated
    assert settings.dwh["DWH_NUM_NODES"] == "4"
    assert settings.describe() == (
        f"Amazon Redshift at dwhcluster.abc.us-west-2.redshift.amazonaws.com:5439/dwh, as {file} says."
    )


def test_example_file_is_the_embedded_warehouse_with_the_course_data(file):
    """dwh.cfg.example as it is."""
    text = (config_module.ROOT / "dwh.cfg.example").read_text(encoding="utf-8")
    settings = load(file, text)
    assert settings.embedded and not settings.simulated
    assert settings.log_data == "s3://udacity-dend/log_data/"
    assert settings.local_path == file.parent / ".local"


def test_repr_hides_secrets(file):
    """Neither the password nor the keys are in what a log or a traceback shows."""
    text = repr(load(file, COURSE)) + str(load(file, COURSE))
    for secret in ("Passw0rd", "AKIA", "wJalr"):
        assert secret not in text


def test_password_from_the_environment(file, monkeypatch):
    """Where the file has none."""
    monkeypatch.setenv("DWH_DB_PASSWORD", "FromOutside1")
    assert load(file, COURSE.replace("DB_PASSWORD='Passw0rd%(x)s%%'\n", "")).password == "FromOutside1"
    assert load(file, COURSE).password == "Passw0rd%(x)s%%"


def test_without_a_file(tmp_path, monkeypatch):
    """The embedded warehouse with simulated data, and how to change that."""
    monkeypatch.setattr(config_module, "DEFAULT_PATH", tmp_path / "dwh.cfg")
    settings = load_settings()
    local = config_module.ROOT / ".local"
    assert settings.embedded and settings.simulated and settings.path is None
    assert settings.log_data == str(local / "simulated" / "log_data") + os.sep
    assert settings.describe() == (
        f"Embedded warehouse in {local} with simulated data.\nTo use Amazon Redshift, "
        "copy dwh.cfg.example to dwh.cfg and fill it in."
    )


def test_default_file(file, monkeypatch):
    """The one beside the scripts, if it is there."""
    monkeypatch.setattr(config_module, "DEFAULT_PATH", file)
    load(file, COURSE)
    assert load_settings().path == file


def test_embedded_with_own_data(file):
    """Relative paths are the file's neighbours; describe() names data and file."""
    settings = load(file, '[S3]\nLOG_DATA=logs\nSONG_DATA=s3://bucket/songs/\nLOG_JSONPATH="paths.json"\n')
    logs = str(file.parent / "logs") + os.sep
    assert (settings.log_data, settings.song_data) == (logs, "s3://bucket/songs/")
    assert settings.log_jsonpath == str(file.parent / "paths.json")
    assert settings.describe() == (
        f"Embedded warehouse in {file.parent / '.local'} with data from {logs} and s3://bucket/songs/.\n"
        f"To use Amazon Redshift, set [CLUSTER] HOST in {file}."
    )


@pytest.mark.parametrize("value", ["warehouse", "'ware house'", '"wäre"', "100%"])
def test_local_path(file, value):
    """Another place for the embedded warehouse."""
    assert load(file, f"[LOCAL]\nPATH = {value}\n").local_path == file.parent / value.strip("'\"")


def test_byte_order_mark_and_line_ends_of_windows(file):
    """What Notepad writes."""
    file.write_bytes(codecs.BOM_UTF8 + COURSE.replace("\n", "\r\n").encode())
    assert load_settings(file).user == "dwhuser"


def test_names_in_any_case(file):
    """[cluster] host is [CLUSTER] HOST."""
    assert load(file, COURSE.replace("[CLUSTER]\nHOST", "[cluster]\nhost")).host.startswith("dwhcluster.")


def test_missing_file(tmp_path):
    """Named, with what to do."""
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "no.cfg")
    assert str(caught.value) == f"{tmp_path / 'no.cfg'} does not exist: copy dwh.cfg.example there and fill it in."


def test_directory_instead_of_a_file(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert str(caught.value) == f"{tmp_path} is no file: name the dwh.cfg itself."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_pipe_instead_of_a_file(file):
    """It is not waited for."""
    os.mkfifo(file)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert str(caught.value) == f"{file} is no file: name the dwh.cfg itself."


def test_paths_that_cannot_be(tmp_path):
    for path, sentence in (
        ("~nosuchuser/dwh.cfg", "~nosuchuser/dwh.cfg names the home folder of a user that is not on this machine."),
        ("/a\0b", "'/a\\x00b' cannot be the name of a file."),
        (tmp_path / ("x" * 300), f"{tmp_path / ('x' * 300)} cannot be read: File name too long."),
    ):
        with pytest.raises(ConfigError) as caught:
            load_settings(path)
        assert str(caught.value).replace("[Errno 36] ", "") == sentence


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="root may enter every folder; Windows has no such mode"
)
def test_folder_that_one_may_not_enter(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(ConfigError, match=r"dwh\.cfg cannot be read: Permission denied\.$"):
        load_settings(closed / "dwh.cfg")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode")
def test_secrets_that_others_may_read(file, capsys):
    """A warning, once; none for a file of its owner's alone, and none for one without secrets."""
    load(file, "[S3]\nREGION=us-west-2\n")
    assert capsys.readouterr().err == ""
    file.chmod(0o600)
    load(file, COURSE)
    assert capsys.readouterr().err == ""
    file.chmod(0o640)
    load(file, COURSE)
    load(file, COURSE)
    assert capsys.readouterr().err == (
        f"{file} holds passwords or keys, and others on this machine may read it: run chmod 600 {file}\n"
    )


def test_two_files_in_one_folder_have_a_warehouse_each(tmp_path):
    """By default; dwh.cfg keeps the place that it always had. A place that both name is shared."""
    places = {"dwh.cfg": ".local", "other.cfg": ".local-other", "dwh.test.cfg": ".local-dwh.test", "dwh": ".local-dwh"}
    for name, place in places.items():
        assert load(tmp_path / name, "").local_path == tmp_path / place
    example = (config_module.ROOT / "dwh.cfg.example").read_text(encoding="utf-8")
    assert load(tmp_path / "copy.cfg", example).local_path == tmp_path / ".local-copy"
    assert load(tmp_path / "copy.cfg", "[LOCAL]\nPATH=.local\n").local_path == tmp_path / ".local"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[S3]\nLOG_DATA=\xff\n", "is not UTF-8 text (byte 14): save it as UTF-8."),
        ("HOST=x\n[CLUSTER]\n", "line 1: a [SECTION] must come before the first key."),
        ("[CLUSTER]\nHOST=x\nHOST=y\n", "line 3: [CLUSTER] HOST is there twice."),
        ("[CLUSTER]\nHOST=x\nhost=y\n", "line 3: [CLUSTER] HOST is there twice."),
        ("[CLUSTER]\nHOST=x\n[CLUSTER]\n", "line 3: section [CLUSTER] is there twice."),
        ("[CLUSTER]\nnonsense\n", "line 2: expected KEY = value."),
    ],
)
def test_unreadable(file, text, sentence):
    """The line, and what is expected there."""
    assert refusal(file, text) == sentence


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("DB_PORT=5439", "DB_PORT=54x", "[CLUSTER] DB_PORT is '54x': it must be a port number such as 5439."),
        ("DB_PORT=5439", "DB_PORT=70000", "[CLUSTER] DB_PORT is '70000': it must be a port number such as 5439."),
        ("DB_PORT=5439", "DB_PORT=0", "[CLUSTER] DB_PORT is '0': it must be a port number such as 5439."),
        ("amazonaws.com'", "amazonaws.com:5439/dwh'", "[CLUSTER] HOST is to be the host name alone, "),
        ("HOST='", "HOST='jdbc:redshift://", "[CLUSTER] HOST is to be the host name alone, "),
        ("DB_NAME='dwh'", "DB_NAME=", "[CLUSTER] DB_NAME is missing: give it a value."),
        ("DB_USER='dwhuser'", "", "[CLUSTER] DB_USER is missing: give it a value."),
        (f"ARN='{ROLE}'", "ARN=''", "[IAM_ROLE] ARN is missing: give it a value."),
        (ROLE, "dwhRole", "[IAM_ROLE] ARN is 'dwhRole': it must look like arn:aws:iam::123456789012:role/name."),
        ("LOG_DATA='s3://udacity-dend/log_data'", "", "[S3] LOG_DATA is missing: give it a value."),
        ("SONG_DATA='s3://udacity-dend/song_data'", "SONG_DATA=", "[S3] SONG_DATA is missing: give it a value."),
        ("LOG_JSONPATH='s3", "#LOG_JSONPATH='s3", "[S3] LOG_JSONPATH is missing: give it a value."),
        (
            "s3://udacity-dend/song_data",
            "/data/songs",
            "[S3] SONG_DATA is '/data/songs': Redshift reads from S3, so it must start with s3://.",
        ),
        ("s3://udacity-dend/song_data", "s3:///songs", "[S3] SONG_DATA is 's3:///songs': it must look like s3://bucket/path."),
        (
            "s3://udacity-dend/log_data",
            "s3://bucket/log_data/x.json",
            "[S3] LOG_DATA is 's3://bucket/log_data/x.json': name the folder, not a file in it.",
        ),
        (
            "s3://udacity-dend/log_json_path.json",
            "s3://udacity-dend/log_data/paths.json",
            "[S3] LOG_JSONPATH lies inside LOG_DATA, where COPY would read it as events: move it out.",
        ),
    ],
)  # fmt: skip
def test_wrong_value(file, old, new, sentence):
    """Section, key, and what is wrong."""
    assert old in COURSE
    assert refusal(file, COURSE.replace(old, new)).startswith(sentence)


@pytest.mark.parametrize("script", ["create_tables.py", "etl.py"])
def test_scripts_exit_with_2(file, run_script, script):
    """One sentence on standard error, nothing else."""
    file.write_text(COURSE.replace("5439", "x"))
    done = run_script(script, "--config", file)
    assert (done.returncode, done.stdout) == (2, "")
    name = script.removesuffix(".py")
    assert done.stderr == f"{name}: {file}: [CLUSTER] DB_PORT is 'x': it must be a port number such as 5439.\n"


def test_a_prefix_never_swallows_its_neighbour(file, s3, warehouse_path):
    """LOG_DATA log_data loads log_data/ and not log_data_old/, through etl.py's own COPY."""
    event = {"page": "Home", "ts": 1541121934796, "userId": "8", "sessionId": 139}
    for folder, user in (("log_data", "8"), ("log_data_old", "9")):
        s3.put_object(Bucket="sparkify", Key=f"{folder}/e.json", Body=json.dumps({**event, "userId": user}))
    names = (
        "artist auth firstName gender itemInSession lastName length level location method page registration sessionId "
    )
    names += "song status ts userAgent userId"
    s3.put_object(Bucket="sparkify", Key="p.json", Body=json.dumps({"jsonpaths": [f"$.{n}" for n in names.split()]}))
    s3.put_object(Bucket="sparkify", Key="song_data/s.json", Body='{"song_id": "S1", "artist_id": "A1"}')
    settings = load(
        file,
        f"[LOCAL]\nPATH={warehouse_path}\n"
        "[S3]\nLOG_DATA='s3://sparkify/log_data'\nSONG_DATA='s3://sparkify/song_data'\nLOG_JSONPATH='s3://sparkify/p.json'\n",
    )
    with closing(warehouse.connect(settings)) as connection:
        with connection, connection.cursor() as cursor:
            for query in sql_queries.drop_table_queries + sql_queries.create_table_queries:
                cursor.execute(query)
        load_warehouse(connection, settings)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT user_id FROM staging_events")
            assert cursor.fetchall() == [(8,)]

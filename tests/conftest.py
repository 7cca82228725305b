"""Fixtures on real parts: an embedded warehouse in a temporary directory, and S3 served over HTTP by moto."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from aws_fixtures import MARKED, leaked, moto, moto_url, reset  # noqa: F401 - two are fixtures
from copy_fixtures import copier  # noqa: F401 - a fixture
from etl_fixtures import case, onlooker  # noqa: F401 - fixtures

from infra import warehouse
from infra.config import Settings, load_settings
from infra.local import keeper

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data" / "sparkify.tar.gz"
LOG_FIELDS = (
    *("artist", "auth", "firstName", "gender", "itemInSession", "lastName", "length", "level", "location"),
    *("method", "page", "registration", "sessionId", "song", "status", "ts", "userAgent", "userId"),
)


@pytest.fixture(scope="session")
def warehouse_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of an embedded warehouse that all tests of the session share; spaces in its path on purpose."""
    path = tmp_path_factory.mktemp("warehouse with spaces") / "local"
    yield path
    keeper.release(path)


@pytest.fixture
def config(tmp_path: Path, warehouse_path: Path) -> Path:
    """A dwh.cfg for the shared warehouse and for data below `tmp_path / "data"`."""
    data = tmp_path / "data"
    (data / "log_data").mkdir(parents=True)
    (data / "song_data").mkdir()
    (data / "log_json_path.json").write_text(json.dumps({"jsonpaths": [f"$['{name}']" for name in LOG_FIELDS]}))
    file = tmp_path / "dwh.cfg"
    file.write_text(
        f"[LOCAL]\nPATH={warehouse_path}\n[S3]\nLOG_DATA={data / 'log_data'}\nSONG_DATA={data / 'song_data'}\n"
        f"LOG_JSONPATH={data / 'log_json_path.json'}\n"
    )
    return file


@pytest.fixture
def settings(config: Path) -> Settings:
    """The settings of `config`."""
    return load_settings(config)


@pytest.fixture
def connection(settings: Settings):
    """A connection to the shared warehouse with no tables of anybody's in it."""
    with closing(warehouse.connect(settings)) as connection:
        drop_tables(connection)
        yield connection


def drop_tables(connection) -> None:
    """Drop every table of the schema public."""
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{name}" CASCADE')
    connection.commit()


@pytest.fixture
def run_script() -> Callable[..., subprocess.CompletedProcess]:
    """Run a script of the project as users do, from the root directory of the file system.

    A password for Redshift and a session token are in its environment, and may not be in what it prints.
    """
    secrets = {"DWH_DB_PASSWORD": MARKED["PASSWORD"], "AWS_SESSION_TOKEN": MARKED["TOKEN"]}

    def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        """`run_script("etl.py", "--config", config, AWS_ENDPOINT_URL=...)`."""
        done = subprocess.run(
            [sys.executable, "-W", "error", str(ROOT / script), *map(str, arguments)],
            cwd=ROOT.anchor, env={**os.environ, **secrets, **environment}, capture_output=True, text=True, timeout=300,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert leaked(done.stdout + done.stderr) == []
        return done

    return run


@pytest.fixture
def s3(moto_url: str, monkeypatch: pytest.MonkeyPatch):  # noqa: F811 - the fixture
    """An S3 client on a fresh account with one empty bucket, `sparkify`; every boto3 client of the test goes there."""
    reset(moto_url, monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", region_name="us-west-2")
    client.create_bucket(Bucket="sparkify", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    return client

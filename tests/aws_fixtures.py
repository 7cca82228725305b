"""An AWS to test against: moto over HTTP, calls recorded or cut off, and a search of all output for secrets."""

import logging
import os
import re
import socket
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.validate import validate_parameters
from serverless_fake import MARKED, error

from infra import aws
from infra.config import ConfigError
from infra.warehouse import WarehouseError

ROOT = Path(__file__).resolve().parent.parent
CONFIG = """\
# a comment that stays
[CLUSTER]
HOST=''
DB_NAME=dwh
DB_USER="dwhuser"
DB_PASSWORD={password}
DB_PORT=5439

[IAM_ROLE]
; another one
ARN=

[S3]
LOG_DATA='s3://udacity-dend/log_data'
LOG_JSONPATH='s3://udacity-dend/log_json_path.json'
SONG_DATA='s3://udacity-dend/song_data'

[AWS]
KEY={key}
SECRET={secret}
SESSION_TOKEN={token}

[DWH]
DWH_CLUSTER_IDENTIFIER = dwhCluster
DWH_IAM_ROLE_NAME = dwhRole
{dwh}
"""


PRINTED: list[str] = []  # by the scripts of the running test


def config_text(dwh: str = "", password: str = MARKED["PASSWORD"]) -> str:
    """A dwh.cfg with marked secrets."""
    return CONFIG.format(password=password, key=MARKED["KEY"], secret=MARKED["SECRET"], token=MARKED["TOKEN"], dwh=dwh)


def leaked(text: str) -> list[str]:
    """The marked secrets that are in a text."""
    return [secret for secret in MARKED.values() if secret in text]


@pytest.fixture
def config(tmp_path: Path, capsys, caplog, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of a dwh.cfg with marked secrets.

    After the test no other file, and nothing that was printed, logged or raised in it, may hold one of them, or the
    password that a script has put into that file.
    """
    path = tmp_path / "dwh.cfg"
    path.write_text(config_text(), encoding="utf-8")
    PRINTED.clear()
    raised, read = [], capsys.readouterr

    def readouterr():
        """What was printed in this process since the last look; kept for the search."""
        captured = read()
        PRINTED.append(captured.out + captured.err)
        return captured

    monkeypatch.setattr(capsys, "readouterr", readouterr)
    caplog.set_level(logging.DEBUG, logger="infra")
    for kind in (ConfigError, aws.AwsError, WarehouseError):
        monkeypatch.setattr(kind, "__init__", lambda self, *_: raised.append(self), raising=False)
    yield path
    readouterr()
    generated = re.findall(r"^DB_PASSWORD=(\w{32})$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if generated and os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    files = [each.read_bytes().decode(errors="ignore") for each in tmp_path.rglob("*") if each.is_file()]
    files.remove(path.read_bytes().decode(errors="ignore"))
    errors = [repr(each) + "".join(traceback.format_exception(each)) for each in raised]
    logged = [record.getMessage() for record in caplog.get_records("call")]
    for text in (*PRINTED, *logged, *errors, *files):
        assert leaked(text) + [password for password in generated if password in text] == [], text


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def moto_server(**environment: str) -> Iterator[str]:
    """A moto server in a process of its own; its address."""
    port = free_port()
    program = Path(__file__).with_name("moto_aws.py")
    command = [sys.executable, "-W", "ignore", str(program), "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false", **environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5):
                break
            time.sleep(0.1)
        yield url
        server.terminate()


def reset(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make moto's account a fresh one, and have the environment lead there."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=30).close()
    for name in ("KEY", "SECRET", "DWH_DB_PASSWORD", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)


def account(url: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A fresh account in moto, and plain clients to look into it."""
    reset(url, monkeypatch)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(aws, "POLL_SECONDS", 0)
    clients = {name.replace("-", "_"): client for name, client in plain_clients(url).items()}
    return SimpleNamespace(url=url, **clients)


SERVICES = ("iam", "ec2", "redshift", "redshift-serverless")


@cache
def plain_clients(url: str) -> dict:
    """Clients to look into moto with, which no test touches."""
    plain = boto3.Session("AKIAPLAIN", "plain", region_name="us-west-2")
    return {name: plain.client(name, endpoint_url=url) for name in SERVICES}


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """The address of a moto server without AWS's own policies, which take it more than a second for each reset."""
    with moto_server() as url:
        yield url


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A fresh account in moto."""
    return account(moto_url, monkeypatch)


@pytest.fixture
def moto_with_policies(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A fresh account in a moto that knows AWS's own policies."""
    with moto_server(MOTO_IAM_LOAD_MANAGED_POLICIES="true") as url:
        yield account(url, monkeypatch)


def script(name: str, *arguments: str | Path, module: bool = False, cwd: Path | None = None, **more):
    """Run a script of infra/ as a user does, and return what came of it."""
    start = ["-m", f"infra.{name}"] if module else [str(ROOT / "infra" / f"{name}.py")]
    command = [sys.executable, "-W", "error", *start, *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=cwd or ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
        **more,
    )
    PRINTED.append(done.stdout + done.stderr)
    return done


class Killed(BaseException):
    """The end of a process, as far as a test can have it within its own."""


@cache
def shared_loader() -> botocore.loaders.Loader:
    """One for all sessions of all tests, so that the services' models are read once."""
    return botocore.loaders.create_loader()


class Wire:
    """What all AWS sessions of the scripts go through: it records each call and can cut off or answer one.

    `die_at` is the number of the call before which the script dies, counted from 1; 0: it lives. From the call numbered
    `expire_at` on the caller's token has expired. `fakes` maps a
    service to a function that answers (operation, parameters) with a response, or None to let the call through.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        """Put the wire between the scripts and AWS."""
        self.actions: list[str] = []
        self.sent = self.die_at = self.expire_at = 0
        self.fakes = {}
        monkeypatch.setattr(botocore.session, "create_loader", lambda *_: shared_loader())
        original = aws.session
        sessions: dict[str | None, boto3.Session] = {}

        def session(settings, region=None):
            """A session with the wire on it; one a region, and one client a service, for they are slow to make."""
            if region not in sessions:
                new = sessions[region] = original(settings, region)
                new.events.register("before-parameter-build", self.record)
                new.events.register("before-call", self.answer)
                clients, make = {}, new.client
                new.client = lambda name, **more: clients.get(name) or clients.setdefault(name, make(name, **more))
            return sessions[region]

        monkeypatch.setattr(aws, "session", session)

    def record(self, model, params, **_):
        """Note the IAM action of a call, and what it was given."""
        self.actions.append(f"{model.service_model.signing_name}:{model.name}")
        self.params = params

    def answer(self, model, **_):
        """Die, answer instead of AWS, or let the call through."""
        self.sent += 1
        if self.sent == self.die_at:
            raise Killed
        if 0 < self.expire_at <= self.sent:
            return SimpleNamespace(status_code=400), error("ExpiredToken", MARKED["TOKEN"])
        fake = self.fakes.get(model.service_model.signing_name)
        response = fake(model.name, self.params) if fake else None
        if response is None:
            return None
        if "Error" in response:
            return SimpleNamespace(status_code=400), response
        if model.output_shape:
            validate_parameters(response, model.output_shape)
        response["ResponseMetadata"] = {"HTTPStatusCode": 200}
        return SimpleNamespace(status_code=200), response


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The wire between the scripts and AWS."""
    return Wire(monkeypatch)

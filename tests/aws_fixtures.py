"""An AWS to test against: moto over HTTP, a serverless Redshift in memory, calls recorded or cut off."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.validate import validate_parameters

from infra import aws

ROOT = Path(__file__).resolve().parent.parent
MARKED = {  # secrets that no output may show
    "KEY": "AKIAMARKEDKEY",
    "SECRET": "marked-secret-key-0123456789",
    "TOKEN": "marked-session-token-0123456789",
    "PASSWORD": "MarkedPassw0rd",
}
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


def config_text(dwh: str = "", password: str = MARKED["PASSWORD"]) -> str:
    """A dwh.cfg with marked secrets."""
    return CONFIG.format(password=password, key=MARKED["KEY"], secret=MARKED["SECRET"], token=MARKED["TOKEN"], dwh=dwh)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of a dwh.cfg with marked secrets."""
    path = tmp_path / "dwh.cfg"
    path.write_text(config_text(), encoding="utf-8")
    return path


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def moto_server(**environment: str) -> Iterator[str]:
    """A moto server in a process of its own; its address."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false", **environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            with suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5):
                break
            time.sleep(0.1)
        yield url
        server.terminate()


def account(url: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A fresh account in moto, the environment that leads there, and plain clients to look into it."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=30).close()
    for name in ("KEY", "SECRET", "DWH_DB_PASSWORD", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(aws, "POLL_SECONDS", 0)
    return SimpleNamespace(url=url, **plain_clients(url))


@cache
def plain_clients(url: str) -> dict:
    """Clients to look into moto with, which no test touches."""
    plain = boto3.Session("AKIAPLAIN", "plain", region_name="us-west-2")
    return {name: plain.client(name, endpoint_url=url) for name in ("iam", "ec2", "redshift")}


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
    return subprocess.run(
        command,
        cwd=cwd or ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
        **more,
    )


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


def error(code: str, message: str = "no reason given") -> dict:
    """The response with which AWS refuses."""
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class ServerlessFake:
    """Redshift Serverless in memory: what is made or deleted takes a number of looks to be so."""

    def __init__(self, looks: int = 2):
        """An empty account."""
        self.looks = looks
        self.things: dict[str, dict] = {}  # by ARN: kind, body, tags, looks left until the next status
        self.limits: dict[str, dict] = {}
        self.snapshots: list[dict] = []

    def __call__(self, operation: str, params: dict) -> dict:
        """Answer a call."""
        for kind in ("Namespace", "Workgroup"):
            if operation.endswith(kind):
                return getattr(self, f"_{operation.removesuffix(kind).lower()}")(kind.lower(), params)
        return getattr(self, f"_{operation}")(params)

    def _arn(self, kind: str, params: dict) -> str:
        """The ARN of a thing, by its name."""
        return f"arn:aws:redshift-serverless:us-west-2:123456789012:{kind}/{params[kind + 'Name']}"

    def _create(self, kind: str, params: dict) -> dict:
        """Begin to make a thing."""
        arn = self._arn(kind, params)
        if arn in self.things:
            return error("ConflictException")
        if kind == "workgroup" and self.things[self._arn("namespace", params)]["body"]["status"] != "AVAILABLE":
            return error("ConflictException", "the namespace is not available")
        hidden = ("tags", "adminUserPassword", "manageAdminPassword", "configParameters")
        body = {key: value for key, value in params.items() if key not in hidden}
        body |= {f"{kind}Arn": arn, "status": "CREATING", "creationDate": datetime.now(timezone.utc)}
        if kind == "workgroup":
            body["endpoint"] = {"address": f"{params['workgroupName']}.1.us-west-2.redshift-serverless.amazonaws.com"}
            body["endpoint"]["port"] = params["port"]
            body["configParameters"] = params["configParameters"]
        else:
            body["iamRoles"] = [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in params["iamRoles"]]
        self.things[arn] = {"body": body, "tags": params["tags"], "left": self.looks, "asked": params}
        return {kind: dict(body)}

    def _get(self, kind: str, params: dict) -> dict:
        """Look at a thing, which brings it a step further."""
        arn = self._arn(kind, params)
        if arn not in self.things:
            return error("ResourceNotFoundException")
        thing = self.things[arn]
        thing["left"] -= 1
        if thing["left"] < 0:
            if thing["body"]["status"] == "DELETING":
                del self.things[arn]
                return error("ResourceNotFoundException")
            thing["body"]["status"] = "AVAILABLE"
        return {kind: dict(thing["body"])}

    def _update(self, kind: str, params: dict) -> dict:
        """Change a thing at once."""
        body = self.things[self._arn(kind, params)]["body"]
        body.update(params)
        return {kind: dict(body)}

    def _delete(self, kind: str, params: dict) -> dict:
        """Begin to delete a thing, which must be ready."""
        arn = self._arn(kind, params)
        if arn not in self.things:
            return error("ResourceNotFoundException")
        thing = self.things[arn]
        if thing["body"]["status"] != "AVAILABLE":
            return error("ConflictException", "there is an operation running")
        if kind == "namespace" and self._arn("workgroup", {"workgroupName": params["namespaceName"]}) in self.things:
            return error("ConflictException", "there is a workgroup")
        if "finalSnapshotName" in params:
            name = {"snapshotName": params["finalSnapshotName"], "namespaceName": params["namespaceName"]}
            self.snapshots.append(name)
        thing["body"]["status"], thing["left"] = "DELETING", self.looks
        return {kind: dict(thing["body"])}

    def _ListTagsForResource(self, params: dict) -> dict:
        """The tags of a thing."""
        return {"tags": self.things[params["resourceArn"]]["tags"]}

    def _CreateUsageLimit(self, params: dict) -> dict:
        """Set a limit."""
        limit = params | {"usageLimitId": f"limit-{len(self.limits)}"}
        self.limits[limit["usageLimitId"]] = limit
        return {"usageLimit": dict(limit)}

    def _ListUsageLimits(self, params: dict) -> dict:
        """The limits of a thing."""
        limits = [each for each in self.limits.values() if each["resourceArn"] == params["resourceArn"]]
        return {"usageLimits": limits} if limits else {}

    def _DeleteUsageLimit(self, params: dict) -> dict:
        """Take a limit away."""
        return {"usageLimit": self.limits.pop(params["usageLimitId"])}

    def _ListSnapshots(self, params: dict) -> dict:
        """All snapshots."""
        return {"snapshots": self.snapshots}

    def _GetCredentials(self, params: dict) -> dict:
        """A user and a password."""
        return {"dbUser": "IAMR:someone", "dbPassword": MARKED["PASSWORD"]}

"""boto3 sessions made from the settings. AWS_ENDPOINT_URL and the rest of boto3's own chain apply."""

import os
import re
from pathlib import Path
from typing import Any

import boto3
import botocore
from botocore.config import Config

from infra.config import Settings, fail
from infra.errors import AwsError

# The public roots that boto3 brings along, Amazon's among them: the same file on every platform.
CA_BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
TRIES = 6  # of one call, while AWS throttles it
CLIENT_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": TRIES})

PAGE = re.compile(rb"\s*<(!doctype )?html", re.IGNORECASE)


def make_session(settings: Settings, region: str | None = None) -> boto3.Session:
    """Make a session with boto3's own credential chain, or with [AWS] KEY/SECRET or the environment's KEY/SECRET.

    Temporary keys in the file need their [AWS] SESSION_TOKEN beside them. AWS_PROFILE goes before the environment's KEY
    and SECRET, which the course taught, but not before the file's. Raises ConfigError for one key without the other.
    """
    keys = settings.aws
    key, secret, token = keys.key, keys.secret, keys.session_token
    if bool(key) != bool(secret):
        fail(settings.path, "AWS", "SECRET" if key else "KEY", "is missing: give both, or neither.")
    if not key and not os.environ.get("AWS_PROFILE"):
        key, secret, token = os.environ.get("KEY", ""), os.environ.get("SECRET", ""), ""
    region = region or settings.region
    if key and secret:
        session = boto3.Session(key, secret, token or None, region_name=region)
    else:
        session = boto3.Session(region_name=region)
    session.events.register("before-parse", refuse_page)
    return session


def refuse_page(response_dict: dict[str, Any], **_: object) -> None:
    """Raise AwsError for a page of HTML, which botocore would take for an empty answer of AWS."""
    body = response_dict["body"]
    if isinstance(body, bytes) and PAGE.match(body):
        raise AwsError(
            f"A web page came in place of AWS's answer (HTTP status {response_dict['status_code']}): a proxy or the "
            "sign-in page of a network stands between. Sign in there, or set HTTPS_PROXY, and run this again."
        )

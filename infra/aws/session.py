"""boto3 sessions made from the settings. AWS_ENDPOINT_URL and the rest of boto3's own chain apply."""

import os
from pathlib import Path

import boto3
import botocore
from botocore.config import Config

from infra.config import Settings

# The public roots that boto3 brings along, Amazon's among them: the same file on every platform.
CA_BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
TRIES = 6  # of one call, while AWS throttles it
CLIENT_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": TRIES})


def make_session(settings: Settings, region: str | None = None) -> boto3.Session:
    """Make a session with boto3's own credential chain, or with [AWS] KEY/SECRET or the environment's KEY/SECRET.

    Temporary keys in the file need their [AWS] SESSION_TOKEN beside them.
    """
    keys = settings.aws
    key = keys.key or os.environ.get("KEY")
    secret = keys.secret or os.environ.get("SECRET")
    region = region or settings.region
    if not (key and secret):
        return boto3.Session(region_name=region)
    return boto3.Session(key, secret, keys.session_token or None, region_name=region)

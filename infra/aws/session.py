"""boto3 sessions made from the settings. AWS_ENDPOINT_URL and the rest of boto3's own chain apply."""

import os
from pathlib import Path

import boto3
import botocore
from botocore.config import Config

from infra.config import Settings

# The public roots that boto3 brings along, Amazon's among them: the same file on every platform.
CA_BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
CLIENT_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 6})


def make_session(settings: Settings, region: str | None = None) -> boto3.Session:
    """A session with boto3's own credential chain, or with [AWS] KEY/SECRET or the environment's KEY/SECRET.

    Temporary keys in the file need their [AWS] SESSION_TOKEN beside them.
    """
    key = settings.aws.key or os.environ.get("KEY")
    secret = settings.aws.secret or os.environ.get("SECRET")
    own = {"aws_access_key_id": key, "aws_secret_access_key": secret} if key and secret else {}
    if own and settings.aws.session_token:
        own["aws_session_token"] = settings.aws.session_token
    return boto3.Session(region_name=region or settings.region, **own)

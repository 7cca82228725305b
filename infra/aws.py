"""boto3 sessions and clients made from the settings; AWS_ENDPOINT_URL and the rest of boto3's own chain apply."""

import os

import boto3

from infra.config import Settings


def session(settings: Settings, region: str | None = None) -> boto3.Session:
    """A session with boto3's own credential chain, or with [AWS] KEY/SECRET or the environment's KEY/SECRET."""
    aws = settings.sections.get("AWS", {})
    key = aws.get("KEY") or os.environ.get("KEY")
    secret = aws.get("SECRET") or os.environ.get("SECRET")
    own = {"aws_access_key_id": key, "aws_secret_access_key": secret} if key and secret else {}
    return boto3.Session(region_name=region or settings.region, **own)

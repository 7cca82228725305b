"""boto3 sessions and clients made from the settings, and what all scripts of the cluster's life do with AWS.

AWS_ENDPOINT_URL and the rest of boto3's own chain apply. Nothing here prints a key: of a fault in signing, AWS's own
text is left out, because it quotes the request with its session token.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, WaiterError

from infra.config import Settings

# The public roots that boto3 brings along, Amazon's among them: the same file on every platform.
CA_BUNDLE = Path(botocore.__file__).with_name("cacert.pem")
CLIENT = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 6})
POLL_SECONDS = 15.0  # between two looks at something that takes minutes; the first looks are sooner
PROJECT = "sparkify-dwh"  # the value of the tag `project` on all that these scripts make

CREDENTIALS = re.compile(
    "Expired|InvalidClientToken|UnrecognizedClient|Signature|AuthFailure|InvalidAccessKey|MissingAuth|NotAuthenticated"
)
DENIED = re.compile("AccessDenied|UnauthorizedOperation|^Unauthorized|NotAuthorized")
CAPACITY = re.compile("Insufficient.*Capacity")
QUOTA = re.compile("Quota|LimitExceeded")
THROTTLED = re.compile("Throttl|RequestLimitExceeded|TooManyRequests|SlowDown")
Answer = TypeVar("Answer")


class AwsError(Exception):
    """AWS, or what is there, does not allow the next step; the message is one sentence that says what to do."""


def session(settings: Settings, region: str | None = None) -> boto3.Session:
    """A session with boto3's own credential chain, or with [AWS] KEY/SECRET or the environment's KEY/SECRET.

    Temporary keys in the file need their [AWS] SESSION_TOKEN beside them.
    """
    aws = settings.sections.get("AWS", {})
    key = aws.get("KEY") or os.environ.get("KEY")
    secret = aws.get("SECRET") or os.environ.get("SECRET")
    own = {"aws_access_key_id": key, "aws_secret_access_key": secret} if key and secret else {}
    if own and aws.get("SESSION_TOKEN"):
        own["aws_session_token"] = aws["SESSION_TOKEN"]
    return boto3.Session(region_name=region or settings.region, **own)


def code(error: ClientError) -> str:
    """AWS's name for the error, such as AccessDenied."""
    return error.response.get("Error", {}).get("Code", "")


def explain(error: BotoCoreError | ClientError) -> str:
    """One sentence on what went wrong and what to do about it."""
    if isinstance(error, WaiterError) and "Error" in error.last_response:
        error = ClientError(error.last_response, error.kwargs["name"])
    if not isinstance(error, ClientError):
        text = " ".join(str(error).split()).rstrip(".")
        hint = "run `aws configure`, or set [AWS] KEY and SECRET in dwh.cfg" if "redential" in text else ""
        return f"AWS cannot be asked: {text}{'; ' + hint if hint else ''}."
    name, step = code(error), error.operation_name
    text = " ".join(str(error.response["Error"].get("Message", "")).split())
    if CREDENTIALS.search(name):
        return f"AWS does not accept your credentials ({name} at {step}): renew them and run this again; it goes on."
    if DENIED.search(name):
        action = re.search(r"perform: ([\w-]+:\w+)", text)
        return f"AWS does not allow you {action[1] if action else step}: add it to your policy (README, permissions)."
    if CAPACITY.search(name):
        return (
            f"AWS has no free capacity for this at the moment ({name}): run it again later, or change node or region."
        )
    if THROTTLED.search(name):
        return (
            f"AWS is still throttling {step} after {CLIENT.retries['total_max_attempts']} tries: run this again later."
        )
    if QUOTA.search(name):
        return (
            f"A quota of your AWS account is used up ({name}: {text.rstrip('.')}): delete something or have it raised."
        )
    return f"AWS answers {step} with {name}: {text.rstrip('.')}."


def barred(error: BotoCoreError | ClientError) -> bool:
    """Whether the caller may not ask this of AWS, or AWS does not have the service in the region."""
    return isinstance(error, EndpointConnectionError) or (
        isinstance(error, ClientError) and DENIED.search(code(error)) is not None
    )


def tags(name: str) -> dict[str, str]:
    """The tags that mark and bill what belongs to the cluster of this name."""
    return {"project": PROJECT, "cluster": name, "Name": f"{PROJECT} {name}"}


def tag_list(name: str) -> list[dict[str, str]]:
    """The same in the form that IAM, EC2 and Redshift take."""
    return [{"Key": key, "Value": value} for key, value in tags(name).items()]


def owner(tag_list: list[dict[str, str]]) -> str:
    """The name of the cluster that a list of tags belongs to; "" for what these scripts have not made."""
    found = {tag.get("Key") or tag.get("key"): tag.get("Value") or tag.get("value") for tag in tag_list}
    return found.get("cluster") or "" if found.get("project") == PROJECT else ""


def wait(what: str, look: Callable[[], tuple[str, Answer]], *, minutes: int) -> Answer:
    """Look until the answer is there, with a progress line on stderr for each state and each minute.

    `look` returns the state and an answer, None for "not yet". Raises AwsError when the minutes are over.
    """
    start, shown, pause = time.monotonic(), None, 1.0
    while True:
        state, answer = look()
        if answer is not None:
            return answer
        passed = time.monotonic() - start
        if passed >= minutes * 60:
            raise AwsError(f"{what}: still {state} after {minutes} minutes; run this again to wait on.")
        if shown != (shown := (state, int(passed // 60))):
            print(f"  {what}: {state}, {int(passed // 60)} of at most {minutes} min", file=sys.stderr, flush=True)
        time.sleep(min(pause, POLL_SECONDS))
        pause *= 2


def retry_new_role(call: Callable[[], object]) -> None:
    """Make a call that names a role; one that is seconds old may not be known everywhere, so try for a minute."""
    for left in range(4, -1, -1):
        try:
            call()
            return
        except ClientError as error:
            about_role = "role" in error.response["Error"].get("Message", "").lower()
            if not (left and about_role and code(error) in ("InvalidParameterValue", "ValidationException")):
                raise
        print("  waiting for AWS to know the new role", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)

"""What AWS's errors mean: one sentence each, and which of them are a matter of permission.

Nothing here prints a key: of a fault in signing, AWS's own text is left out, because it quotes the request with its
session token.
"""

import re

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, WaiterError

from infra.aws.session import TRIES
from infra.errors import same_config

CREDENTIALS = re.compile(
    "Expired|InvalidClientToken|UnrecognizedClient|Signature|AuthFailure|InvalidAccessKey|MissingAuth|NotAuthenticated"
)
CLOCK = re.compile("RequestTimeTooSkewed|RequestInTheFuture|Signature expired|Signature not yet current")
SIGN_IN = re.compile(
    "SSO|TokenRetrieval|LoginRefresh|LoginToken"
)  # botocore's errors of `aws sso login` and `aws login`
REGION = re.compile("OptInRequired|InvalidClientTokenId|UnrecognizedClient|AuthFailure")
DENIED = re.compile("AccessDenied|UnauthorizedOperation|^Unauthorized|NotAuthorized")
CAPACITY = re.compile("Insufficient.*Capacity")
QUOTA = re.compile("Quota|LimitExceeded")
THROTTLED = re.compile("Throttl|RequestLimitExceeded|TooManyRequests|SlowDown")


def error_code(error: ClientError) -> str:
    """AWS's name for the error, such as AccessDenied."""
    return error.response.get("Error", {}).get("Code", "")


def error_message(error: ClientError) -> str:
    """AWS's own words, in one line."""
    return " ".join(error.response.get("Error", {}).get("Message", "").split())


def explain(error: BotoCoreError | ClientError) -> str:
    """One sentence on what went wrong and what to do about it."""
    if isinstance(error, WaiterError) and "Error" in error.last_response:
        error = ClientError(error.last_response, error.kwargs["name"])
    if not isinstance(error, ClientError):
        return _explain_unasked(error)
    name, step = error_code(error), error.operation_name
    text = error_message(error)
    if CLOCK.search(f"{name} {text}"):
        return f"This machine's clock is not AWS's ({name} at {step}): set it right and run this again; it goes on."
    if CREDENTIALS.search(name) or REGION.search(name):
        region = ", or enable the region for your account," if REGION.search(name) else ""
        advice = f"renew them{region} and run this again; it goes on"
        return f"AWS does not accept your credentials ({name} at {step}): {advice}."
    if DENIED.search(name):
        action = re.search(r"perform: ([\w-]+:\w+)", text)
        wanted = action[1] if action else step
        return (
            f"AWS does not allow you {wanted}: add it to your policy "
            f"(`python infra/caller_policy.py{same_config()}` prints it)."
        )
    if CAPACITY.search(name):
        return (
            f"AWS has no free capacity for this at the moment ({name}): run it again later, or change node or region."
        )
    if THROTTLED.search(name):
        return f"AWS is still throttling {step} after {TRIES} tries: run this again later."
    if QUOTA.search(name):
        return (
            f"A quota of your AWS account is used up ({name}: {text.rstrip('.')}): delete something or have it raised."
        )
    return f"AWS answers {step} with {name}: {text.rstrip('.')}."


def _explain_unasked(error: BotoCoreError) -> str:
    """One sentence on why AWS was not asked at all."""
    text = " ".join(str(error).split()).rstrip(".")
    hint = ""
    if SIGN_IN.search(type(error).__name__):
        login = "aws login" if type(error).__name__.startswith("Login") else "aws sso login"
        hint = f"; sign in again with `{login}`, with --profile if you use one"
    elif "redential" in text:
        hint = "; run `aws configure`, or set [AWS] KEY and SECRET in dwh.cfg"
    elif isinstance(error, EndpointConnectionError):
        hint = "; is there a network, and is the region's name right?"
    return f"AWS cannot be asked: {text}{hint}" + "." * (not hint.endswith("?"))


def is_denied(error: BotoCoreError | ClientError) -> bool:
    """Whether the caller may not ask this of AWS, or AWS does not have the service in the region."""
    return isinstance(error, EndpointConnectionError) or (
        isinstance(error, ClientError) and DENIED.search(error_code(error)) is not None
    )


def explain_unreadable(place: str, error: BotoCoreError | ClientError, is_bucket: bool = False) -> str:
    """One sentence on why a place in S3 cannot be read; the answer to a HEAD has a number in place of a name."""
    name = error_code(error) if isinstance(error, ClientError) else ""
    name = "NoSuchBucket" if is_bucket and name == "404" else name
    if name in ("404", "NoSuchKey", "NoSuchBucket"):
        what = "the bucket" if is_bucket or name == "NoSuchBucket" else "it"
        return f"{place} cannot be read: {what} does not exist ({name})."
    if name == "403" or DENIED.search(name):
        return f"{place} cannot be read: access is denied ({name})."
    return f"{place} cannot be read: {explain(error)}"

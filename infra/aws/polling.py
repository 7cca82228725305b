"""Waiting for AWS: bounded, with a line of progress for each state and each minute."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from infra.aws.client_errors import error_code, error_message
from infra.errors import AwsError

POLL_SECONDS = 15.0  # between two looks at something that takes minutes; the first looks are sooner
ROLE_TRIES = 9
# AWS is at work on a workgroup or a namespace: "There is an operation running on the workgroup. Try ... again later."
OPERATION_RUNNING = "operation running"
Answer = TypeVar("Answer")


def poll(what: str, check: Callable[[], tuple[str, Answer | None]], *, minutes: int) -> Answer:
    """Check until the answer is there, with a progress line on stderr for each state and each minute.

    `check` returns the state and an answer, None for "not yet". Raises AwsError when the minutes are over.
    """
    start, pause = time.monotonic(), 1.0
    shown: tuple[str, int] | None = None
    while True:
        state, answer = check()
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
    """Make a call that names a role; one that is seconds old may not be known everywhere, so try for two minutes."""
    for left in range(ROLE_TRIES - 1, -1, -1):
        try:
            call()
            return
        except ClientError as error:
            about_role = "role" in error.response["Error"].get("Message", "").lower()
            if not (left and about_role and error_code(error) in ("InvalidParameterValue", "ValidationException")):
                raise
        print("  waiting for AWS to know the new role", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)


def ask_serverless(what: str, call: Callable[[], object]) -> None:
    """Make a call of Redshift Serverless until AWS takes it: while an operation runs AWS refuses all others."""

    def check() -> tuple[str, bool | None]:
        """Try it."""
        try:
            call()
        except ClientError as error:
            if error_code(error) != "ConflictException" or OPERATION_RUNNING not in error_message(error):
                raise
            return f"busy ({error_message(error)})", None
        return "asked for", True

    poll(what, check, minutes=20)

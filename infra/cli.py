"""How every script starts and ends: its common options, the one sentence for what stopped it, its exit code."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg2

from infra.database import explain as explain_database_error
from infra.errors import Interrupted, SparkifyError


def make_parser(doc: str | None, dry_run: str = "") -> argparse.ArgumentParser:
    """A parser with the options that all scripts have; `doc` is the script's docstring, `dry_run` what that shows."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--config", metavar="FILE", help="the dwh.cfg to read (default: the one in the project's folder)"
    )
    if dry_run:
        parser.add_argument("--dry-run", action="store_true", help=dry_run)
    return parser


def notice(sentence: str) -> None:
    """Print on standard error what a user should know; without one, print nothing."""
    with suppress(OSError, ValueError):  # closed, or nobody reads it any more
        if sys.stderr is not None:
            print(sentence, file=sys.stderr, flush=True)


def explain(error: Exception) -> str | None:
    """One sentence on an error that a user can cause or meet; None for a fault of this program."""
    if isinstance(error, SparkifyError | argparse.ArgumentTypeError):
        return str(error)
    if isinstance(error, psycopg2.Error):
        return explain_database_error(error)
    if type(error).__module__.startswith("botocore."):
        from infra.aws.client_errors import explain as explain_aws_error  # only for those who use AWS

        return explain_aws_error(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}."
    return None


@contextmanager
def one_sentence(aftermath: str = "") -> Iterator[None]:
    """Turn whatever a user can cause, Ctrl-C included, into a SparkifyError; an error that none can cause stays.

    `aftermath` is added where the work failed or was interrupted: what is left behind, or what to do.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted. {aftermath}".rstrip()) from None
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        stopped = error if isinstance(error, SparkifyError) else SparkifyError(sentence)
        if aftermath and stopped.exit_code == 1 and not isinstance(stopped, Interrupted):
            stopped = type(stopped)(f"{sentence} {aftermath}")
        raise stopped from None


def run(name: str, work: Callable[[], int], aftermath: str = "") -> int:
    """Do the work of a script and return its exit code; what stops it is one sentence on standard error."""
    try:
        with one_sentence(aftermath):
            return work()
    except SparkifyError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code

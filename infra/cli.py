"""How every script starts and ends: its options, what it prints, the one sentence for what stopped it, its exit code.

What is printed may hold texts from files, from dwh.cfg and from servers. All of it goes through `Output`, what a plain
print() prints, too: control characters and what the terminal's encoding lacks are spelled out, and a script goes on
where nobody reads it.
"""

import argparse
import atexit
import errno
import gc
import logging
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

import psycopg2

from infra import progress, requirements_check
from infra.database import explain as explain_database_error
from infra.errors import (
    Interrupted,
    OutcomeUnknownError,
    SparkifyError,
    explain_limit,
    is_disk_full,
    remember_config,
)

# What can steer a terminal or hide text: control characters but tab and newline, marks of direction, lone surrogates.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    r"""The text with control characters spelled out: ESC is the four characters `\x1b`."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class Output:
    """Standard output or standard error, cleaned; where it cannot be written the work goes on and `lost` says why."""

    def __init__(self, stream: TextIO) -> None:
        """Spell out what the stream's encoding lacks."""
        self.unwrapped = stream
        self.lost: OSError | None = None
        with suppress(AttributeError):  # a stream of a test or a notebook
            stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]

    def write(self, text: str) -> int:
        """Write the text, not behind a moving line of progress; on a terminal at once, else whole lines."""
        if self.lost is None:
            try:
                with progress.aside(text):
                    self.unwrapped.write(clean(text))
                    if text.endswith("\n") or self.unwrapped.isatty():
                        self.unwrapped.flush()
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        try:
            self.unwrapped.flush()
        except OSError as error:
            self._give_up(error)

    @property
    def failed(self) -> bool:
        """Whether something was not written that somebody wanted to read; who closes a pipe has seen enough."""
        return self.lost is not None and self.lost.errno not in (errno.EPIPE, errno.EINVAL)  # EINVAL: on Windows

    def _give_up(self, error: OSError) -> None:
        """Let what is still held back, and all that follows, go to nowhere, or Python's own end fails on it."""
        self.lost = error
        with suppress(OSError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.unwrapped.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> object:
        """Everything else is the stream's own."""
        return getattr(self.unwrapped, name)


@contextmanager
def output() -> Iterator[Output]:
    """Put an Output in place of standard output, which it returns, and of standard error."""
    before = sys.stdout, sys.stderr
    if None in before or sys.stdin is None:  # closed by the caller: the next file opened would take their place
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        out, error = (Output(stream or nowhere) for stream in before)
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, error)
        try:
            yield out
        finally:
            out.flush()
            error.flush()
            sys.stdout, sys.stderr = before


class Parser(argparse.ArgumentParser):
    """A parser of options, all of which are to be written out, whose help fits the terminal."""

    def __init__(self, doc: str | None) -> None:
        """`doc` is a script's docstring; its indented parts stay as they are."""
        width = shutil.get_terminal_size().columns - 2
        parts = (part if "\n " in f"\n{part}" else textwrap.fill(part, width) for part in (doc or "").split("\n\n"))
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(description="\n\n".join(parts), formatter_class=layout, allow_abbrev=False)
        self.color = False  # Python 3.14 paints help

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and keep `--config` for the commands that a message tells to run next."""
        options, others = super().parse_known_args(args, namespace)
        remember_config(getattr(options, "config", None))
        return options, others

    def _print_message(self, message: str, file: object = None) -> None:
        """Print help or a fault of usage."""
        is_error = file is sys.stderr
        with output() as out:
            (sys.stderr if is_error else sys.stdout).write(message)
            if out.lost and out.failed:
                sys.exit(f"{self.prog}: the help could not be written: {out.lost.strerror}.")


def make_parser(doc: str | None, dry_run: str = "") -> Parser:
    """A parser with the options that all scripts have; `doc` is the script's docstring, `dry_run` what that shows."""
    parser = Parser(doc)
    parser.add_argument(
        "--config", metavar="FILE", help="the dwh.cfg to read (default: the one in the project's folder)"
    )
    if dry_run:
        parser.add_argument("--dry-run", action="store_true", help=dry_run)
    return parser


def not_negative(text: str) -> int:
    """A number of records, for argparse."""
    if not text.isdecimal() or int(text) > 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 100000")
    return int(text)


def print_log(logger: logging.Logger, level: int) -> None:
    """Print on standard output what a script's own logger tells from `level` on, and nobody else's: boto3 has much."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s", stream=sys.stdout)
    logger.setLevel(level)


def ask(question: str) -> str:
    """What the user answers to a question; "" where nobody can."""
    print(question, end=" ", flush=True)
    try:
        return input("").strip()
    except (EOFError, OSError, RuntimeError, UnicodeDecodeError):  # RuntimeError: standard input is closed
        print()
        return ""


def explain(error: Exception) -> str | None:
    """One sentence on an error that a user can cause or meet; None for a fault of this program."""
    if isinstance(error, SparkifyError | argparse.ArgumentTypeError):
        return str(error)
    if isinstance(error, psycopg2.Error):
        return explain_database_error(error)
    if type(error).__module__.startswith("botocore."):
        from infra.aws.client_errors import explain as explain_aws_error  # only for those who use AWS

        return explain_aws_error(error)  # type: ignore[arg-type]  # all that botocore raises
    if limit := explain_limit(error):
        return limit
    if isinstance(error, ModuleNotFoundError):
        return requirements_check.explain(error) or None
    if isinstance(error, OSError):
        if is_disk_full(error):
            return (
                f"{f'The disk of {error.filename}' if error.filename else 'A disk'} is full: make room and run again."
            )
        reason = f"{error.strerror or error}."
        return reason if error.filename is None else f"{error.filename} cannot be used: {reason}"
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
        if aftermath and stopped.exit_code == 1 and not isinstance(stopped, Interrupted | OutcomeUnknownError):
            stopped = type(stopped)(f"{sentence} {aftermath}")
        raise stopped from None


def run(name: str, work: Callable[[], int], aftermath: str = "", *, for_output: bool = False) -> int:
    """Do the work of a script and return its exit code; what stops it is one sentence on standard error.

    Output that cannot be written is told, too. It is a failure only for a script that does its work `for_output`:
    a load that was committed has not failed because the disk that its log goes to is full.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # the interpreter's end looks at every object for a tenth of a second, and frees none
    with output() as out:
        try:
            with one_sentence(aftermath):
                code = work()
        except SparkifyError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return error.exit_code
        finally:
            remember_config(None)
        out.flush()
        if out.lost and out.failed:
            print(f"{name}: not all output could be written: {out.lost.strerror}.", file=sys.stderr)
            return code or int(for_output)
        return code

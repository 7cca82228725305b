"""Every error that a user can cause or meet, as one tree; each knows the exit code of the script that it ends.

    SparkifyError                1
    ├── ConfigError              2   a missing or wrong value in dwh.cfg
    ├── DatabaseError            1   what a database server answered
    │   ├── LockedError          1   somebody else holds a table for too long
    │   └── OutcomeUnknownError  1   the answer to a commit was lost
    ├── WarehouseError           1   the warehouse cannot be reached or used
    │   └── ServerError          1   the embedded PostgreSQL cannot be made or started
    ├── LoadError                1   a load that did not happen
    │   ├── RejectedRecordsError 1   because of records that COPY rejected
    │   └── QualityError         1   because of quality checks that failed
    ├── SourceError              1   files that cannot be read
    ├── AwsError                 1   AWS, or what is there, does not allow the next step
    ├── Interrupted              1   Ctrl-C
    └── StatementError           1   SQL that the embedded warehouse does not run
        ├── NotSupportedError    1   SQL that the embedded warehouse does not cover, or that is wrong
        │   ├── LackingError     1   SQL that Redshift does not have either
        │   └── UntranslatableError  1   SQL at which the translation itself fails
        └── CopyError            1   a COPY that cannot be run: a fault of the statement or of its source

The message of each is a sentence, or a few lines, for the person who ran the script: what is wrong, and what to do.
A command that it tells to run is for the same warehouse: `same_config` repeats the --config of this script.
"""

import errno
import shlex
import subprocess
import sys

_config = ""  # what --config was given


def remember_config(file: str | None) -> None:
    """Keep the --config that the user gave; None: the dwh.cfg in the project's folder."""
    global _config
    _config = file or ""


def same_config() -> str:
    """` --config FILE` as it was given, quoted for the shell, to stand behind a script's name; "" for none."""
    if not _config:
        return ""
    return f" --config {subprocess.list2cmdline([_config]) if sys.platform == 'win32' else shlex.quote(_config)}"


def is_disk_full(error: Exception) -> bool:
    """Whether an error of the operating system, or one that quotes it, is that of a full disk or a quota."""
    codes = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return getattr(error, "errno", None) in codes or "No space left on device" in str(error)


def explain_limit(error: BaseException) -> str:
    """The sentence for an error of a machine that is too small, or of a limit on it; "" for any other error."""
    number = getattr(error, "errno", None)
    lacking = {errno.EMFILE: "open files", errno.ENFILE: "open files", errno.EAGAIN: "processes"}.get(number or 0, "")
    if isinstance(error, MemoryError) or number == errno.ENOMEM or "failed to map segment" in str(error):
        lacking = "memory"
    elif "can't start new thread" in str(error):
        lacking = "memory or threads"
    if not lacking:
        return ""
    return f"This machine has not enough {lacking} for it, or a limit on it: end other programs, or raise the limit."


class SparkifyError(Exception):
    """The root of the tree."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: a notebook, too, ends with the sentence alone."""
        return [str(self)]


class ConfigError(SparkifyError):
    """A missing or wrong value in dwh.cfg; the message names the file, the section and the key."""

    exit_code = 2


class DatabaseError(SparkifyError):
    """What a database server answered, in one sentence."""


class LockedError(DatabaseError):
    """Somebody else holds a table for too long; the message says who, since when, and what to do."""


class OutcomeUnknownError(DatabaseError):
    """The answer to a commit was lost, so that nobody can say whether it happened."""


class WarehouseError(SparkifyError):
    """The warehouse cannot be reached or used."""


class ServerError(WarehouseError):
    """The embedded PostgreSQL cannot be made or started."""


class LoadError(SparkifyError):
    """A load that did not happen."""


class RejectedRecordsError(LoadError):
    """A COPY that failed because of the records it rejected; the message lists them."""


class QualityError(LoadError):
    """Quality checks that failed; the message lists each with the first of its offending rows."""


class SourceError(SparkifyError):
    """Files of the source that cannot be read; the message names the place."""


class AwsError(SparkifyError):
    """AWS, or what is there, does not allow the next step."""


class Interrupted(SparkifyError):
    """Ctrl-C, with what it means for the work that was under way."""


class StatementError(SparkifyError):
    """SQL that the embedded warehouse does not run; the server raises it, so that the transaction is aborted."""


class NotSupportedError(StatementError):
    """SQL that the embedded warehouse does not cover, or that is wrong."""


class LackingError(NotSupportedError):
    """SQL that Redshift does not have either."""


class UntranslatableError(NotSupportedError):
    """SQL at which the translation itself fails, by a fault of this project; the fault is the cause."""


class CopyError(StatementError):
    """A COPY that cannot be run: a fault of the statement or of its source, not of the data."""

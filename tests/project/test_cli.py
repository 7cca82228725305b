"""What every script shares: options, cleaned output, questions, one sentence for an error, and its exit code."""

import errno
import io
import sys

import psycopg2
import pytest

from infra import cli
from infra.errors import ConfigError, Interrupted, LoadError, same_config
from tests.fixtures.server import posix


def fail(error: BaseException) -> int:
    """Work that raises."""
    raise error


def test_control_characters_are_spelled_out_and_texts_are_not():
    assert cli.clean("Łódź 夜 🎵 café\ttab\nline 'é' \\x1b") == "Łódź 夜 🎵 café\ttab\nline 'é' \\x1b"
    assert cli.clean("\x1b[31m\r\x07\x7f\x9b2J\u202e\u2028\udcff\0") == (
        r"\x1b[31m\r\x07\x7f\x9b2J\u202e\u2028\udcff\x00"
    )


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ConfigError("dwh.cfg: [S3] is missing."), 2, "dwh.cfg: [S3] is missing."),
        (LoadError("COPY failed."), 1, "COPY failed. All is as it was."),
        (KeyboardInterrupt(), 1, "interrupted. All is as it was."),
        (Interrupted("interrupted. The load was complete."), 1, "interrupted. The load was complete."),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), 1,
         "a/b cannot be used: Permission denied. All is as it was."),
        (OSError(errno.ENOSPC, "No space left on device"), 1,
         "A disk is full: make room and run again. All is as it was."),
        (psycopg2.OperationalError("Disk Full"), 1,
         "Disk Full. The disk of the warehouse is full: make room there and run again. All is as it was."),
        (MemoryError(), 1, "This machine has not enough memory for it, or a limit on it: "),
        (ImportError("failed to map segment from shared object"), 1, "This machine has not enough memory for it"),
        (RuntimeError("can't start new thread"), 1, "This machine has not enough memory or threads for it"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), 1, "This machine has not enough processes for it"),
        (OSError(errno.EMFILE, "Too many open files", "x"), 1, "This machine has not enough open files for it, or a "),
        (ModuleNotFoundError("No module named 'boto4'", name="boto4"), 1, "the package boto4 is not installed"),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence_with_its_exit_code(capsys, error, code, sentence):
    assert cli.run("script", lambda: fail(error), "All is as it was.") == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"script: {sentence}")
    assert err.count("\n") == 1


def test_a_fault_of_the_program_keeps_its_traceback_and_the_streams_are_given_back():
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyError):
        cli.run("script", lambda: fail(KeyError("x")))
    assert (sys.stdout, sys.stderr) == before


class Broken(io.StringIO):
    """A stream that fails after its first line."""

    def write(self, text: str) -> int:
        """Take one line."""
        if "\n" in self.getvalue():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize(("code", "for_output", "end"), [(0, False, 0), (0, True, 1), (3, False, 3), (3, True, 3)])
def test_output_that_is_lost_fails_only_those_who_work_for_it(monkeypatch, capsys, code, for_output, end):
    monkeypatch.setattr(sys, "stdout", Broken())
    assert cli.run("script", lambda: print("1") or print("2") or print("3") or code, for_output=for_output) == end
    assert capsys.readouterr().err == "script: not all output could be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("typed", "answer"), [("yes\n", "yes"), ("  no \n", "no"), ("\n", ""), ("", ""), (b"\xff\n", ""), (None, "")]
)
def test_a_question_and_its_answer(monkeypatch, capsys, typed, answer):
    """Without an answer, for the end of the input, bytes that are no text, or no input at all, it is empty."""
    stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8") if isinstance(typed, bytes) else None
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed) if isinstance(typed, str) else stdin)
    assert cli.ask("Drop them?") == answer
    assert capsys.readouterr().out.startswith("Drop them? ")


@pytest.mark.parametrize(
    ("given", "repeated"),
    [
        ([], ""),
        (["--config", "prod.cfg"], " --config prod.cfg"),
        pytest.param(["--config", "my prod's.cfg"], """ --config 'my prod'"'"'s.cfg'""", marks=posix),
    ],
)
def test_a_command_in_a_message_repeats_the_config(given, repeated):
    """As long as the script runs: the next one in this process begins anew."""
    cli.make_parser("x").parse_args(given)
    said = []

    def work() -> int:
        """What a script would print."""
        said.append(same_config())
        return 0

    assert cli.run("x", work) == 0
    assert said == [repeated]
    assert same_config() == ""


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_fits_the_terminal_and_keeps_what_is_indented(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    table = "    a    one\n    bb   two"
    parser = cli.make_parser(f"{'words ' * 40}\n\n{table}", "say it, do nothing")
    parser.prog = "script"
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert table in text
    assert max(map(len, text.splitlines())) <= columns - 2
    assert "--config FILE" in text
    assert "--dry-run" in text

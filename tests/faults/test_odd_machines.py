"""Odd environments, limits and sources: a load works as ever, or ends with one sentence and changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from infra.errors import ServerError
from infra.local import binaries, supervisor
from infra.local.copy_command import fast_path
from tests.fixtures.etl import TS, at, event
from tests.fixtures.server import ROOT, posix

pytestmark = pytest.mark.long

LINE = json.dumps({"ts": TS, "page": "Home", "userId": "1"})
PLAYS = "SELECT start_time, user_id FROM songplays"


def run(case, limit: str = ":", **environment: str | None) -> tuple[int, str]:
    """An etl.py over all files, after a command of the shell such as a limit: exit code and standard error."""
    wanted = {**os.environ, **environment}
    done = subprocess.run(
        ["sh", "-c", f'{limit}; exec "$@"', "sh", sys.executable, str(ROOT / "etl.py"), "--all", "--quiet", "--config",
         str(case.config)],
        env={name: value for name, value in wanted.items() if value is not None}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@posix
def test_an_odd_environment(case, tmp_path):
    """No HOME, no TMPDIR, a language whose i is another letter, a time zone far away, a clock in 1996."""
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nreal = time.time\ntime.time = lambda: real() - 30 * 365 * 86400\n"
    )
    case.write([event(), event(userId="2", level="paid")])
    odd = {"HOME": None, "TMPDIR": "/nowhere/at/all", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}
    assert run(case, **odd, PGTZ="Asia/Kathmandu", PYTHONPATH=str(tmp_path)) == (0, "")
    assert case.execute(PLAYS) == [(at(TS), 1), (at(TS), 2)]


@posix
@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("ulimit -v 30000", "This machine has not enough memory for it, or a limit on it: "),
        ("ulimit -v 1000000", "The embedded warehouse needs 1024 MB of memory; ulimit -v allows 976 MB: raise it."),
        ("ulimit -n 8", "This machine has not enough open files for it, or a limit on it: "),
    ],
)
def test_a_limit_that_is_too_low_is_one_sentence(case, limit, sentence):
    """Under 300 MB of memory a load crashes, crawls, or waits for a thread that has died before it began."""
    case.write([event()])
    code, error = run(case, limit)
    assert (code, error[: len(sentence) + 5]) == (1, f"etl: {sentence}")
    assert case.execute(PLAYS) == []


@posix
@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "environment"),
    [
        ("ulimit -n 64", {}),
        ("ulimit -s 512", {}),
        ("ulimit -v 1500000", {}),
        (":", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (":", {"TZ": ":/nowhere"}),
        (":", {"PATH": "/usr/bin"}),
    ],
)
def test_a_load_under_a_limit_is_as_any(case, limit, environment):
    case.write([event(location="Łódź 夜")])
    assert run(case, limit, **environment) == (0, "")
    assert case.execute(PLAYS) == [(at(TS), 1)]


@posix
def test_a_warehouse_of_another_user_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "postgres").mkdir()
    monkeypatch.setattr(binaries, "identity_for", lambda directory: ([], {"user": os.geteuid() + 1}))
    sentence = rf"belongs to another user \(number {os.geteuid()}\): run as that user, or give it a directory"
    with pytest.raises(ServerError, match=sentence):
        supervisor.acquire(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["postgres"]


def test_where_duckdb_lacks_memory_a_batch_is_read_exactly(case, monkeypatch):
    def fail(*_, **__):
        """What DuckDB raises."""
        raise duckdb.OutOfMemoryException("Out of Memory Error: Allocation failure")

    monkeypatch.setattr(fast_path.duckdb, "connect", fail)
    case.load([event()])
    assert case.execute(PLAYS) == [(at(TS), 1)]


def write_wide(folder: Path) -> None:
    """An object of 100,000 keys."""
    keys = {f"k{number}": number for number in range(100_000)}
    (folder / "wide.json").write_text(json.dumps({**keys, **json.loads(LINE)}))


def write_many(folder: Path) -> None:
    """100,000 empty files, and one with an event."""
    for number in range(100_000):
        (folder / f"{number}.json").touch()
    (folder / "one.json").write_text(LINE)


def write_long(folder: Path) -> None:
    """A line of a gigabyte, and one with an event."""
    with (folder / "long.json").open("w") as file:
        file.write('{"page": "')
        for _ in range(1000):
            file.write("x" * 1_000_000)
        file.write(f'"}}\n{LINE}\n')


@posix
@pytest.mark.slow
@pytest.mark.parametrize("write", [write_wide, write_many, write_long])
def test_a_huge_source(case, write):
    case.write([])
    write(case.data / "log_data")
    code, error = run(case)
    if write is write_long:
        assert code == 1
        assert "long.json, line 1: JSON object exceeds the maximum size of 4 MB (error 1216)" in error
    else:
        assert (code, error) == (0, "")
        assert case.execute("SELECT user_id FROM users") == [(1,)]

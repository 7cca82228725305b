"""The fixtures of all tests, as plugins by concern; one that uses another's helpers comes after it."""

import signal
import sys

import pytest

# jsonschema, which Altair and nbformat import, compiles grammars for more than a second in each process where it finds
# this package, which JupyterLab brings along: for a check of IRIs, of which there are none here.
sys.modules["rfc3987_syntax"] = None

pytest_plugins = [
    "tests.fixtures.aws",
    "tests.fixtures.server",
    "tests.fixtures.warehouse",
    "tests.fixtures.copying",
    "tests.fixtures.faulty_s3",
    "tests.fixtures.etl",
    "tests.fixtures.faults",
    "tests.fixtures.answers",
    "tests.fixtures.firefox",
    "tests.fixtures.real_data",
    "tests.fixtures.terminal",
]

# What takes its time, by the fixture that brings it; a test or module that needs it otherwise carries the mark itself.
NEEDS = {
    "moto_url": "aws",
    "browser": "browser",
    "firefox": "browser",
    "real_data": "data",
    "terminal": "long",
    "run_script": "long",
}


def pytest_configure() -> None:
    """Let the scripts that tests start hear Ctrl-C where the tests run in the background of a shell, deaf to it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let a worker of `-n 2` that has nothing left take tests from the other: the long ones stand together."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with what it needs, and those that need nothing of their own as `inner`."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in NEEDS:
                item.add_marker(NEEDS[fixture])
        marks = {mark.name for mark in item.iter_markers()}
        if not marks & {"aws", "browser", "data", "notebook", "server", "long", "slow", "speed"}:
            item.add_marker("inner")

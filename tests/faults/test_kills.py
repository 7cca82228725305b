"""SIGKILL of the load, of its backend, of the server, of the supervisor, at moments spread over a measured load."""

import os
import signal
import sys
import time
from collections import Counter
from contextlib import closing, suppress

import psutil
import pytest

from tests.fixtures.faults import BEHIND_PROXY, Proxy, seeded
from tests.fixtures.server import ROOT

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL for one process"),
]
PARTS = ("etl", "backend", "server", "supervisor")


def wait_for_the_end_of(victim: int) -> None:
    """Return when the process is gone; a kill takes effect some moments after it was sent."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(victim)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)


def kill_during_a_load(world, part: str, seconds: float) -> tuple[bool, str]:
    """Kill one part of a load after so many seconds: whether there was one to kill, and which state was found."""
    world.reset()  # there is a server from the first moment on
    load = world.start(ROOT / "etl.py", "--quiet")
    time.sleep(seconds)
    victim = load.pid if part == "etl" and load.poll() is None else world.victims().get(part)
    hit = victim is not None
    if hit:
        with suppress(ProcessLookupError):  # gone in this moment
            os.kill(victim, signal.SIGKILL)
            wait_for_the_end_of(victim)
    _, error = load.communicate(timeout=120)
    return hit, world.judge(load.returncode, error)


@pytest.mark.parametrize(
    ("parts", "kills"),
    [
        pytest.param(PARTS[:3], 3, id="3"),
        *(pytest.param((part,), 50, id=f"{part}-50", marks=pytest.mark.slow) for part in PARTS),
    ],
)
def test_kills(world, parts, kills):
    """As many as are asked for: a load that ends before its moment is no kill, and its time is measured anew."""
    choose = seeded(f"{kills} kills of {', '.join(parts)}")
    found: Counter = Counter()
    world.reset()
    seconds = world.measure()
    while found["missed"] < 2 * kills and (number := found.total() - found["missed"]) < kills:
        part = parts[number % len(parts)]
        moment = 0.2 + 0.8 * (number // len(parts) + choose.random()) / (kills / len(parts))  # after the imports
        hit, state = kill_during_a_load(world, part, seconds * moment)
        print(f"{part} at {moment:.0%}: {state if hit else 'nothing to kill'}")
        found[part if hit else "missed"] += 1
        if not hit:
            world.reset()
            seconds = world.measure()
    print(dict(found))
    assert sum(found[part] for part in parts) == kills


@pytest.mark.parametrize("cuts", [pytest.param(2, id="2"), pytest.param(60, id="60", marks=pytest.mark.slow)])
def test_connections_cut_at_random_bytes(world, cuts):
    """All connections of a load are reset after so many bytes in both directions together."""
    choose = seeded(f"{cuts} cuts")
    world.reset()
    with closing(world.connect()) as keep:
        whole = Proxy(keep.info.port)
        load = world.start("-c", BEHIND_PROXY, whole.port, "--quiet")
        _, error = load.communicate(timeout=120)
        whole.close()
        assert (load.returncode, error) == (0, "")
        assert whole.bytes > 100_000
    found: Counter = Counter()
    for number in range(cuts):
        world.reset()
        limit = int(whole.bytes * (number + choose.random()) / cuts)
        with closing(world.connect()) as keep:
            proxy = Proxy(keep.info.port, limit)
            load = world.start("-c", BEHIND_PROXY, proxy.port, "--quiet")
            _, error = load.communicate(timeout=120)
            proxy.close()
        state = world.judge(load.returncode, error)
        print(f"cut at byte {limit:,} of {whole.bytes:,}: exit code {load.returncode}, {state}")
        found[state] += 1
    assert found["old"] > 0

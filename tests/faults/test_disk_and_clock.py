"""A disk that is full after so many kilobytes, and a clock that is set while a load runs."""

import os
import pickle
import subprocess
import sys

import pytest

from tests.fixtures.faults import FaultyWorld
from tests.fixtures.server import ROOT, wait_until_gone

pytestmark = pytest.mark.server
ON_A_SMALL_DISK = """
import os, pickle, sys
from contextlib import suppress
from pathlib import Path
from tests.fixtures.server import wait_until_gone
place, up, sizes = Path(sys.argv[1]), sys.argv[2] == "up", [int(size) for size in sys.argv[3:]]
world = pickle.load(sys.stdin.buffer)
world.move(world.place, place)
for size in sizes:
    world.reset()
    if not up:
        world.release()
        wait_until_gone(world.place)
    filler = place / "filler"
    for _ in range(20):  # the server may write between the look and the filling
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize // 1024
        with open(filler, "wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(1, free - size) * 1024)
            break
    code, error = world.run("etl.py")
    filler.unlink()
    print(size, code, world.judge(code, error), error.strip() or "-", flush=True)
"""
TEN_SIZES = (50, 100, 300, 1_000, 2_000, 4_000, 8_000, 12_000, 20_000, 40_000)
JUMPS = """
import itertools, time
real, jumps = time.time, itertools.cycle([0, 86400, -86400, 3600, -5])
time.time = lambda: real() + next(jumps)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounts a small disk as root")
@pytest.mark.parametrize(
    ("server", "sizes", "events"),
    [
        pytest.param("down", (300, 6_000), 1_200, id="2"),
        pytest.param("down", TEN_SIZES, 6_000, id="10", marks=pytest.mark.slow),
        pytest.param("up", TEN_SIZES, 6_000, id="10-up", marks=pytest.mark.slow),
    ],
)
def test_disk_full(make_world, tmp_path, server, sizes, events):
    """A load that finds so many kilobytes free: one sentence, the old warehouse or the new; with room it goes on."""
    mount = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=700m tmpfs '{tmp_path}' && exec \"$@\"", "sh"]
    if subprocess.run([*mount, "true"], capture_output=True).returncode:
        pytest.skip("unshare -m or mount is not allowed here")
    done = subprocess.run(
        [*mount, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path), server, *map(str, sizes)],
        cwd=ROOT, capture_output=True, input=pickle.dumps(make_world(events)), timeout=900,
    )  # fmt: skip
    said = done.stdout.decode()
    print(said)
    assert done.returncode == 0, done.stderr.decode()
    found = [line.split(" ", 3) for line in said.splitlines() if line[:1].isdigit()]
    assert [int(size) for size, *_ in found] == list(sizes)
    full = [(code, error) for _, code, _, error in found if code != "0"]
    assert full
    for code, error in full:
        assert code == "1"
        assert "No space left on device" in error or "full" in error


def test_clock_that_is_set(world: FaultyWorld, tmp_path, monkeypatch):
    """By days and back, at every look at it, for the load and the supervisor: the load is as good as any."""
    (tmp_path / "sitecustomize.py").write_text(JUMPS)
    world.reset()
    world.release()
    wait_until_gone(world.place)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code, error = world.run("etl.py")
    monkeypatch.delenv("PYTHONPATH")
    assert (code, error) == (0, "")
    assert world.judge(code, error) == "new"

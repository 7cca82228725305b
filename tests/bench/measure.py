"""Measure several ways to do one thing by turns: medians, spread, ratios, and the machine they hold for."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import psutil


@dataclass
class Way:
    """One way, what it does once for each round, and how many rows that is."""

    name: str
    run: Callable[[], object]
    rows: int
    before: Callable[[], object] = lambda: None  # not measured
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds for a million rows."""
        return statistics.median(self.seconds) / self.rows * 1e6


def measure(title: str, ways: list[Way], rounds: int) -> None:
    """Run all ways in turn, `rounds` times, and print them; ratios are to the first, row for row."""
    for _ in range(rounds):
        for way in ways:
            way.before()
            start = time.perf_counter()
            way.run()
            way.seconds.append(time.perf_counter() - start)
    print(f"\n{title}, {rounds} rounds by turns")
    print(f"{'':44}{'rows':>11}{'median':>10}{'least':>9}{'most':>9}{'rows/s':>12}{'ratio':>9}")
    for way in ways:
        median = statistics.median(way.seconds)
        print(
            f"{way.name:44}{way.rows:>11,}{median:>8.2f} s{min(way.seconds):>7.2f} s{max(way.seconds):>7.2f} s"
            f"{way.rows / median:>12,.0f}{way.median / ways[0].median:>9.2f}",
            flush=True,
        )


def machine(*packages: str) -> str:
    """The machine and the versions, in a line."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    memory = psutil.virtual_memory().total >> 30
    return (
        f"{platform.platform()}, {os.cpu_count()} cores, {memory} GB, Python {platform.python_version()}, "
        + ", ".join(found)
    )

"""Measure several ways to do one thing by turns: medians, spread, ratios, and the machine, as a Markdown table."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
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
        """Seconds of a round."""
        return statistics.median(self.seconds)

    @property
    def each(self) -> float:
        """Seconds for a row."""
        return self.median / self.rows


def measure(title: str, ways: list[Way], rounds: int) -> None:
    """Run all ways in turn, `rounds` times, and print them as a table; ratios are to the first, row for row."""
    for _ in range(rounds):
        for way in ways:
            way.before()
            start = time.perf_counter()
            way.run()
            way.seconds.append(time.perf_counter() - start)
    print(f"\n| {title} | rows | median | least - most | rows a second | times the first |")
    print("|---|---|---|---|---|---|")
    for way in ways:
        print(
            f"| {way.name} | {way.rows:,} | {way.median:.2f} s | {min(way.seconds):.2f} - {max(way.seconds):.2f} s"
            f" | {way.rows / way.median:,.0f} | {way.each / ways[0].each:.2f} |",
            flush=True,
        )


def machine(*packages: str) -> str:
    """Date, machine and versions, in a line."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    memory = psutil.virtual_memory().total >> 30
    return (
        f"{datetime.now(timezone.utc):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory} GB, Python {platform.python_version()}, " + ", ".join(found)
    )

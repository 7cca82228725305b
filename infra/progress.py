"""What moves on standard error while a script works: which step runs, how far it is, how long it takes.

    with progress.steps(15) as steps, steps.step("COPY staging_events") as step:
        step.update(123.4, 449.0, "MB", detail="12/30 files")      # as often as you like
    with progress.step("starting the embedded warehouse"):
        ...                                                        # no number known: a spinner with seconds

A terminal shows one line, which is written over and never wider than the terminal. Where nothing can be written over
(a file, a pipe, TERM=dumb) a step that lasts gets a line now and then. `quiet()` shows nothing at all. There are no
colours, so NO_COLOR has nothing to take away. What a script prints meanwhile goes through `aside`, so that it
never stands behind the moving text.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from tqdm import tqdm
from tqdm.utils import disp_len, disp_trim

TICK = 0.2  # seconds between two paintings of the line
FIRST, EVERY = 2.0, 10.0  # seconds before the first line of a step on a dumb terminal, and between later ones
LEAST_BAR, MOST_BAR = 10, 30  # columns; a bar that would be narrower is left out


class Step:
    """What runs now; `update` says how far it is."""

    def __init__(self, name: str, position: str = "") -> None:
        """`position` is a text such as `4 of 15`."""
        self.title = "".join(sign if sign.isprintable() else " " for sign in f"{position} {name}".strip())
        self.start = time.monotonic()
        self.done, self.total, self.unit, self.detail = 0.0, 0.0, "", ""

    def update(self, done: float, total: float, unit: str, detail: str = "") -> None:
        """Say how much is done, of how much in all, in which unit, and in another measure (`12/30 files`)."""
        self.done, self.total, self.unit, self.detail = done, total, unit, detail

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return time.monotonic() - self.start

    def describe(self, width: int = 1000) -> str:
        """The step in a line that fits into `width` columns; the least important numbers are left out first."""
        if not self.total:
            return disp_trim(f"{self.title}, {as_time(self.seconds)}", width)
        amount = f"{as_number(self.done)}/{as_number(self.total)} {self.unit}"
        rate = left = ""
        if self.done >= self.total / 50 and self.seconds >= 1:  # before, the time left is a guess
            rate = f"{as_number(self.done / self.seconds)} {self.unit}/s"
            left = f"{as_time(self.seconds * (self.total - self.done) / self.done)} left"
        for parts in ([self.detail, amount, rate, left], [self.detail, amount, left], [amount, left]):
            text = f"{self.title}: {', '.join(filter(None, parts))}"
            if disp_len(text) <= width:
                return text
        return disp_trim(text, width)


class Steps:
    """The steps of one run, counted."""

    def __init__(self, total: int) -> None:
        """`total` is the number of steps to come."""
        self._total, self._number = total, 0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show the next step until it ends."""
        self._number += 1
        with _display.show(Step(name, f"{self._number} of {self._total}")) as step:
            yield step


@contextmanager
def steps(total: int) -> Iterator[Steps]:
    """Show `total` steps, one after the other."""
    with _display.shown():
        yield Steps(total)


@contextmanager
def step(name: str, position: str = "") -> Iterator[Step]:
    """Show a step, also inside another one; `position` is a text such as `4 of 15`."""
    with _display.show(Step(name, position)) as step:
        yield step


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Show nothing meanwhile, if that is `wanted`."""
    before, _display.silent = _display.silent, wanted
    try:
        yield
    finally:
        _display.silent = before


@contextmanager
def aside(text: str) -> Iterator[None]:
    """Take the moving line away while `text` is printed, and until the line of output that it begins is ended."""
    with _display.lock:
        _display.clear()
        _display.paused = not text.endswith("\n")
        yield


class _Display:
    """The one place where steps are shown; a thread keeps it moving while there are any."""

    def __init__(self) -> None:
        """Start with nothing shown."""
        self.lock = threading.RLock()
        self.silent = self.paused = False
        self._steps: list[Step] = []
        self._users = 0
        self._painter: _Line | _Lines | None = None
        self._ended = threading.Event()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the line moving until the last user has gone."""
        with self.lock:
            self._users += 1
            if self._users == 1 and not self.silent and (stream := getattr(sys.stderr, "unwrapped", sys.stderr)):
                self._painter = _Line(stream) if _can_write_over(stream) else _Lines(stream)
                self._ended = threading.Event()
                threading.Thread(target=self._move, args=(self._ended,), daemon=True).start()
        try:
            yield
        finally:
            with self.lock:
                self._users -= 1
                if not self._users:
                    self._ended.set()
                    self.clear()
                    self._painter = None

    @contextmanager
    def show(self, step: Step) -> Iterator[Step]:
        """Show a step in place of the one that it is a part of."""
        with self.shown():
            self._steps.append(step)
            self.paint()
            try:
                yield step
            finally:
                self._steps.remove(step)

    def paint(self) -> None:
        """Show the innermost step as it is now."""
        with self.lock:
            if self._painter and self._steps and not self.paused:
                with suppress(OSError, ValueError):  # the terminal is gone; the work goes on
                    self._painter.paint(self._steps[-1])

    def clear(self) -> None:
        """Take the moving line away."""
        if self._painter:
            with suppress(OSError, ValueError):
                self._painter.clear()

    def _move(self, ended: threading.Event) -> None:
        """Paint again and again."""
        while not ended.wait(TICK):
            self.paint()


class _Line:
    """One line of a terminal, written over."""

    def __init__(self, stream: TextIO) -> None:
        """tqdm knows the terminal's width, how wide a character is, and how to write over a line on Windows, too."""
        tqdm.set_lock(threading.RLock())  # its default takes a semaphore of the system
        tqdm.monitor_interval = 0  # no thread of its own
        self._bar = tqdm(file=stream, dynamic_ncols=True, leave=False, delay=1e9)
        self._painted = False

    def paint(self, step: Step) -> None:
        """Write the step over what was there: a spinner, the words and, where there is room, a bar."""
        width = (self._bar.format_dict["ncols"] or 80) - 1  # a full last column makes some terminals wrap
        words = "|/-\\"[int(step.seconds / TICK) % 4] + " " + step.describe(width - 2)
        if step.total and width - disp_len(words) >= LEAST_BAR + 3:
            layout = words.replace("{", "{{").replace("}", "}}") + " |{bar}|"
            columns = min(width, disp_len(words) + 3 + MOST_BAR)
            words = tqdm.format_meter(
                step.done, step.total, step.seconds, ncols=columns, ascii=self._bar.ascii, bar_format=layout
            )
        self._bar.display(words)
        self._painted = True

    def clear(self) -> None:
        """Write blanks over what was there."""
        if self._painted:
            self._bar.display("")
            self._bar.fp.write("\r")
            self._bar.fp.flush()
            self._painted = False


class _Lines:
    """Lines now and then, where nothing can be written over: the first one soon only if somebody looks on."""

    def __init__(self, stream: TextIO) -> None:
        """Wait with the first line."""
        self._stream = stream
        self._next = time.monotonic() + (FIRST if stream.isatty() else EVERY)

    def paint(self, step: Step) -> None:
        """Print the step if it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            print(step.describe(), file=self._stream, flush=True)

    def clear(self) -> None:
        """Leave the lines where they are."""


def _can_write_over(stream: TextIO) -> bool:
    """Whether the stream is a terminal on which a line can be written over."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def notice(sentence: str) -> None:
    """Print on standard error what a user should know; without one, print nothing."""
    with suppress(OSError, ValueError):  # closed, or nobody reads it any more
        if sys.stderr is not None:
            print(sentence, file=sys.stderr, flush=True)


def as_number(number: float) -> str:
    """`1,234` or `12.3`: a digit after the point where it says something."""
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.1f}".removesuffix(".0")


def as_time(seconds: float) -> str:
    """`42 s`, `3 min 5 s` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


_display = _Display()

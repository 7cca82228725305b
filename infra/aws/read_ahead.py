"""Do slow requests many at a time and hand their results on in order, so that whoever waits can stop at any time.

The work runs in daemon threads: they give up Python's lock while S3 is asked, and they do not keep the process from
ending. One result costs a few lock operations; an event loop took three times the processor's time for small objects.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from infra.errors import Interrupted

POLL = 0.1  # seconds between two looks at `stop`
Item = TypeVar("Item")
Result = TypeVar("Result")


class _Slot(Generic[Result]):
    """The place of one result, in the order of the items; `size` is what it may weigh until it is used."""

    __slots__ = ("done", "error", "result", "size")

    def __init__(self, size: int) -> None:
        """Begin without a result."""
        self.size, self.done = size, False
        self.error: BaseException | None = None
        self.result: Result | None = None


class ReadAhead(Generic[Item, Result]):
    """The results of `work` for each item, in the order of the items.

    At most `threads` requests are under way, and results of at most `window` bytes wait to be used, as `size` says.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        stop: threading.Event,
        threads: int,
        window: int,
        size: Callable[[Item], int],
    ) -> None:
        """Start nothing yet. `stop` ends every wait when another thread sets it."""
        self._work, self._items, self._stop = work, iter(items), stop
        self._limit, self._window, self._size = threads, window, size
        self._pull = threading.Lock()  # held by the one thread that takes the next item
        self._lock = threading.Lock()  # of all below; never held while anything is waited for
        self._ready, self._room = threading.Condition(self._lock), threading.Condition(self._lock)
        self._slots: deque[_Slot[Result]] = deque()
        self._threads = self._weight = 0
        self._exhausted = self._closed = False

    def results(self) -> Generator[Result, None, None]:
        """Yield the results. Raises what `work` or the items raised, at its place, and Interrupted."""
        self._start_thread()
        try:
            while slots := self._finished():
                for slot in slots:
                    if slot.error:
                        raise slot.error
                    yield slot.result  # type: ignore[misc]  # done and without an error: it has a result
        finally:
            with self._lock:
                self._closed = True
                self._room.notify_all()

    def _finished(self) -> list[_Slot[Result]]:
        """Wait for the next result; it and those after it that are there as well. Empty after the last one."""
        with self._lock:
            while not (self._slots and self._slots[0].done):
                if self._exhausted and not self._slots:
                    return []
                if not self._ready.wait(POLL) and self._stop.is_set():
                    raise Interrupted("The reading of S3 was interrupted.")
            slots = []
            while self._slots and self._slots[0].done:
                slots.append(self._slots.popleft())
            self._weight -= sum(slot.size for slot in slots)
            self._room.notify_all()
            return slots

    def _start_thread(self) -> None:
        """Start one thread more."""
        self._threads += 1
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        """Do the work for one item after the other, until there is none."""
        while True:
            with self._pull:
                taken = self._take()
            if taken is None:
                return
            item, slot = taken
            try:
                slot.result = self._work(item)
            except BaseException as error:  # for whoever waits
                slot.error = error
            with self._lock:
                slot.done = True
                if self._slots and self._slots[0] is slot:
                    self._ready.notify()

    def _take(self) -> tuple[Item, _Slot[Result]] | None:
        """Return the next item and the place of its result, None if there is none; wait while too much is ahead."""
        if self._exhausted or self._closed:
            return None
        try:
            item = next(self._items)
            slot = _Slot[Result](self._size(item))
        except BaseException as error:  # StopIteration, or what the items raise: for whoever waits
            last = _Slot[Result](0)
            last.error, last.done = error, True
            with self._lock:
                self._exhausted = True
                if not isinstance(error, StopIteration):
                    self._slots.append(last)
                self._ready.notify()
            return None
        with self._lock:
            while self._weight and self._weight + slot.size > self._window and not self._closed:
                self._room.wait()
            if self._closed:
                return None
            self._slots.append(slot)
            self._weight += slot.size
            if self._threads < self._limit:
                self._start_thread()
        return item, slot


def in_thread(work: Callable[[], Result]) -> "Future[Result]":
    """Start `work` in a thread of its own, which does not keep the process from ending."""
    future: Future[Result] = Future()

    def run() -> None:
        """Do the work, and keep its result or its error."""
        try:
            future.set_result(work())
        except BaseException as error:  # for whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future

"""Turn Ctrl-C and SIGTERM into one polite request to stop, then one that insists."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

__all__ = ["LOOK", "Cut", "Stop"]

_T = TypeVar("_T")

#: Seconds after which a waiting main thread looks whether it was told to stop.  A signal that
#: comes just before a queue blocks is handled only when something else ends the wait.
LOOK = 0.25


class Cut(BaseException):
    """Raised in the main thread to cut short what it waits for, inside ``Stop.cut`` only."""


class Stop:
    """Whether to stop, and how: the first signal asks, the second insists, the third kills.

    ``reason`` is "SIGINT" or "SIGTERM" once asked.  Wakes registered with ``on_change`` are
    called from the signal handler, so they must not lock: ``call_soon_threadsafe`` is fine.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.forced = False
        self._wakes: list[Callable[[], object]] = []
        self._cut_at: int | None = None

    @property
    def requested(self) -> bool:
        """Whether nothing new shall be taken."""
        return self.reason is not None

    def request(self, reason: str) -> None:
        """Ask to stop; asked again, insist."""
        if self.reason is None:
            self.reason = reason
        else:
            self.forced = True
        for wake in list(self._wakes):
            wake()

    @contextmanager
    def on_change(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call *wake* at each request while inside, and at once if one came before."""
        self._wakes.append(wake)
        try:
            if self.requested:
                wake()
            yield
        finally:
            self._wakes.remove(wake)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM for requests while inside; does nothing in other threads."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def cut(self, wait: Callable[..., _T], *args: object, only_forced: bool = False) -> _T | None:
        """Return ``wait(*args)``, or None if a request came first; for the main thread's waits.

        With *only_forced* it takes the second request.  What *wait* does must be safe to leave
        at any point, its result included: sleeping, a fetch; never a queue, reading or writing.
        """
        try:
            self._cut_at = 2 if only_forced else 1
            if self._level() >= self._cut_at:
                return None
            result = wait(*args)
            self._cut_at = None
        except Cut:
            return None
        finally:
            self._cut_at = None
        return result

    def _level(self) -> int:
        return 2 if self.forced else int(self.requested)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.forced:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.request(signal.Signals(number).name)
        if self._cut_at is not None and self._level() >= self._cut_at:
            self._cut_at = None
            raise Cut

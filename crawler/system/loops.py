"""Make an event loop, asyncio's or uvloop's, run a coroutine on it, and wake it from outside."""

import asyncio
import contextlib
import functools
import importlib
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import TypeVar

from crawler.core.errors import OptionsError
from crawler.core.ports import Stop
from crawler.system.clock import now

__all__ = ["Wake", "loop_factory", "run"]

_T = TypeVar("_T")


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the maker of event loops called *name*; uvloop where there is none is an error."""
    if name == "asyncio":
        return asyncio.new_event_loop
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        raise OptionsError("--loop uvloop: not installed here; use --loop asyncio") from None
    return factory


def run(main: Coroutine[None, None, _T], name: str) -> _T:
    """Run *main* on a fresh loop; an exception group of one error is raised as that error."""
    with asyncio.Runner(loop_factory=loop_factory(name)) as runner:
        try:
            return runner.run(main)
        except BaseExceptionGroup as group:
            raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


class Wake:
    """What a dispatching task waits for: something changed, a time came, or a stop.

    Use it as an async context manager on the loop that is to be woken.
    """

    def __init__(self, stop: Stop):
        self._stop = stop
        self._event = asyncio.Event()
        self._stack = ExitStack()

    async def __aenter__(self) -> "Wake":
        self._loop = asyncio.get_running_loop()
        wake = functools.partial(self._loop.call_soon_threadsafe, self.set)
        self._stack.enter_context(self._stop.on_change(wake))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stack.close()

    def set(self) -> None:
        """Wake the dispatcher."""
        self._event.set()

    async def wait(self, until: float | None) -> None:
        """Wait until it is woken or until a time (monotonic seconds)."""
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - now())):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()

    def from_thread(self, deliver: Callable[[_T], object]) -> Callable[[_T], None]:
        """Return a function for other threads that has *deliver* called on the loop, then wakes.

        When the loop is closed already, what is delivered is dropped.
        """

        def on_loop(what: _T) -> None:
            deliver(what)
            self.set()

        def from_thread(what: _T) -> None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(on_loop, what)

        return from_thread

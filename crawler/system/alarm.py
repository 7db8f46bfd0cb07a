"""Be called at an absolute time on a loop, to a tenth of a millisecond where there is a timerfd."""

import asyncio
import ctypes
import functools
import os
import sys
import time
from collections.abc import Callable

__all__ = ["Alarm", "alarm"]

_ABSOLUTE = 1  # TFD_TIMER_ABSTIME of <sys/timerfd.h>
_SECOND = 10**9


class Alarm:
    """Calls *ring* once for each ``set``, at that time or later, never earlier.

    Times are nanoseconds of the monotonic clock.  A time that is set takes the place of the one
    before.  ``kind`` says what it goes by.  This one goes by the loop's `call_later`, which is
    off by up to a millisecond, and by as much too early: then it waits again.
    """

    kind = "call_later"

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]):
        self._loop = loop
        self._ring = ring
        self._at = 0
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: int) -> None:
        """Ring at the time *at*; one that has passed is now."""
        if self._handle is not None:
            self._handle.cancel()
        self._at = at
        left = max(0, at - time.monotonic_ns())
        self._handle = self._loop.call_later(left / _SECOND, self._due)

    def close(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _due(self) -> None:
        if time.monotonic_ns() < self._at:
            self.set(self._at)
        else:
            self._ring()


class _TimerFd(Alarm):
    """The same by a Linux timerfd that the loop watches: right to about 0.1 ms."""

    kind = "timerfd"

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]):
        super().__init__(loop, ring)
        self._descriptor = _create()
        self._setting = _Setting()  # one for all: making one costs more than setting it
        loop.add_reader(self._descriptor, self._due)

    def set(self, at: int) -> None:
        self._at = at
        _set(self._descriptor, self._setting, max(1, at))

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _due(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:  # set anew since it went off
            return
        self._ring()


def alarm(loop: asyncio.AbstractEventLoop, ring: Callable[[], object]) -> Alarm:
    """Return the most accurate alarm that this system and this loop have."""
    try:
        return _TimerFd(loop, ring)
    except (OSError, NotImplementedError):
        return Alarm(loop, ring)


class _Setting(ctypes.Structure):
    """`struct itimerspec`: the interval, unused here, and the time."""

    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("interval_s", "interval_ns", "at_s", "at_ns")
    )


def _create() -> int:
    if sys.version_info >= (3, 13):
        if not hasattr(os, "timerfd_create"):
            raise OSError("this system has no timerfd")
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    flags = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC are defined as these
    return _checked(_libc().timerfd_create(time.CLOCK_MONOTONIC, flags))


def _set(descriptor: int, setting: _Setting, at: int) -> None:
    if sys.version_info >= (3, 13):
        os.timerfd_settime_ns(descriptor, flags=_ABSOLUTE, initial=at)
    else:
        setting.at_s, setting.at_ns = divmod(at, _SECOND)
        _checked(_libc().timerfd_settime(descriptor, _ABSOLUTE, ctypes.byref(setting), None))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


@functools.cache  # so that an import loads nothing, and the first use only once
def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("this system has no timerfd")
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "timerfd_create"):
        raise OSError("the C library has no timerfd")
    return library

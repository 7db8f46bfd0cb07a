"""The alarm: never early, once for each time that is set, and silent when closed."""

import asyncio
import os
import sys
import time
from time import monotonic_ns
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.system import alarm as module
from crawler.system.alarm import Alarm, alarm

MS = 1_000_000
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request):
    faults = []
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        yield runner.run
    assert not faults


@pytest.fixture(params=["call_later", "timerfd"])
def kind(request):
    if request.param == "timerfd" and not sys.platform.startswith("linux"):
        pytest.skip("this system has no timerfd")
    return Alarm if request.param == "call_later" else module._TimerFd


class Rung:
    """Notes when it was rung, and can be waited for."""

    def __init__(self, kind):
        self.times = []
        self.event = asyncio.Event()
        self.alarm = kind(asyncio.get_running_loop(), self)

    def __call__(self):
        self.times.append(monotonic_ns())
        self.event.set()

    async def next(self):
        await asyncio.wait_for(self.event.wait(), 20)
        self.event.clear()


def test_it_rings_at_its_time_or_later_and_once(run, kind):
    async def main():
        rung = Rung(kind)
        for wait in (0, 100, 1_000, 300_000, 1_200_000, 2_700_000):
            at = monotonic_ns() + wait
            rung.alarm.set(at)
            await rung.next()
            assert rung.times.pop() >= at
            await asyncio.sleep(0)
            assert not rung.times
        rung.alarm.close()

    run(main())


@pytest.mark.parametrize("past", [0, 1, -5])
def test_a_time_that_has_passed_is_now(run, kind, past):
    async def main():
        rung = Rung(kind)
        rung.alarm.set(past)
        await rung.next()
        assert len(rung.times) == 1
        rung.alarm.close()

    run(main())


def test_a_time_that_is_set_takes_the_place_of_the_one_before(run, kind):
    async def main():
        rung = Rung(kind)
        now = monotonic_ns()
        rung.alarm.set(now + 1 * MS)
        rung.alarm.set(now + 4 * MS)
        await rung.next()
        assert rung.times[0] >= now + 4 * MS
        rung.alarm.set(monotonic_ns() + 10**15)
        rung.alarm.set(monotonic_ns())
        await rung.next()
        assert len(rung.times) == 2
        rung.alarm.close()

    run(main())


def test_one_that_went_off_and_was_set_anew_before_it_was_heard_rings_at_the_new_time(run, kind):
    async def main():
        rung = Rung(kind)
        rung.alarm.set(monotonic_ns() + 100_000)
        until = monotonic_ns() + 2 * MS
        while monotonic_ns() < until:  # the loop hears nothing
            pass
        at = monotonic_ns() + 3 * MS
        rung.alarm.set(at)
        await rung.next()
        assert rung.times[0] >= at
        assert len(rung.times) == 1
        rung.alarm.close()

    run(main())


def test_it_may_be_set_by_what_it_rings(run, kind):
    async def main():
        times = []
        done = asyncio.get_running_loop().create_future()

        def again():
            times.append(monotonic_ns())
            if len(times) == 20:
                done.set_result(None)
            else:
                tick.set(times[0] + len(times) * 100_000)

        tick = kind(asyncio.get_running_loop(), again)
        tick.set(0)
        await asyncio.wait_for(done, 20)
        assert all(time >= times[0] + n * 100_000 for n, time in enumerate(times))
        tick.close()

    run(main())


def test_when_closed_it_is_silent(run, kind):
    async def main():
        rung, other = Rung(kind), Rung(kind)
        at = monotonic_ns() + MS
        rung.alarm.set(at)
        other.alarm.set(at + MS)
        rung.alarm.close()
        await other.next()
        assert not rung.times
        other.alarm.close()

    run(main())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no timerfd elsewhere")
def test_the_best_there_is_is_taken_and_leaves_no_descriptor(run):
    async def main():
        before = os.listdir("/proc/self/fd")
        best = alarm(asyncio.get_running_loop(), int)
        assert best.kind == "timerfd"
        assert len(os.listdir("/proc/self/fd")) == len(before) + 1
        best.close()
        assert len(os.listdir("/proc/self/fd")) == len(before)

    run(main())


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_where_there_is_no_timerfd_the_loop_s_own_timer_does(run, monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delattr(os, "timerfd_create", raising=False)
    module._libc.cache_clear()

    async def main():
        assert alarm(asyncio.get_running_loop(), int).kind == "call_later"

    try:
        run(main())
    finally:
        module._libc.cache_clear()


def test_what_ringing_raises_is_not_swallowed(kind):
    """Not even an error that reading the timer may raise."""
    heard = []

    def ring():
        raise BlockingIOError

    async def main():
        loop, rung = asyncio.get_running_loop(), Rung(kind)
        loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
        one = kind(loop, ring)
        one.set(0)
        rung.alarm.set(monotonic_ns() + 2 * MS)
        await rung.next()
        one.close()
        rung.alarm.close()

    asyncio.run(main())
    assert [type(error) for error in heard] == [BlockingIOError]


class Handle:
    def __init__(self, loop, at, callback):
        self.loop = loop
        self.at = at
        self.callback = callback

    def cancel(self):
        if self in self.loop.due:
            self.loop.due.remove(self)


class Late:
    """A loop whose timers are off by what it is told, and its clock."""

    def __init__(self):
        self.now = 10**9
        self.due: list[Handle] = []

    def monotonic_ns(self):
        return self.now

    def call_later(self, delay, callback):
        handle = Handle(self, self.now + round(delay * 1e9), callback)
        self.due.append(handle)
        return handle

    def step(self, off):
        """Call what is due first, *off* nanoseconds after it is."""
        handle = min(self.due, key=lambda one: one.at)
        handle.cancel()
        self.now = max(self.now + 1, handle.at + off)
        handle.callback()


STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "step"]), st.integers(-(10**6), 10**7)), max_size=30
)


@settings(max_examples=60)
@given(STEPS)
def test_however_wrong_the_loop_s_timers_are_it_is_never_early_nor_rings_twice(steps):
    loop: Any = Late()
    wanted, rung = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic_ns", loop.monotonic_ns)
        one = Alarm(loop, lambda: rung.append(loop.now))
        for deed, number in steps:
            before = len(rung)
            if deed == "set":
                one.set(loop.now + number)
                wanted = [loop.now + number]
            elif loop.due:
                loop.step(min(number, 10**6))
            assert len(loop.due) <= 1
            if len(rung) > before:
                assert rung[-1] >= wanted.pop()
        one.close()
        assert not loop.due

"""Loops by name, and waking one from a thread, by a time or by a stop."""

import asyncio
import contextlib
import sys
import threading

import pytest
import uvloop

from crawler.core.errors import OptionsError, OutputError
from crawler.core.job import LOOPS
from crawler.system.clock import now
from crawler.system.loops import Wake, loop_factory, run
from crawler.system.stop import Stop


@pytest.fixture(params=LOOPS)
def loop(request):
    return request.param


async def in_time(waiting):
    return await asyncio.wait_for(waiting, 20)


def test_a_name_makes_the_loop_of_that_name():
    async def kind():
        return asyncio.get_running_loop()

    assert isinstance(run(kind(), "uvloop"), uvloop.Loop)
    assert not isinstance(run(kind(), "asyncio"), uvloop.Loop)


def test_where_there_is_no_uvloop_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with pytest.raises(OptionsError, match="--loop asyncio"):
        loop_factory("uvloop")


def test_a_group_is_raised_as_its_first_error(loop):
    async def fail():
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
            inner.create_task(_raise(OutputError("full")))
            outer.create_task(asyncio.sleep(99))

    with pytest.raises(OutputError, match="full"):
        run(fail(), loop)


async def _raise(error):
    raise error


def test_a_thread_wakes_the_loop_and_delivers_on_it(loop):
    async def main():
        delivered = []
        async with Wake(Stop()) as wake:
            give = wake.from_thread(
                lambda what: delivered.append((what, threading.current_thread()))
            )
            threading.Thread(target=give, args=("x",)).start()
            await in_time(wake.wait(None))
        return delivered

    assert run(main(), loop) == [("x", threading.main_thread())]


def test_a_delivery_to_a_closed_loop_is_dropped(loop):
    async def main():
        async with Wake(Stop()) as wake:
            return wake.from_thread(print)

    run(main(), loop)("nobody there")


def test_a_stop_wakes_the_loop_and_only_while_inside(loop):
    stop = Stop()

    async def main():
        async with Wake(stop) as wake:
            threading.Thread(target=stop.request, args=("SIGINT",)).start()
            await in_time(wake.wait(None))

    run(main(), loop)
    assert stop.requested
    stop.request("SIGINT")


def test_a_time_wakes_the_loop_never_before_it(loop):
    async def main():
        async with Wake(Stop()) as wake:
            for wait in (0.003, 0.001, 0.0, -5.0):
                until = now() + wait
                while now() < until:
                    await in_time(wake.wait(until))
                await in_time(wake.wait(until))

    run(main(), loop)


def test_what_was_set_before_the_wait_is_not_missed_and_wakes_once(loop):
    async def main():
        async with Wake(Stop()) as wake:
            wake.set()
            await in_time(wake.wait(None))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(None), 0.001)
                raise AssertionError("woken twice")

    run(main(), loop)

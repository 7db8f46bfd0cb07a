"""A thread knows itself, and a loop is asked again and again how late it is."""

import asyncio
import os
import threading

from crawler.system.lanes import here, watch_lateness


def test_it_is_this_thread_of_this_process():
    found = []
    thread = threading.Thread(target=lambda: found.append(here()), name="page-7")
    thread.start()
    thread.join()

    assert here() == (os.getpid(), "MainThread")
    assert found == [(os.getpid(), "page-7")]


def test_a_loop_that_is_held_up_is_late():
    """Each time is due after the one before, and what holds the loop up shows."""

    async def watched():
        seen: list[tuple[float, float]] = []
        enough = asyncio.Event()

        def late(due, came):
            seen.append((due, came))
            if len(seen) == 3:
                enough.set()

        watching = asyncio.ensure_future(watch_lateness(late))
        await asyncio.wait_for(enough.wait(), 30)
        watching.cancel()
        return seen

    seen = asyncio.run(watched())

    assert seen == sorted(seen)
    assert all(came >= due - 0.002 for due, came in seen)

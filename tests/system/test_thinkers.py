"""Batches on workers: results in order, and only the piece that broke its worker is blamed."""

import asyncio
import os
import signal
import threading

import pytest

from crawler.core.errors import WorkerError
from crawler.system.pools import Crew, threads
from crawler.system.thinkers import Thinkers


def lengths(words):
    for word in words:
        if word == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        while word == "hangs":
            threading.Event().wait()
        if word == "raises":
            raise LookupError(word)
    return [len(word) for word in words]


@pytest.fixture
def think():
    """Run batches one after another on one worker; or all at once; gives their results."""
    crew = Crew(1)

    def run(*batches, timeout=30.0, at_once=False):
        thinkers = Thinkers(crew, lengths, timeout)

        async def main():
            if at_once:
                return await asyncio.gather(*map(thinkers.run, batches))
            return [await thinkers.run(batch) for batch in batches]

        return asyncio.run(main())

    yield run
    crew.close(kill=True)


def told(results):
    return [str(one) if isinstance(one, WorkerError) else one for one in results]


def test_each_piece_has_its_result_in_order(think):
    assert think(["a", "bbb"], [], ["cc"]) == [[1, 3], [], [2]]


def test_only_the_piece_that_kills_its_worker_is_blamed(think):
    broken, after = think(["a", "dies", "bbb"], ["cc"])

    assert told(broken) == [1, "the analyser killed its worker", 3]
    assert after == [2]


def test_only_the_piece_that_hangs_is_blamed(think):
    broken, after = think(["hangs", "bbb"], ["cc"], timeout=1.0)

    assert told(broken) == ["the analyser took too long", 3]
    assert after == [2]


def test_only_the_piece_that_raises_is_blamed(think):
    broken, after = think(["a", "raises", "bbb"], ["cc"])

    assert told(broken) == [1, "the worker raised LookupError", 3]
    assert after == [2]


def test_batches_that_break_at_once_are_sorted_out_each(think):
    broken = [["a", "dies"], ["dies", "bbb"], ["cc"]]

    assert list(map(told, think(*broken, at_once=True))) == [
        [1, "the analyser killed its worker"],
        ["the analyser killed its worker", 3],
        [2],
    ]


def test_threads_do_it_too():
    thinkers = Thinkers(threads(2), lengths, 30.0)
    found = asyncio.run(thinkers.run(["a", "bbb"]))
    thinkers.close(kill=False)

    assert found == [1, 3]

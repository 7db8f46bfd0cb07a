"""The reading thread: asked once at a time, tells everything, ends when it is told to."""

import threading
from queue import SimpleQueue

import pytest

from crawler.core.errors import SourceError
from crawler.core.pages import Batch, Target
from crawler.system.feed import Feed

LONG = 20  # seconds; only a test that fails waits for so long


class Source:
    """An intake that is ready when it is told to be, and notes what it was asked for."""

    def __init__(self, *answers):
        self.ready = threading.Semaphore(0)
        self.asked: SimpleQueue[int] = SimpleQueue()
        self.answers = list(answers)
        self.thread: threading.Thread | None = None

    def wait_ready(self, timeout=None):
        self.thread = threading.current_thread()
        return self.ready.acquire(timeout=timeout)

    def read(self, most):
        self.asked.put(most)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def batch(number=1, *, ended=False):
    target = Target(url="http://h/", address="http://h/", host="h")
    return Batch([target] * number, None, ended=ended)


@pytest.fixture
def fed():
    """Start a feed from answers; gives the feed, its source and the queue of deliveries."""
    feeds = []

    def start(*answers):
        source = Source(*answers)
        delivered: SimpleQueue[Batch | SourceError] = SimpleQueue()
        feeds.append(Feed(source, delivered.put))
        return feeds[-1], source, delivered

    yield start
    for feed in feeds:
        feed.close()


def test_what_was_asked_for_is_delivered_from_another_thread(fed):
    one = batch()
    feed, source, delivered = fed(one)
    source.ready.release()
    feed.ask(7)

    assert delivered.get(timeout=LONG) is one
    assert source.asked.get(timeout=LONG) == 7
    assert source.thread not in {None, threading.current_thread()}


def test_it_is_asked_for_one_batch_at_a_time(fed):
    feed, source, delivered = fed(batch(), batch())
    feed.ask(7)
    feed.ask(8)
    feed.ask(9)
    source.ready.release(2)
    delivered.get(timeout=LONG)
    feed.answered()
    feed.ask(5)
    delivered.get(timeout=LONG)

    assert [source.asked.get(timeout=LONG) for _ in range(2)] == [7, 5]
    assert source.asked.empty()


def test_no_room_is_no_question(fed):
    feed, source, delivered = fed(batch())
    feed.ask(0)
    source.ready.release()
    feed.ask(3)
    delivered.get(timeout=LONG)

    assert source.asked.get(timeout=LONG) == 3


def test_an_error_of_the_source_is_delivered(fed):
    feed, source, delivered = fed(SourceError("list: unreadable"), batch())
    source.ready.release(2)
    feed.ask(1)
    assert str(delivered.get(timeout=LONG)) == "list: unreadable"
    feed.answered()
    feed.ask(1)
    assert isinstance(delivered.get(timeout=LONG), Batch)


def test_closing_ends_the_thread(fed):
    feed, source, delivered = fed(batch())
    source.ready.release()
    feed.ask(1)
    delivered.get(timeout=LONG)
    feed.close()
    source.thread.join(LONG)

    assert not source.thread.is_alive()


def test_a_thread_that_waits_for_input_keeps_no_process_alive(fed):
    feed, source, delivered = fed(batch(), batch())
    source.ready.release()
    feed.ask(1)
    delivered.get(timeout=LONG)

    assert source.thread.daemon
    source.ready.release()


def test_an_error_nobody_thought_of_is_delivered_too(fed):
    """Otherwise the owner waits for ever for what was asked for."""
    feed, source, delivered = fed(MemoryError("who would have thought"))
    source.ready.release()
    feed.ask(1)
    error = delivered.get(timeout=LONG)

    assert isinstance(error, SourceError)
    assert str(error) == "the input failed: MemoryError"


def test_nothing_yet_is_not_delivered(fed):
    one = batch()
    feed, source, delivered = fed(batch(0), batch(0), one)
    feed.ask(7)
    source.ready.release(3)

    assert delivered.get(timeout=LONG) is one
    assert [source.asked.get(timeout=LONG) for _ in range(3)] == [7, 7, 7]
    assert delivered.empty()


def test_the_end_is_delivered_though_nothing_comes_with_it(fed):
    end = batch(0, ended=True)
    feed, source, delivered = fed(end)
    source.ready.release()
    feed.ask(1)

    assert delivered.get(timeout=LONG) is end

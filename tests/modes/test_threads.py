"""What comes late, a page from a thread left behind or input from its source, does no harm."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future

import pytest

from crawler import CrawlReport, Options, Record, analyse, crawl
from crawler.compose.crawling import Crawl
from crawler.modes import threads
from crawler.modes.threads import _Crowd
from crawler.stages.fetch import fetch
from fixtures.running import serve

LIMIT = 60  # seconds; only a test that fails waits for so long
THREADS = 4


class LateRun:
    """A crawl in a thread of its own, fed from a FIFO that stays open until it is ended."""

    def __init__(self, path, site, analyse, on_record):
        os.mkfifo(path)
        self._fifo = os.open(path, os.O_RDWR)  # for both, so that neither side waits for the other
        self._open = True
        self._site = site
        self.records: list[Record] = []
        options = Options(mode="threads", concurrency=THREADS)
        before = set(threading.enumerate())
        self.crawl = Crawl([str(path)], options, analyse=analyse, on_record=self._note)
        self._on_record = on_record
        self._report: Future[CrawlReport] = Future()
        threading.Thread(target=self._run, daemon=True).start()
        until(lambda: self.waiting() == THREADS)
        self._threads = [one for one in threading.enumerate() if one not in before]

    def url(self, number):
        return f"{self._site.url}/p/{number}"

    def deliver(self, *numbers):
        os.write(self._fifo, "".join(f"{self.url(number)}\n" for number in numbers).encode())

    def end(self):
        if self._open:
            self._open = False
            os.close(self._fifo)

    def report(self):
        return self._report.result(LIMIT)

    def waiting(self):
        """Count the threads that wait for the lock's condition: they miss no notification."""
        frames = sys._current_frames()
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        return sum(
            frame.f_code is threading.Condition.wait.__code__
            for ident, frame in frames.items()
            if names.get(ident, "").startswith("page-")
        )

    def join(self, *names):
        """Wait until the threads of these names have ended; all of the run without names."""
        for thread in self._threads:
            if not names or thread.name in names:
                thread.join(LIMIT)
                assert not thread.is_alive(), thread

    def _run(self):
        try:
            self._report.set_result(self.crawl.run())
        except BaseException as error:  # noqa: BLE001 (raised again by who asks for the report)
            self._report.set_exception(error)

    def _note(self, record):
        self.records.append(record)
        self._on_record(record)


def until(true):
    """Ask again and again until it is true; a clock only says when to give up."""
    ends = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < ends, "it never came true"


@pytest.fixture(scope="module")
def one_site():
    with serve(pages=100, size="2kB", links=5) as running:
        yield running


@pytest.fixture
def site(one_site):
    """A site that has counted nothing yet."""
    one_site.reset()
    return one_site


@pytest.fixture
def late_run(tmp_path, site):
    """Start a crawl whose threads all wait for input; at the end nothing of it may be left."""
    runs = []

    def start(analyse=analyse, on_record=lambda _: None):
        runs.append(LateRun(tmp_path / "fifo", site, analyse, on_record))
        return runs[-1]

    yield start
    for run in runs:
        run.end()
        for _ in range(2):
            run.crawl.stop.request("SIGINT")
        run.join()


class Slow:
    """An analyser that thinks until it is released."""

    def __init__(self):
        self.thinking = threading.Event()
        self.released = threading.Event()

    def __call__(self, fetched):
        self.thinking.set()
        self.released.wait(LIMIT)
        return analyse(fetched)


@pytest.fixture
def slow(late_run):  # noqa: ARG001 (its threads are joined after they are released)
    made = Slow()
    yield made
    made.released.set()


def test_what_comes_when_all_threads_wait_wakes_all_of_them(late_run, site, monkeypatch):
    meet = threading.Barrier(THREADS)

    def together(*given):
        meet.wait(LIMIT / 3)  # a thread that sleeps on would be missed here
        return fetch(*given)

    monkeypatch.setattr(threads, "fetch", together)
    run = late_run()
    run.deliver(*range(THREADS))
    until(lambda: len(run.records) == THREADS and run.waiting() == THREADS)
    run.deliver(*range(THREADS, 2 * THREADS))
    run.end()

    assert run.report().outcomes == {"ok": 2 * THREADS}
    assert {record.url for record in run.records} == {run.url(n) for n in range(2 * THREADS)}
    assert len(run.records) == site.truth()["requests"] == 2 * THREADS


def test_pages_that_come_together_are_analysed_one_at_a_time(late_run):
    at_once = threading.Barrier(2)

    def alone(fetched):
        with pytest.raises(threading.BrokenBarrierError):
            at_once.wait(0.1)
        at_once.reset()
        return analyse(fetched)

    run = late_run(alone)
    run.deliver(*range(THREADS))
    run.end()

    assert run.report().outcomes == {"ok": THREADS}


def test_lines_that_come_one_by_one_are_crawled_once_each(late_run, site):
    run = late_run()
    for number in range(5):
        run.deliver(number)
        until(lambda count=number + 1: len(run.records) == count and run.waiting() == THREADS)
    run.end()

    assert run.report().outcomes == {"ok": 5}
    assert [record.url for record in run.records] == [run.url(number) for number in range(5)]
    assert site.truth()["requests"] == 5


def test_a_request_to_stop_ends_a_run_that_waits_for_input(late_run, site):
    run = late_run()
    run.crawl.stop.request("SIGINT")
    report = run.report()
    run.deliver(1)
    run.join("intake")  # what it brings has nobody to take it

    assert (report.stopped, report.inputs, report.records) == ("SIGINT", 0, 0)
    assert run.records == []
    assert site.truth()["requests"] == 0


def test_a_request_to_stop_that_comes_before_anybody_listens_is_heard(late_run, monkeypatch):
    """The threads wait already, and who is to wake them is still about to begin."""
    starting, requested = threading.Event(), threading.Event()
    wait_for = _Crowd.wait_for

    def slowly(crowd, count):
        starting.set()
        requested.wait(LIMIT)
        wait_for(crowd, count)

    monkeypatch.setattr(_Crowd, "wait_for", slowly)
    run = late_run()
    assert starting.wait(LIMIT)
    run.crawl.stop.request("SIGINT")
    requested.set()

    assert run.report().records == 0


def test_what_comes_after_a_request_to_stop_is_recorded_and_not_crawled(late_run, slow, site):
    run = late_run(slow)
    run.deliver(1)
    assert slow.thinking.wait(LIMIT)
    run.crawl.stop.request("SIGINT")
    for number in (2, 3):  # who asks for the second has had the first before it, and a free thread
        run.deliver(number)
        until(lambda count=number: run.crawl.frontier.offered == count)
    slow.released.set()
    report = run.report()

    assert (report.inputs, report.records) == (3, 3)
    assert Counter((record.url, record.outcome) for record in run.records) == {
        (run.url(1), "ok"): 1, (run.url(2), "interrupted"): 1, (run.url(3), "interrupted"): 1,
    }  # fmt: skip
    assert site.truth()["requests"] == 1


def test_what_comes_while_the_books_are_closed_is_not_taken_in(late_run, slow, site):
    def deliver_more(_):
        run.deliver(2)
        run.join("intake")

    run = late_run(slow, deliver_more)
    run.deliver(1)
    assert slow.thinking.wait(LIMIT)
    for _ in range(2):
        run.crawl.stop.request("SIGINT")
    report = run.report()

    assert (report.inputs, report.outcomes) == (1, {"interrupted": 1})
    assert [record.url for record in run.records] == [run.url(1)]
    assert site.truth()["requests"] == 1


def test_what_a_left_behind_thread_brings_home_is_dropped():
    main, thinking, released = threading.get_ident(), threading.Event(), threading.Event()

    def slow(fetched):
        thinking.set()
        released.wait(LIMIT)
        return analyse(fetched)

    def insist():
        thinking.wait(LIMIT)
        # Two kinds, because two pending signals of one kind are delivered as one.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.pthread_kill(main, number)

    records: list[Record] = []
    threading.Thread(target=insist, daemon=True).start()
    with serve(pages=10, size="2kB", links=5) as site:
        url = f"{site.url}/p/1"
        options = Options(mode="threads", concurrency=1)
        report = crawl(url, options, analyse=slow, on_record=records.append)
        left = next(thread for thread in threading.enumerate() if thread.name == "page-0")
        released.set()
        left.join(LIMIT)

    assert not left.is_alive()
    assert report.outcomes == {"interrupted": 1}
    assert [record.outcome for record in records] == ["interrupted"]

"""A task for each target: no more at once than allowed, each record kept, then settled."""

import asyncio
import contextlib

import pytest

from crawler.core.entry import Entry, Form
from crawler.core.errors import SourceError
from crawler.core.frontier import Frontier
from crawler.core.job import FetchRules, Options
from crawler.core.pages import Analysed, Batch, Outcome, Target
from crawler.core.ports import Gear
from crawler.core.report import Tally
from crawler.core.retry import RetryPolicy
from crawler.system.dispatch import BLOCK, Dispatch
from crawler.system.loops import run


class Stop:
    """A stop that is asked for by hand."""

    requested = False
    forced = False

    def __init__(self):
        self.wake = lambda: None

    @contextlib.contextmanager
    def on_change(self, wake):
        self.wake = wake
        yield

    def force(self):
        self.requested = self.forced = True
        self.wake()


class Numbers:
    """An intake of so many inputs, which may fail in the end."""

    def __init__(self, count, error=None):
        self.left = [*range(count)]
        self.error = error

    def wait_ready(self, _timeout=None):
        return True

    def read(self, most):
        if self.error and not self.left:
            raise self.error
        some, self.left = self.left[:most], self.left[most:]
        ended = not self.left and self.error is None
        return Batch([target(f"http://h{n % 50}/{n}") for n in some], None, ended=ended)


class Kept:
    def __init__(self):
        self.blocks = []

    async def awrite(self, entries):
        self.blocks.append(list(entries))


def target(url):
    return Target(url=url, address=url, host=url.split("/")[2])


def gear(intake, concurrency=8):
    options = Options(concurrency=concurrency)
    return Gear(
        options=options,
        rules=FetchRules.of(options, "crawl/0"),
        frontier=Frontier(is_home=lambda _: True),
        retry=RetryPolicy(2),
        tally=Tally(),
        analyse=lambda _: Analysed(),
        form=Form(),
        intake=intake,
        keep=Kept(),  # type: ignore[arg-type]
        stop=Stop(),  # type: ignore[arg-type]
        draw=lambda: 0.5,
        workers=1,
    )


def entry(target):
    return Entry(outcome=Outcome.OK, line=target.url.encode())


def dispatched(made, visiting):
    """Run *visiting(dispatch, target)* on everything."""

    async def main():
        dispatch = Dispatch(made)
        async with asyncio.timeout(30):
            await dispatch.run(lambda target: visiting(dispatch, target))

    run(main(), "asyncio")
    return [one for block in made.keep.blocks for one in block]


def test_every_target_is_visited_kept_and_settled_and_few_at_once():
    made, flying, most = gear(Numbers(300)), 0, 0

    async def visit(dispatch, target):
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0)
        flying -= 1
        await dispatch.keep(target, entry(target), home=True)

    kept = dispatched(made, visit)

    assert sorted(one.line.decode() for one in kept) == sorted(
        f"http://h{n % 50}/{n}" for n in range(300)
    )
    assert 1 < most <= 8
    assert (made.frontier.settled, made.tally.records) == (300, 300)
    assert max(map(len, made.keep.blocks)) <= BLOCK


@pytest.fixture
def patient(monkeypatch):
    """No block ends by time."""
    monkeypatch.setattr("crawler.system.dispatch.BLOCK_SECONDS", 3600.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("concurrency", [1, 8])
def test_what_is_kept_waits_for_company_as_long_as_some_is_on_the_way(concurrency):
    made = gear(Numbers(20), concurrency)

    async def visit(dispatch, target):
        await asyncio.sleep(0)
        await dispatch.keep(target, entry(target), home=True)

    dispatched(made, visit)

    assert [len(block) for block in made.keep.blocks] == [20]


@pytest.mark.usefixtures("patient")
def test_company_from_a_task_behind_the_visits_is_waited_for_and_nobody_else():
    made = gear(Numbers(20))
    behind: asyncio.Queue[Target] = asyncio.Queue()

    async def main():
        dispatch = Dispatch(made)

        async def analyse():
            while True:
                target = await behind.get()
                await asyncio.sleep(0.001)  # each alone behind visits that are long over
                await dispatch.keep(target, entry(target), home=True)

        async with asyncio.timeout(30):
            await dispatch.run(behind.put, analyse())

    run(main(), "asyncio")

    assert [len(block) for block in made.keep.blocks] == [20]


def test_what_was_read_before_the_input_failed_is_kept():
    made = gear(Numbers(3, SourceError("list: unreadable")))

    async def visit(dispatch, target):
        await dispatch.keep(target, entry(target), home=True)

    assert len(dispatched(made, visit)) == 3
    assert str(made.source_error) == "list: unreadable"


def test_a_fault_in_a_visit_ends_the_run_as_itself():
    async def visit(_, target):
        raise LookupError(target.url)

    with pytest.raises(LookupError, match="http://h0/0"):
        dispatched(gear(Numbers(1)), visit)


def test_the_second_request_to_stop_cancels_what_is_in_flight():
    made, cancelled = gear(Numbers(3), concurrency=2), []

    async def visit(_, target):
        if target.url == "http://h1/1":
            made.stop.force()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(target.url)
            raise

    assert dispatched(made, visit) == []
    assert sorted(cancelled) == ["http://h0/0", "http://h1/1"]
    assert made.frontier.in_flight == 2

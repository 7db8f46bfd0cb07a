"""The decisions all modes share, on a stepped clock and with stand-ins for what waits."""

import pytest

from crawler.core.entry import Form
from crawler.core.errors import SourceError
from crawler.core.frontier import FINISHED, Frontier, Wait
from crawler.core.job import FetchRules, Options
from crawler.core.pages import Analysed, Batch, Fetched, Outcome, Place, Target, Timing
from crawler.core.ports import Gear
from crawler.core.report import Tally
from crawler.core.retry import RetryPolicy


class Asked:
    """A stop that is asked for by hand."""

    requested = False
    forced = False


class Counting:
    """An intake of a hundred inputs that notes how many it was asked for."""

    def __init__(self):
        self.left = 100
        self.asked = []

    def read(self, most):
        self.asked.append(most)
        count = min(most, self.left)
        self.left -= count
        targets = [target() for _ in range(count)]
        return Batch(targets, Place("list", 101 - self.left), ended=not self.left)


class Broken:
    def read(self, most):
        raise SourceError(f"unreadable, {most} wanted")


def target(**given):
    return Target(**{"url": "http://h/", "address": "http://h/", "host": "h", **given})


def gear(window=20):
    frontier = Frontier(is_home=lambda _: True, window=window)
    made = Gear(
        options=Options(),
        rules=FetchRules.of(Options(), "crawl/0"),
        frontier=frontier,
        retry=RetryPolicy(2),
        tally=Tally(),
        analyse=lambda _: Analysed(),
        form=Form(),
        intake=None,  # type: ignore[arg-type]
        keep=None,  # type: ignore[arg-type]
        stop=Asked(),  # type: ignore[arg-type]
        draw=lambda: 0.5,
        workers=1,
    )
    return made, frontier


def failed(**given):
    timing = Timing(queue=0.0, total=1.0)
    return Fetched(
        **{"url": "u", "final_url": "u", "outcome": Outcome.TIMEOUT, "timing": timing, **given}
    )


def take_one(made, now=0.0):
    step = made.take(1, now)
    assert isinstance(step, list)
    return step[0]


@pytest.mark.parametrize("last", [0, 1])
def test_the_input_ends_when_a_batch_says_so(last):
    made, frontier = gear()
    for some in ([target()], []):
        made.offer(Batch(some, Place("list", 2), ended=False))
        assert not frontier.closed
        assert made.resume_at == Place("list", 2)
    made.offer(Batch([target()] * last, None, ended=True))
    assert frontier.closed
    assert made.resume_at is None


def test_a_source_that_cannot_be_read_on_ends_the_input_and_is_kept():
    made, frontier = gear()
    made.read(Broken())
    assert frontier.closed
    assert isinstance(made.source_error, SourceError)


def test_asking_for_input_without_room_for_it_loses_none():
    made, frontier = gear()
    intake = Counting()
    made.read(intake)
    take_one(made)
    assert frontier.room() == 0

    made.read(intake)

    assert not frontier.closed
    assert 0 not in intake.asked


def test_a_failure_that_may_pass_is_put_back_and_counted():
    made, frontier = gear()
    made.offer(Batch([target()], None, ended=True))
    one = take_one(made)

    assert made.put_back(one, failed(cpu_s=0.5), 10.0)

    assert (made.tally.retries, made.tally.fetch_cpu_s) == (1, 0.5)
    assert made.take(1, 10.0) == Wait(10.25)
    assert frontier.settled == 0


def test_a_final_answer_is_not_put_back():
    made, frontier = gear()
    made.offer(Batch([target()], None, ended=True))
    one = take_one(made)

    assert not made.put_back(one, failed(outcome=Outcome.OK, status=200), 1.0)
    assert frontier.in_flight == 1
    entry = made.form.entry(one, failed(outcome=Outcome.OK), None)
    made.settle(one, entry, 2.0, home=None)
    assert (frontier.settled, made.tally.records) == (1, 1)


def test_after_a_stop_nothing_is_taken_and_nothing_put_back():
    made, _ = gear()
    made.offer(Batch([target(), target()], None, ended=True))
    one = take_one(made)
    made.stop.requested = True

    assert made.take(1, 1.0) == Wait(None)
    assert not made.put_back(one, failed(), 1.0)
    made.settle(one, made.form.entry(one, failed(), None), 1.0, home=None)
    assert made.take(1, 1.0) is FINISHED


def test_what_analysing_and_writing_cost_is_counted_when_it_is_settled():
    made, _ = gear()
    made.offer(Batch([target()], None, ended=True))
    one = take_one(made)
    entry = made.form.entry(one, failed(), Analysed(cpu_s=0.25))
    entry.write_cpu_s = 0.5
    made.settle(one, entry, 1.0, home=None)

    assert (made.tally.analyse_cpu_s, made.tally.write_cpu_s) == (0.25, 0.5)
    assert entry.outcome is Outcome.TIMEOUT

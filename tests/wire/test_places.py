"""Places: never more than there are, first come first served, and none is lost by who gives up."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.wire.places import Places
from tests.wire.scripted import LONG
from tests.wire.twins import LOOPS

A = ("http", "a.test", 80)
B = ("http", "b.test", 80)
#: Loop turns after which nothing moves any more by itself.
TURNS = 12

LIMITS = pytest.mark.parametrize("limits", [(1, None), (None, 1), (1, 1)])


async def turn(count=TURNS):
    for _ in range(count):
        await asyncio.sleep(0)


class Line:
    """Tasks that want a place, and whose turn it was; a place is kept until it is given."""

    def __init__(self, places):
        self.places = places
        self.got: list[str] = []
        self.tasks: dict[str, asyncio.Task] = {}

    async def _take(self, name, origin, timeout):  # noqa: ASYNC109 (it is handed on)
        await self.places.take(origin, timeout)
        self.got.append(name)

    def want(self, name, origin=A, timeout=None):
        self.tasks[name] = asyncio.create_task(self._take(name, origin, timeout))
        return self.tasks[name]


def free(places, origin=A):
    """Return how many places to *origin* can be had at once, without waiting; at most 10."""
    count = 0
    for _ in range(10):
        taking = places.take(origin, None)
        try:
            taking.send(None)
        except StopIteration:
            count += 1
        else:
            taking.close()
            break
    for _ in range(count):
        places.give(origin)
    return count


def test_who_has_no_limit_never_waits(run):
    async def main():
        places = Places(None, None)
        for _ in range(1000):
            await places.take(A, 0)
        return places.are_limited

    assert run(main()) is False
    assert Places(1, None).are_limited
    assert Places(None, 1).are_limited


@pytest.mark.parametrize(
    ("limits", "to_a", "to_b"), [((3, None), 3, 0), ((None, 2), 2, 2), ((3, 2), 2, 1)]
)
def test_no_more_are_given_out_than_there_are(run, limits, to_a, to_b):
    async def main():
        line = Line(Places(*limits))
        for number in range(5):
            line.want(f"a{number}", A)
        for number in range(5):
            line.want(f"b{number}", B)
        await turn()
        got = list(line.got)
        for task in line.tasks.values():
            task.cancel()
        await turn()
        return got

    wanted = [f"a{number}" for number in range(to_a)] + [f"b{number}" for number in range(to_b)]
    assert run(main()) == wanted


@LIMITS
def test_first_come_first_served_and_nobody_passes_a_line(run, limits):
    """The last one comes when a place was given, and the first in line has not run yet."""

    async def main():
        places = Places(*limits)
        line = Line(places)
        await places.take(A, None)
        for name in "abc":
            line.want(name)
        await turn()
        places.give(A)
        line.want("late")
        for _ in range(3):
            await turn()
            places.give(A)
        await asyncio.gather(*line.tasks.values())
        places.give(A)
        return line.got, free(places)

    assert run(main()) == (["a", "b", "c", "late"], 1)


def test_who_waits_for_his_host_holds_no_place_of_all(run):
    async def main():
        line = Line(Places(2, 1))
        for name, origin in (("a", A), ("too many", A), ("b", B)):
            line.want(name, origin)
        await turn()
        got = list(line.got)
        line.tasks["too many"].cancel()
        return got

    assert run(main()) == ["a", "b"]


@LIMITS
@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("given_first", [True, False])
def test_who_gives_up_at_any_turn_lets_the_next_one_in(run, limits, turns, given_first):
    async def main():
        places = Places(*limits)
        line = Line(places)
        await places.take(A, None)
        first = line.want("first")
        await turn()
        line.want("second")
        if given_first:
            places.give(A)
        await turn(turns)
        first.cancel()
        if not given_first:
            await turn(turns)
            places.give(A)
        await asyncio.wait([first])
        if not first.cancelled():
            places.give(A)
        await asyncio.wait_for(line.tasks["second"], LONG)
        none = free(places)
        places.give(A)
        return none, free(places), places._lines

    assert run(main()) == (0, 1, {})


@LIMITS
def test_time_that_is_over_is_told_and_takes_no_place_along(run, limits):
    async def main():
        places = Places(*limits)
        await places.take(A, 0)  # it need not wait
        line = Line(places)
        line.want("in time")
        await turn()
        for seconds in (0, 0.001):
            with pytest.raises(httpx.PoolTimeout):
                await places.take(A, seconds)
        places.give(A)
        await asyncio.wait_for(line.tasks["in time"], LONG)
        none = free(places)
        places.give(A)
        return none, free(places), places._lines

    assert run(main()) == (0, 1, {})


def test_who_runs_out_of_time_before_the_second_door_leaves_the_first(run):
    async def main():
        places = Places(1, 1)
        await places.take(A, None)
        with pytest.raises(httpx.PoolTimeout):
            await places.take(B, 0)
        places.give(A)
        return free(places, B), places._lines

    assert run(main()) == (1, {})


def test_a_cancelled_task_is_not_told_that_time_is_over(run):
    async def main():
        places = Places(1, None)
        await places.take(A, None)
        waiting = Line(places).want("late", timeout=LONG)
        await turn()
        waiting.cancel()
        await asyncio.wait([waiting])
        return waiting.cancelled()

    assert run(main())


# ---------------------------------------------------------------- whatever is done to it

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["want", "want", "want", "give", "cancel", "turn"]), st.integers(0, 9)
    ),
    max_size=40,
)


@pytest.mark.parametrize("loop", LOOPS)
@given(most=st.sampled_from([None, 1, 3]), per_host=st.sampled_from([None, 1, 2]), steps=STEPS)
def test_whatever_is_done_nobody_waits_for_a_place_that_is_free(loop, most, per_host, steps):
    if most is None and per_host is None:
        return

    async def main():
        model = Model(most, per_host)
        for step, number in steps:
            await getattr(model, step)(number)
            model.check_limits()
        await turn(4 * TURNS)
        model.check_nobody_waits_in_vain()
        await model.finish()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


class Model:
    """Who holds a place, and who waits for one, by name."""

    def __init__(self, most, per_host):
        self.most = float("inf") if most is None else most
        self.per_host = float("inf") if per_host is None else per_host
        self.places = Places(most, per_host)
        self.waiting: dict[asyncio.Task, tuple] = {}
        self.holding: list[tuple] = []

    async def want(self, number):
        origin = (A, B)[number % 2]

        async def take():
            await self.places.take(origin, None)
            self.holding.append(origin)

        task = asyncio.create_task(take())
        self.waiting[task] = origin
        task.add_done_callback(self.waiting.pop)

    async def give(self, number):
        if self.holding:
            self.places.give(self.holding.pop(number % len(self.holding)))

    async def cancel(self, number):
        if self.waiting:
            list(self.waiting)[number % len(self.waiting)].cancel()

    async def turn(self, number):
        await turn(number % 4)

    def check_limits(self):
        assert len(self.holding) <= self.most
        assert max(map(self.holding.count, (A, B))) <= self.per_host

    def check_nobody_waits_in_vain(self):
        for origin in self.waiting.values():
            full = self.holding.count(origin) == self.per_host
            assert full or len(self.holding) == self.most

    async def finish(self):
        """Whoever waits is let in, and at the end all places are free and all lines forgotten."""
        while self.holding:
            await self.give(0)
            await turn()
            self.check_limits()
        assert not self.waiting
        least = min(self.most, self.per_host)
        assert [free(self.places, origin) for origin in (A, B)] == [least] * 2
        assert not self.places._lines

"""The frontier of a closed loop: so many requests, or so long, and the same targets again."""

from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.frontier import FINISHED, Finished, Wait
from crawler.core.pages import Outcome
from crawler.core.repeating import Repeating
from crawler.core.retry import Done
from crawler.core.urls import target_of

DONE = Done(Outcome.OK, None)


def repeating(count=2, *, requests=None, seconds=None, warmup=0.0):
    targets = [target_of(f"http://127.0.0.1/{n}") for n in range(count)]
    return Repeating(
        targets, cycle(range(count)), requests=requests, seconds=seconds, warmup=warmup
    )


def paths(taken):
    return [target.url[-1] for target in taken]


def test_targets_come_again_and_again_each_as_one_of_its_own():
    frontier = repeating(requests=5)
    first, second = frontier.take(3, 1.0), frontier.take(9, 2.0)
    assert paths(first) + paths(second) == ["0", "1", "0", "1", "0"]
    assert [target.taken_at for target in first] == [1.0] * 3
    assert frontier.in_flight == 5
    assert isinstance(frontier.take(1, 3.0), Wait)
    for target in (*second, *first):
        frontier.settle(target, DONE, 4.0)
    assert frontier.in_flight == 0
    assert frontier.take(1, 4.0) is FINISHED
    assert (frontier.measured, frontier.in_warmup) == (5, 0)


def test_time_begins_with_the_first_that_is_taken_and_the_warm_up_does_not_count():
    frontier = repeating(seconds=2.0, warmup=1.0, requests=3)
    assert len(frontier.take(4, 100.0)) == 4
    assert len(frontier.take(1, 100.9)) == 1
    assert len(frontier.take(2, 101.0)) == 2
    assert len(frontier.take(2, 101.1)) == 1
    assert (frontier.in_warmup, frontier.measured) == (5, 3)
    frontier = repeating(seconds=2.0, warmup=1.0)
    assert len(frontier.take(1, 100.0)) == 1
    assert len(frontier.take(1, 102.9)) == 1
    assert isinstance(frontier.take(1, 103.0), Wait)


def test_it_wants_nothing():
    frontier = repeating(requests=1)
    frontier.offer([target_of("http://127.0.0.1/9")])
    frontier.close()
    assert frontier.closed
    assert frontier.room() == 0
    assert isinstance(frontier.take(0, 0.0), Wait)
    assert paths(frontier.take(9, 0.0)) == ["0"]


@settings(max_examples=50)
@given(
    st.one_of(st.none(), st.integers(1, 30)),
    st.one_of(st.none(), st.floats(0.01, 5)),
    st.floats(0, 2),
    st.lists(st.tuples(st.integers(-1, 6), st.floats(0, 1), st.integers(0, 4)), max_size=40),
)
def test_never_more_than_so_many_and_none_behind_the_end(requests, seconds, warmup, steps):
    frontier = repeating(3, requests=requests, seconds=seconds, warmup=warmup)
    now, taken = 5.0, []
    for limit, wait, settled in steps:
        now += wait
        found = frontier.take(limit, now)
        if isinstance(found, list):
            assert 0 < len(found) <= limit
            if seconds is not None:
                assert now < (frontier.began or 0.0) + warmup + seconds
            taken += found
        elif isinstance(found, Finished):
            assert not taken
        for _ in range(min(settled, len(taken))):
            frontier.settle(taken.pop(0), DONE, now)
        assert frontier.in_flight == len(taken)
    assert frontier.measured <= (requests or frontier.measured)

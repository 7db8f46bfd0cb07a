"""The idle pool against a plain list: which connection is taken, and which are to be closed."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crawler.wire.pool import IDLE_SECONDS, IdlePool

A = ("http", "a.test", 80)
B = ("https", "a.test", 80)


def pool_of(*put, **limits):
    """Return a pool into which these were put, one each second."""
    pool: IdlePool[str] = IdlePool(**limits)
    for second, (connection, origin) in enumerate(put):
        pool.put(connection, origin, second)
    return pool


def test_the_newest_to_an_origin_is_taken_first_and_of_no_other():
    pool = pool_of(("old", A), ("other", B), ("new", A))

    assert [pool.take(A) for _ in range(3)] == ["new", "old", None]
    assert len(pool) == 1
    assert pool.take(B) == "other"


def test_the_oldest_of_all_gives_way():
    pool = pool_of(("old", A), ("new", B), most_idle=2)

    assert pool.put("newest", B, 2) == "old"
    assert pool.take(A) is None
    assert len(pool) == 2


def test_who_was_taken_and_came_back_is_the_newest():
    pool = pool_of(("first", A), ("second", A), ("third", A))
    taken = [pool.take(A), pool.take(A)]
    for connection in taken:
        pool.put(connection or "", A, 3)

    assert taken == ["third", "second"]
    assert [pool.oldest() for _ in range(4)] == ["first", "third", "second", None]


def test_a_pool_of_none_keeps_none():
    pool = pool_of(most_idle=0)

    assert pool.put("only", A, 0) == "only"
    assert pool.take(A) is None


def test_time_is_over_at_the_very_moment_and_not_before():
    pool = pool_of(("old", A), ("new", A), idle_seconds=10)

    assert pool.next_expiry() == 10
    assert pool.expired(9.9) == []
    assert pool.expired(10) == ["old"]
    assert pool.next_expiry() == 11
    assert pool.expired(100) == ["new"]
    assert pool.next_expiry() is None


@pytest.mark.parametrize(
    ("limits", "seconds"), [({}, IDLE_SECONDS), ({"idle_seconds": None}, None)]
)
def test_time_has_a_limit_unless_it_is_said_to_have_none(limits, seconds):
    assert pool_of(("only", A), **limits).next_expiry() == (seconds or float("inf"))


def test_what_is_gone_or_was_never_there_is_forgotten():
    pool = pool_of(("old", A), ("new", A))
    for connection in ("old", "old", "unknown"):
        pool.remove(connection)

    assert len(pool) == 1
    assert [pool.take(A), pool.take(A)] == ["new", None]
    assert repr(pool) == "<IdlePool 0 idle to 0 origins>"


# ---------------------------------------------------------------- against a plain list

origins = st.sampled_from([A, B, ("http", "b.test", 80)])


class AgainstAList(RuleBasedStateMachine):
    """The same is done to both, in any order; the list holds them in the order of their return."""

    @initialize(most=st.sampled_from([None, 0, 1, 3]), seconds=st.sampled_from([None, 0, 2.5, 10]))
    def begin(self, most, seconds):
        self.pool: IdlePool[int] = IdlePool(most, seconds)
        self.most = float("inf") if most is None else most
        self.seconds = float("inf") if seconds is None else seconds
        self.idle: list[tuple[int, tuple, float]] = []
        self.busy: list[int] = []
        self.new = itertools.count()
        self.now = 0.0

    @rule(seconds=st.sampled_from([0.5, 2.5, 7]))
    def time_goes_by(self, seconds):
        self.now += seconds

    @rule(origin=origins, again=st.booleans())
    def put(self, origin, again):
        connection = self.busy.pop() if again and self.busy else next(self.new)
        self.idle.append((connection, origin, self.now))
        surplus = self.idle.pop(0)[0] if len(self.idle) > self.most else None
        assert self.pool.put(connection, origin, self.now) == surplus

    @rule(origin=origins)
    def take(self, origin):
        found = [entry for entry in self.idle if entry[1] == origin]
        for entry in found[-1:]:
            self.idle.remove(entry)
            self.busy.append(entry[0])
        assert self.pool.take(origin) == (found[-1][0] if found else None)

    @rule()
    def make_room(self):
        assert self.pool.oldest() == (self.idle.pop(0)[0] if self.idle else None)

    @rule(number=st.integers(0, 20))
    def lose(self, number):
        self.idle = [entry for entry in self.idle if entry[0] != number]
        self.busy = [connection for connection in self.busy if connection != number]
        self.pool.remove(number)

    @rule()
    def sweep(self):
        old = [entry for entry in self.idle if entry[2] + self.seconds <= self.now]
        self.idle = [entry for entry in self.idle if entry not in old]
        assert self.pool.expired(self.now) == [entry[0] for entry in old]

    @invariant()
    def they_hold_the_same(self):
        first = self.idle[0][2] + self.seconds if self.idle else None
        of_origins = len({origin for _, origin, _ in self.idle})
        assert self.pool.next_expiry() == first
        assert len(self.pool) == len(self.idle)
        assert repr(self.pool) == f"<IdlePool {len(self.idle)} idle to {of_origins} origins>"


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=40, stateful_step_count=30)

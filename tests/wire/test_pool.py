"""The idle pool against a plain list: which connection is taken, and which are to be closed."""

import itertools
import random

import pytest

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


class Both:
    """A pool, and a list that holds the same in the order of its return; both do the same."""

    def __init__(self, most, seconds, chance):
        self.pool: IdlePool[int] = IdlePool(most, seconds)
        self.most = float("inf") if most is None else most
        self.seconds = float("inf") if seconds is None else seconds
        self.idle: list[tuple[int, tuple, float]] = []
        self.busy: list[int] = []
        self.new = itertools.count()
        self.now = 0.0
        self.chance = chance

    def origin(self):
        return self.chance.choice([A, B, ("http", "b.test", 80)])

    def time_goes_by(self):
        self.now += self.chance.choice([0.5, 2.5, 7])

    def put(self):
        origin, again = self.origin(), self.busy and self.chance.random() < 0.5
        connection = self.busy.pop() if again else next(self.new)
        self.idle.append((connection, origin, self.now))
        surplus = self.idle.pop(0)[0] if len(self.idle) > self.most else None
        assert self.pool.put(connection, origin, self.now) == surplus

    def take(self):
        origin = self.origin()
        found = [entry for entry in self.idle if entry[1] == origin]
        for entry in found[-1:]:
            self.idle.remove(entry)
            self.busy.append(entry[0])
        assert self.pool.take(origin) == (found[-1][0] if found else None)

    def make_room(self):
        assert self.pool.oldest() == (self.idle.pop(0)[0] if self.idle else None)

    def lose(self):
        known = [*self.busy, *(entry[0] for entry in self.idle), -1]
        gone = self.chance.choice(known)
        self.idle = [entry for entry in self.idle if entry[0] != gone]
        self.busy = [connection for connection in self.busy if connection != gone]
        self.pool.remove(gone)

    def sweep(self):
        old = [entry for entry in self.idle if entry[2] + self.seconds <= self.now]
        self.idle = [entry for entry in self.idle if entry not in old]
        assert self.pool.expired(self.now) == [entry[0] for entry in old]

    def check(self):
        first = self.idle[0][2] + self.seconds if self.idle else None
        of_origins = len({origin for _, origin, _ in self.idle})
        assert self.pool.next_expiry() == first
        assert len(self.pool) == len(self.idle)
        assert repr(self.pool) == f"<IdlePool {len(self.idle)} idle to {of_origins} origins>"


RULES = [Both.time_goes_by, Both.put, Both.take, Both.make_room, Both.lose, Both.sweep]
WEIGHTS = [2, 8, 4, 1, 1, 1]


@pytest.mark.parametrize("most", [None, 0, 1, 7])
@pytest.mark.parametrize("seconds", [None, 0, 2.5, 20])
def test_whatever_is_done_in_whatever_order_both_say_the_same(most, seconds):
    chance = random.Random(f"{most} {seconds}")
    both = Both(most, seconds, chance)
    for rule in chance.choices(RULES, WEIGHTS, k=1_000):
        rule(both)
        both.check()

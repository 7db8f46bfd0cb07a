"""The frontier against a model of it, in stepped time; nothing here waits."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crawler.core import frontier as frontier_module
from crawler.core.frontier import FINISHED, Finished, Frontier, Wait
from crawler.core.pacing import PUBLIC_GAP, PUBLIC_IN_FLIGHT
from crawler.core.pages import Outcome, Target
from crawler.core.retry import Again, Done

DONE = Done(Outcome.OK)
HOSTS = ("home-1", "home-2", "public-1", "public-2")


def is_home(host):
    return host.startswith("home")


def target(host, number=0):
    address = f"http://{host}/{number}"
    return Target(url=address, address=address, host=host)


def frontier_of(*hosts, window=4096):
    frontier = Frontier(is_home=is_home, window=window)
    frontier.offer(target(host, number) for number, host in enumerate(hosts))
    return frontier


def taken(step):
    """What a take gave, which must have been something."""
    assert isinstance(step, list)
    assert step
    return step


class Model(RuleBasedStateMachine):
    """What the frontier may do, written down the slow and simple way."""

    def __init__(self):
        super().__init__()
        self.frontier = Frontier(is_home=is_home, window=16)
        self.now = 1000.0
        self.offered = 0
        self.closed = False
        self.waiting: dict[int, tuple[Target, float]] = {}
        self.in_flight: dict[int, Target] = {}
        self.done: set[int] = set()
        self.asked_at: dict[str, float] = {}
        self.all: list[Target] = []  # so that no id is used twice

    def busy(self, host):
        return sum(one.host == host for one in self.in_flight.values())

    def free_at(self, one, not_before):
        """The time from which a waiting target may be taken; None: something must settle."""
        if is_home(one.host):
            return not_before
        if self.busy(one.host) >= PUBLIC_IN_FLIGHT:
            return None
        return max(not_before, self.asked_at.get(one.host, 0.0) + PUBLIC_GAP)

    def free_times(self):
        times = (self.free_at(*entry) for entry in self.waiting.values())
        return [time for time in times if time is not None]

    @precondition(lambda self: not self.closed)
    @rule(hosts=st.lists(st.sampled_from(HOSTS), max_size=8))
    def offer(self, hosts):
        targets = [target(host, self.offered + n) for n, host in enumerate(hosts)]
        self.frontier.offer(targets)
        self.offered += len(targets)
        self.all += targets
        self.waiting |= {id(one): (one, 0.0) for one in targets}

    @rule()
    def close(self):
        self.frontier.close()
        self.closed = True

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.25, 3.0]) | st.floats(0, 2))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(limit=st.integers(-1, 9))
    def take(self, limit):
        step = self.frontier.take(limit, self.now)
        if isinstance(step, Finished):
            assert self.closed
            assert not self.waiting
            assert not self.in_flight
        elif isinstance(step, Wait):
            self.nothing_was_free(step, limit)
        else:
            assert 0 < len(step) <= limit
            for one in step:
                self.was_free(one)
            assert len(step) == limit or not self.free_now()

    def free_now(self):
        return [time for time in self.free_times() if time <= self.now]

    def was_free(self, one):
        time = self.free_at(*self.waiting.pop(id(one)))
        assert time is not None
        assert time <= self.now
        assert one.taken_at == self.now
        self.in_flight[id(one)] = one
        self.asked_at[one.host] = self.now

    def nothing_was_free(self, step, limit):
        assert not (self.closed and not self.waiting and not self.in_flight)
        if limit < 1:
            assert step.until is None
            return
        assert not self.free_now()
        if step.until is not None:
            assert step.until > self.now
        if times := self.free_times():
            assert step.until is not None
            assert step.until <= min(times)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), delay=st.none() | st.floats(0, 5))
    def settle(self, data, delay):
        number = list(self.in_flight)[data.draw(st.integers(0, len(self.in_flight) - 1))]
        one = self.in_flight.pop(number)
        if delay is None:
            self.frontier.settle(one, DONE, self.now)
            self.done.add(number)
        else:
            self.frontier.settle(one, Again(self.now + delay), self.now)
            self.waiting[number] = (one, self.now + delay)
        with pytest.raises(KeyError):
            self.frontier.settle(one, DONE, self.now)

    @invariant()
    def the_books_balance(self):
        assert self.frontier.offered == self.offered
        assert self.frontier.settled == len(self.done)
        assert self.frontier.in_flight == len(self.in_flight)
        assert self.offered == len(self.done) + len(self.waiting) + len(self.in_flight)

    @invariant()
    def room_is_none_or_worth_the_asking(self):
        room = 16 - len(self.waiting)
        assert self.frontier.room() == (room if room >= 4 and not self.closed else 0)

    def teardown(self):
        """Half of the runs end by themselves, half are cut off; nothing is lost in either."""
        if self.offered % 2:
            left = self.frontier.abandon()
            recalled = self.frontier.recall()
            assert sorted(map(id, left)) == sorted(self.waiting)
            assert sorted(map(id, recalled)) == sorted(self.in_flight)
            assert self.frontier.take(1, self.now) == FINISHED
            assert self.frontier.settled == self.frontier.offered
            return
        self.close()
        while not isinstance(step := self.frontier.take(99, self.now), Finished):
            if isinstance(step, Wait):
                assert step.until is None or step.until > self.now
                self.now = self.now if step.until is None else step.until
            else:
                self.in_flight |= {id(one): one for one in step}
            for one in list(self.in_flight.values()):
                self.frontier.settle(one, DONE, self.now)
                self.done.add(id(one))
            self.in_flight.clear()
        assert len(self.done) == self.offered


TestModel = Model.TestCase
TestModel.settings = settings(stateful_step_count=40)


def test_a_list_without_links_is_finished_when_closed_and_empty():
    frontier = frontier_of("home-1")
    [one] = taken(frontier.take(5, 0.0))
    frontier.settle(one, DONE, 0.0)

    assert frontier.take(5, 0.0) == Wait(None)
    frontier.close()
    assert frontier.take(5, 0.0) is FINISHED


def test_home_hosts_have_no_limit():
    frontier = frontier_of(*["home-1"] * 500)

    assert len(taken(frontier.take(1000, 0.0))) == 500


def test_a_public_host_is_asked_every_quarter_of_a_second_four_at_once():
    frontier = frontier_of(*["public-1"] * 6)
    times, now = [], 0.0
    flying: list[Target] = []
    while len(flying) < 4:
        step = frontier.take(99, now)
        if isinstance(step, Wait):
            assert step.until is not None
            now = step.until
        else:
            times.append(now)
            flying += taken(step)

    assert times == [0.0, 0.25, 0.5, 0.75]
    assert frontier.take(99, 50.0) == Wait(None)
    frontier.settle(flying[0], DONE, 50.0)
    assert len(taken(frontier.take(99, 50.0))) == 1


def test_hosts_take_turns():
    frontier = frontier_of(*["home-1"] * 100, "home-2", "home-3")

    assert {one.host for one in taken(frontier.take(3, 0.0))} == {"home-1", "home-2", "home-3"}


def test_a_slow_public_host_holds_up_no_other():
    frontier = frontier_of(*["public-1"] * 50, "public-2", *["home-1"] * 5)

    hosts = [one.host for one in taken(frontier.take(99, 0.0))]

    assert sorted(hosts) == ["home-1"] * 5 + ["public-1", "public-2"]


def test_within_a_host_the_order_is_kept():
    frontier = frontier_of(*["home-1"] * 20)

    step = [*taken(frontier.take(7, 0.0)), *taken(frontier.take(99, 0.0))]

    assert [one.address.rpartition("/")[2] for one in step] == [str(n) for n in range(20)]


def test_a_retry_comes_at_its_time_and_counts_its_attempts():
    frontier = frontier_of("home-1")
    [one] = taken(frontier.take(1, 0.0))
    frontier.settle(one, Again(7.5), 1.0)
    frontier.close()

    assert frontier.take(1, 7.4999) == Wait(7.5)
    assert taken(frontier.take(1, 7.5)) == [one]
    assert one.attempt == 2


def test_the_wait_is_until_whatever_comes_first():
    frontier = frontier_of("home-1", "public-1", "public-1")
    for one in taken(frontier.take(2, 0.0)):
        if one.host == "home-1":
            frontier.settle(one, Again(0.1), 0.0)

    assert frontier.take(1, 0.05) == Wait(0.1)
    taken(frontier.take(1, 0.1))
    assert frontier.take(1, 0.1) == Wait(0.25)


def test_a_retry_of_a_public_host_keeps_the_gap():
    frontier = frontier_of("public-1", "public-1")
    [one] = taken(frontier.take(1, 0.0))
    frontier.settle(one, Again(0.3), 0.1)
    taken(frontier.take(1, 0.25))

    assert frontier.take(1, 0.3) == Wait(0.5)
    assert taken(frontier.take(1, 0.5)) == [one]


def test_a_name_whose_peer_is_at_home_is_free_after_its_first_settle():
    frontier = frontier_of(*["public-1"] * 20)
    [one] = taken(frontier.take(9, 0.0))
    frontier.settle(one, Done(Outcome.OK, home=True), 0.1)

    assert len(taken(frontier.take(99, 0.25))) == 19


def test_a_home_name_whose_peer_is_public_is_polite_after_its_first_settle():
    frontier = frontier_of("home-1")
    [one] = taken(frontier.take(1, 0.0))
    frontier.settle(one, Done(Outcome.OK, home=False), 0.1)
    frontier.offer(target("home-1", number) for number in range(9))

    assert len(taken(frontier.take(99, 1.0))) == 1
    assert frontier.take(99, 1.0) == Wait(1.25)


def test_a_host_found_to_be_public_while_more_wait_for_it_gets_no_fifth_request():
    frontier = frontier_of(*["home-1"] * 10)
    flying = taken(frontier.take(6, 0.0))
    frontier.settle(flying[0], Done(Outcome.OK, home=False), 1.0)

    assert frontier.take(1, 1.0) == Wait(None)


def test_a_host_found_to_be_public_is_not_asked_again_within_the_gap():
    frontier = frontier_of(*["home-1"] * 10)
    [one] = taken(frontier.take(1, 1.0))
    frontier.settle(one, Done(Outcome.OK, home=False), 1.1)

    assert frontier.take(1, 1.1) == Wait(1.25)


def test_targets_without_a_host_are_handed_out_at_once():
    frontier = Frontier(is_home=lambda _: False)
    frontier.offer(Target(url="x", address="", host="", problem="no scheme") for _ in range(50))

    assert len(taken(frontier.take(99, 0.0))) == 50


def test_room_comes_back_only_when_a_quarter_is_free():
    frontier = frontier_of(*["home-1"] * 100, window=100)
    assert frontier.room() == 0
    taken(frontier.take(24, 0.0))
    assert frontier.room() == 0
    taken(frontier.take(1, 0.0))
    assert frontier.room() == 25
    frontier.close()
    assert frontier.room() == 0


def test_what_was_abandoned_is_given_back_once_and_nothing_is_taken_after():
    frontier = frontier_of(*HOSTS, *HOSTS)
    first, second, *flying = taken(frontier.take(6, 0.0))
    frontier.settle(first, Again(99.0), 0.0)
    frontier.settle(second, DONE, 0.0)

    left = frontier.abandon()

    assert first in left
    assert len(left) + len(flying) + 1 == len(HOSTS) * 2
    assert frontier.abandon() == []
    assert frontier.take(99, 1000.0) == Wait(None)
    assert frontier.recall() == flying
    assert frontier.recall() == []
    assert frontier.take(99, 1000.0) is FINISHED
    assert frontier.settled == frontier.offered
    with pytest.raises(KeyError):
        frontier.settle(flying[0], DONE, 1000.0)


def test_hosts_that_nothing_waits_for_are_forgotten(monkeypatch):
    monkeypatch.setattr(frontier_module, "HOSTS_REMEMBERED", 50)
    frontier = Frontier(is_home=is_home)
    for number in range(1000):
        frontier.offer([target(f"public-{number}")])
        [one] = taken(frontier.take(1, float(number)))
        frontier.settle(one, DONE, float(number))

    assert len(frontier._hosts) <= 51


def test_a_host_asked_a_moment_ago_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(frontier_module, "HOSTS_REMEMBERED", 5)
    frontier = frontier_of(*[f"public-{number}" for number in range(20)])
    for one in taken(frontier.take(99, 0.0)):
        frontier.settle(one, DONE, 0.1)
    frontier.offer([target("public-3")])

    assert frontier.take(1, 0.2) == Wait(0.25)


def test_only_the_time_that_politeness_held_a_place_free_is_counted():
    frontier = frontier_of("public-1", "public-1", "home-1")
    taken(frontier.take(9, 10.0))
    assert frontier.take(9, 10.1) == Wait(10.25)
    [one] = taken(frontier.take(9, 10.25))
    assert frontier.take(9, 10.5) == Wait(None)
    frontier.settle(one, DONE, 20.0)
    frontier.take(9, 20.0)

    assert frontier.held_s == pytest.approx(0.15)

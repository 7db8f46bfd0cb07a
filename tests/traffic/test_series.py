import sys
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.histogram import index_of
from crawler.traffic.series import MOST, Series
from crawler.traffic.tally import COARSE, Piece

S = 1_000_000_000
MS = 1_000_000


def piece(at, *, length=S, ms=(5,), **counts):
    response = Counter(index_of(one * MS) >> COARSE for one in ms)
    counts["most"] = max(ms, default=0) * MS
    return Piece(at, length, **{"sent": len(ms), "ok": len(ms), **counts}, response=response)


def test_before_the_first_piece_there_is_nothing_to_see():
    assert Series(0, S).glance() is None


def test_a_glance_has_the_last_second_all_so_far_and_a_rate_for_each_slice():
    series = Series(7 * S, S // 2)
    for number, took in enumerate((1, 2, 4)):
        at = 7 * S + number * S // 2
        series.add(piece(at, length=S // 2, ms=[took] * 10 * took, busy=3.0 * S))
    seen = series.glance()
    assert seen is not None
    assert list(seen.rates) == [20, 40, 80]
    last, whole = seen.last, seen.whole
    assert [last.at_s, last.seconds, last.ok] == [0.5, 1, 60]
    assert [whole.seconds, whole.ok, whole.in_flight] == [1.5, 70, 6]
    assert seen.last.p50_ms == pytest.approx(4, rel=0.01)
    assert seen.whole.max_ms == pytest.approx(4, rel=0.01)


def test_an_error_is_an_answer_and_a_reset_is_none():
    series = Series(0, S)
    series.add(piece(0, ms=[1] * 6, http_error=3, network=2, timeout=1))
    seen = series.glance()
    assert seen is not None
    assert list(seen.rates) == [9]


def test_a_piece_that_reaches_from_the_warm_up_into_the_test_counts_in_its_first_slice():
    series = Series(10 * S, S)
    series.add(piece(8 * S, ms=(), busy=5.0 * S))
    assert series.slices() == ()
    series.add(piece(9 * S, busy=5.0 * S, network=2))
    series.add(piece(10 * S, busy=3.0 * S))
    (only,) = series.slices()
    assert (only.at_s, only.sent, only.ok, only.network, only.in_flight) == (0, 2, 2, 2, 3)
    assert series.total.ok == 2


def test_rates_are_of_the_last_minute():
    series = Series(0, S)
    for second in range(100):
        series.add(piece(second * S, ms=[1] * second))
    seen = series.glance()
    assert seen is not None
    assert list(seen.rates) == list(range(40, 100))


def test_what_two_processes_did_at_once_is_one_slice():
    series = Series(0, S)
    series.add(piece(0, busy=2.0 * S))
    series.add(piece(1000, busy=3.0 * S))
    (only,) = series.slices()
    assert only.ok == 2
    assert only.in_flight == pytest.approx(5, rel=1e-3)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5 * MOST), min_size=1, max_size=60))
def test_nothing_is_lost_when_slices_become_one(seconds):
    series = Series(0, S)
    for second in seconds:
        series.add(piece(second * S))
    slices = series.slices()
    assert len(slices) <= MOST
    assert sum(one.ok for one in slices) == series.total.ok == len(seconds)
    assert [one.at_s for one in slices] == sorted(one.at_s for one in slices)


@pytest.fixture
def hasty():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_one_thread_may_read_while_another_adds():
    series, done, counts = Series(0, S), threading.Event(), [0]
    series.add(piece(0, ms=()))

    def read():
        try:
            while not done.is_set():
                series.glance()
                counts.append(sum(one.sent for one in series.slices()))
        finally:
            done.set()

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1500):
        series.add(piece(number * S // 200, ms=range(20 * number, 20 * number + 20)))
    assert not done.is_set()
    done.set()
    reader.join()
    assert counts == sorted(counts)

"""The pulse: beats that none is left out of, means, and where pieces end."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crawler.traffic.pulse import BEAT, Pulse

MS = 1_000_000
S = 1_000_000_000


def test_a_mean_leaves_out_the_warm_up_and_a_piece_does_not():
    pulse = Pulse(0, S, 3 * BEAT)
    for in_flight in (9, 9, 9, 1, 3):
        pulse.beat(in_flight, None)
    assert pulse.mean() == 2
    assert pulse.piece_mean() == 31 / 5
    assert pulse.piece_mean() == 0


def test_before_any_beat_the_mean_is_nothing():
    assert Pulse(0, S, 0).mean() == 0


@given(st.integers(1, 10 * BEAT))
def test_one_beat_is_at_the_end_and_the_others_at_even_times(ends):
    pulse, dues = Pulse(100, S, 100), []
    for _ in range(14):
        dues.append(pulse.due)
        pulse.beat(1, 100 + ends)
    assert 100 + ends in dues
    assert dues == sorted(set(dues))
    assert all(later - earlier <= BEAT for earlier, later in pairwise(dues))


@given(st.integers(1, 3 * S), st.integers(0, 5 * S), st.lists(st.integers(0, 2 * S), max_size=30))
def test_a_piece_ends_once_for_each_length_and_one_where_the_warm_up_does(length, warmup, waits):
    start = 7 * S
    pulse, now, ends = Pulse(start, length, start + warmup), start, []
    for wait in waits:
        now += wait
        if pulse.is_piece_over(now):
            ends.append(now)
            assert not pulse.is_piece_over(now)
    parts = [(end - start - warmup) // length for end in ends]
    assert parts == sorted(set(parts))


def test_beats_fall_on_all_moments_between_two_requests_of_a_timetable():
    """Else what is in flight would always be looked at just when a request has left."""
    for rate in (10, 50, 100, 128, 200, 250, 300, 500, 1000, 2000, 3000, 5000, 10_000):
        gap = S / rate
        tenths = {int(number * BEAT % gap / gap * 10) for number in range(500)}
        assert len(tenths) == 10, rate

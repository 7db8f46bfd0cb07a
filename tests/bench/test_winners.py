"""Who is fastest is decided by the ratios of each round, and a threshold by all values above it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.grid.winners import MATTERS, Change, change, compared, fastest
from crawler import MODES

SPEEDS = st.floats(min_value=1.0, max_value=1e5)
RATES = st.dictionaries(
    st.sampled_from(MODES), st.lists(SPEEDS, min_size=3, max_size=3), min_size=1
)


def test_the_fastest_in_every_round_wins():
    found = fastest({"threads": [100, 110, 90], "async": [80, 90, 70], "serial": [10, 10, 10]})

    assert ("threads", ("threads",), "async", True) == (
        found.mode, found.tied, found.next, found.decided,
    )  # fmt: skip
    assert found.lead is not None
    assert pytest.approx(100 / 80) == found.lead.median


def test_one_round_the_other_way_decides_nothing_and_the_simplest_wins():
    found = fastest({"hybrid": [120, 120, 99], "async": [100, 100, 100], "serial": [50, 50, 50]})

    assert ("async", ("async", "hybrid"), "serial", False) == (
        found.mode, found.tied, found.next, found.decided,
    )  # fmt: skip


def test_a_lead_that_nobody_would_notice_decides_nothing():
    little, enough = [100 * (MATTERS - 0.01)] * 3, [100 * (MATTERS + 0.01)] * 3

    assert "threads" == fastest({"threads": [100] * 3, "async": little}).mode
    assert "async" == fastest({"threads": [100] * 3, "async": enough}).mode


def test_a_mode_alone_leads_nobody():
    found = fastest({"serial": [1.0]})

    assert (None, None, True) == (found.next, found.lead, found.decided)


@given(RATES)
def test_the_winner_is_the_simplest_of_those_that_are_not_surely_slower(rates):
    found = fastest(rates)
    simpler = MODES[: MODES.index(found.mode)]

    assert not set(simpler) & set(found.tied)
    assert all(compared(rates[found.mode], rates[m]) >= 0 for m in rates if len(found.tied) == 1)


@given(RATES, st.floats(min_value=0.5, max_value=2.0))
def test_a_machine_that_is_faster_as_a_whole_has_the_same_winner(rates, factor):
    found = fastest(rates)
    faster = fastest({mode: [factor * one for one in ours] for mode, ours in rates.items()})

    # A ratio that is MATTERS to the last digit may fall on either side of it.
    assert found.tied == faster.tied or any(
        abs(a / b - MATTERS) < 1e-9 for x in rates.values() for y in rates.values()
        for a, b in zip(x, y, strict=True)
    )  # fmt: skip


@given(st.lists(SPEEDS, min_size=1, max_size=5), st.data())
def test_what_is_faster_one_way_is_slower_the_other(ours, data):
    theirs = data.draw(st.lists(SPEEDS, min_size=len(ours), max_size=len(ours)))

    assert compared(ours, theirs) == -compared(theirs, ours)


@pytest.mark.parametrize(
    ("verdicts", "before", "at"),
    [
        ((1, 1, 1), None, 1),
        ((0, 1, 1), 1, 2),
        ((-1, 0, 1), 2, 3),
        ((1, 0, 1), 2, 3),
        ((1, 1, 0), 3, None),
        ((-1, -1, -1), 3, None),
    ],
)
def test_a_threshold_lies_between_the_last_no_and_the_first_yes_of_all_yes(verdicts, before, at):
    assert Change(before, at) == change(zip((1, 2, 3), verdicts, strict=True))


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1))
def test_above_a_threshold_all_is_sure_and_just_below_it_is_not(verdicts):
    found = change(enumerate(verdicts))
    above = [v for x, v in enumerate(verdicts) if found.at is not None and x >= found.at]

    assert {1} >= set(above)
    assert found.before is None or verdicts[int(found.before)] != 1
    assert found.before is not None or found.at == 0
    assert found.before is None or found.at is None or found.before + 1 == found.at

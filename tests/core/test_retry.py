"""Again or give up: which failures may pass, and how long to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.pages import Fetched, Outcome, Target, Timing, outcome_of_status
from crawler.core.retry import BASE_DELAY, MAX_DELAY, MAX_RETRY_AFTER, Again, RetryPolicy

NOW = 1000.0
PASSING = {Outcome.TIMEOUT, Outcome.REFUSED, Outcome.RESET, Outcome.DNS}


def target(attempt):
    return Target(url="http://h/", address="http://h/", host="h", attempt=attempt)


def fetched(outcome=Outcome.TIMEOUT, **given):
    timing = Timing(queue=0.0, total=1.0)
    return Fetched(url="http://h/", final_url="http://h/", outcome=outcome, timing=timing, **given)


def delay(attempt, draw, **given):
    again = RetryPolicy(2000).decide(target(attempt), fetched(**given), NOW, draw)
    assert again is not None
    return again.not_before - NOW


@given(st.integers(1, 60), st.floats(0, 1, exclude_max=True))
def test_the_delay_is_anywhere_below_a_doubling_ceiling(attempt, draw):
    ceiling = min(MAX_DELAY, BASE_DELAY * 2 ** (attempt - 1))

    assert delay(attempt, draw) == pytest.approx(ceiling * draw)


def test_full_jitter_begins_at_nothing_and_nears_its_ceiling():
    assert delay(3, 0.0) == 0.0
    assert delay(3, 0.999) == pytest.approx(2.0, rel=0.01)
    assert delay(30, 0.999) == pytest.approx(MAX_DELAY, rel=0.01)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_failures_that_may_pass_are_tried_again(outcome):
    again = RetryPolicy(2).decide(target(1), fetched(outcome), NOW, 0.5)

    assert (again is not None) == (outcome in PASSING)


def test_only_statuses_that_may_pass_are_tried_again():
    again = {
        status
        for status in range(200, 600)
        if RetryPolicy(2).decide(
            target(1), fetched(outcome_of_status(status), status=status), NOW, 0.5
        )
    }

    assert again == {429, 502, 503, 504}


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (2, 3), (5, 6)])
def test_a_target_is_tried_once_and_then_as_often_as_told(retries, attempts):
    policy = RetryPolicy(retries)
    tried = 1
    while policy.decide(target(tried), fetched(), NOW, 0.5) is not None:
        tried += 1

    assert tried == attempts


def test_a_server_that_asks_for_patience_gets_it_within_reason():
    answer = {"outcome": Outcome.HTTP_ERROR, "status": 503}

    assert delay(1, 0.9, retry_after=7.0, **answer) == 7.0
    assert delay(5, 0.999, retry_after=1.0, **answer) > 7.0
    assert delay(1, 0.9, retry_after=1e9, **answer) == MAX_RETRY_AFTER
    assert delay(1, 0.0, retry_after=0.0, **answer) == 0.0


@pytest.mark.parametrize("home", [None, True, False])
def test_what_was_learnt_about_the_peer_goes_along(home):
    again = RetryPolicy(2).decide(target(1), fetched(home=home), NOW, 0.0)

    assert again == Again(NOW, home)


def test_the_thousandth_retry_is_no_special_case():
    assert delay(1030, 0.5) == MAX_DELAY / 2

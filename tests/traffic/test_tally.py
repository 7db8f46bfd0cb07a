"""What notes add up to, however they are cut into folds and divided over processes."""

import pickle
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.histogram import Histogram
from crawler.traffic.tally import EARLY, NAMED, REASONS, Tally

FROM = 1_000
ENDS = st.sampled_from([*range(len(REASONS)), 200, 204, 301, 399, 400, 404, 503])
TIMES = st.integers(0, 10**9)


@st.composite
def notes(draw, most=25):
    """Notes in order of their ends, some of the warm-up, some never written."""
    made = []
    for _ in range(draw(st.integers(0, most))):
        status = draw(ENDS)
        due = draw(st.integers(0, 5_000))
        noticed = due + draw(TIMES)
        sent = noticed + draw(TIMES)
        ended = sent + draw(TIMES)
        if status < 100 and draw(st.booleans()):
            sent = 0
        made.append(
            (status, due, noticed, sent, ended, draw(st.integers(0, 999)), draw(st.integers(0, 2)))
        )
    return sorted(made, key=lambda note: note[4])


def tally_of(made, cuts=(), targets=3):
    tally = Tally(0, FROM, targets, 1)
    edges = [0, *sorted({min(cut, len(made)) for cut in cuts}), len(made)]
    for begin, end in pairwise(edges):
        tally.fold(made[begin:end])
    return tally


def counts(histogram):
    return (histogram.sparse(), histogram.total)


def figures(tally):
    """All that does not depend on the order of the notes."""
    simple = ("warmup", "unwritten", "bytes", "statuses", "target_failures", "target_timeouts")
    times = [tally.response, tally.service, tally.lag, tally.wait, tally.connect]
    histograms = [*times, *tally.failed.values(), *tally.by_target]
    return [getattr(tally, name) for name in simple] + [counts(one) for one in histograms]


@settings(max_examples=12)
@given(notes(), st.lists(st.integers(0, 40), max_size=5))
def test_it_does_not_matter_where_notes_are_cut(made, cuts):
    whole, parts = tally_of(made), tally_of(made, cuts)
    assert figures(whole) == figures(parts)
    assert whole.early == parts.early
    assert whole.spent() == parts.spent()


@settings(max_examples=12)
@given(notes())
def test_each_note_is_counted_once_and_where_it_belongs(made):
    tally = tally_of(made)
    measured = [note for note in made if note[1] >= FROM]
    assert tally.warmup == len(made) - len(measured)
    assert tally.statuses == Counter(note[0] for note in measured)
    ends = Counter(Tally.outcome(note[0]) for note in measured)
    assert len(tally.response) == len(tally.service) == len(tally.wait)
    assert len(tally.response) == ends["ok"] + ends["timeout"]
    assert {name: len(tally.failed[name]) for name in tally.failed} == {
        name: ends[name] for name in ("http-error", "network", "timeout")
    }
    piece = tally.cut(10**12, 0.0)
    assert piece.ended == tally.ended == len(measured)
    assert (piece.ok, piece.http_error, piece.network, piece.timeout) == (
        ends["ok"], ends["http-error"], ends["network"], ends["timeout"],
    )  # fmt: skip
    assert piece.bytes == tally.bytes == sum(note[5] for note in measured)
    assert sum(piece.response.values()) == len(tally.response)
    for number in range(3):
        mine = [note for note in measured if note[6] == number]
        failed = tally.target_failures[number] - tally.target_timeouts[number]
        assert len(mine) == len(tally.by_target[number]) + failed


@settings(max_examples=12)
@given(notes())
def test_the_time_of_each_good_answer_is_lag_and_wait_and_service(made):
    good = [note for note in made if note[0] in range(100, 400)]
    tally = tally_of(good)
    for note in good:
        if note[1] >= FROM:
            tally.note_lag(note[2] - note[1])
    assert tally.response.total == tally.lag.total + tally.wait.total + tally.service.total


@settings(max_examples=12)
@given(notes(), st.integers(0, 40))
def test_two_processes_count_as_one_would(made, cut):
    whole, first, second = tally_of(made), tally_of(made[:cut]), tally_of(made[cut:])
    for one in (whole, first, second):
        one.close_window()
    merged = pickle.loads(pickle.dumps(first)).merge(second)
    assert figures(merged) == figures(whole)
    assert merged.spent() == whole.spent()
    assert (merged.in_window, merged.bytes_in_window) == (whole.in_window, whole.bytes_in_window)


def note(status, due, ended, *, sent=None, size=10):
    return (status, due, due, due if sent is None else sent, ended, size, 0)


def test_the_window_is_of_answers_and_of_what_came_before_it_was_closed():
    tally = Tally(0, FROM, 1, 1)
    tally.fold([note(200, FROM, 2_000), note(503, FROM, 2_000), note(0, FROM, 2_000)])
    tally.close_window()
    tally.fold([note(200, FROM, 3_000)])
    assert (tally.in_window, tally.bytes_in_window, tally.ended) == (2, 30, 4)


def test_the_first_services_are_kept_the_warm_up_s_too_and_no_more():
    tally = Tally(0, FROM, 1, 3)
    tally.fold([note(200, n, n + 7) for n in range(5)])
    tally.fold([note(503, 5, 500)])
    tally.fold([note(200, n, n + 9) for n in range(100)])
    assert tally.early == [7] * 5 + [9] * (EARLY - 5)


def test_time_in_flight_is_that_since_the_warm_up_of_all_that_ended():
    tally = Tally(0, FROM, 1, 1)
    tally.note_connected(1, held=3)
    tally.fold(
        [
            note(200, FROM - 500, FROM - 100),
            note(200, FROM - 500, FROM + 30),
            note(200, FROM, FROM + 500, sent=FROM + 100),
            note(503, FROM, FROM + 500, sent=FROM + 300),
            note(0, FROM, FROM + 5_000),
            note(1, FROM, FROM + 7_000, sent=0),
        ]
    )
    assert tally.spent() == 3 + 30 + 400 + 200 + 5_000 + 7_000
    assert tally.unwritten == 1


@pytest.mark.parametrize(("targets", "named"), [(1, 0), (2, 2), (NAMED, NAMED), (NAMED + 1, 0)])
def test_targets_have_figures_of_their_own_if_they_are_a_few(targets, named):
    assert len(Tally(0, 0, targets, 1).by_target) == named


def test_a_piece_has_its_length_and_the_worst_lag():
    tally = Tally(100, FROM, 1, 1)
    tally.note_lag(7)
    tally.note_lag(3)
    piece = tally.cut(300, 2.5)
    assert (piece.at, piece.length, piece.busy, piece.lag) == (100, 200, 500.0, 7)
    assert tally.cut(450, 0.0).lag == 0
    assert isinstance(tally.lag, Histogram)

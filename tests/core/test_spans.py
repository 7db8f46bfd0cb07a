"""Spans follow each other within an attempt, and places hold no two at once."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.spans import Places, Trail

times = st.integers(0, 1000)


def names(trail, done=9.0):
    return [(name, began, ended) for _, name, began, ended in trail.done(done)]


def test_an_attempt_waits_for_its_turn_connects_waits_and_reads():
    trail = Trail(None, 1.0, 2.0)
    trail.asked(2.5)
    trail.answered(5.0, ((3.0, 4.0),))
    trail.ended(6.0)

    assert names(trail, 6.5) == [
        ("queue", 1.0, 2.0),
        ("fetch", 2.0, 6.5),
        ("connect", 3.0, 4.0),
        ("wait", 4.0, 5.0),
        ("body", 5.0, 6.0),
    ]


def test_each_hop_has_spans_of_its_own():
    trail = Trail(None, 0.0, 0.0)
    for began in (1.0, 3.0):
        trail.asked(began)
        trail.answered(began + 1, ())
        trail.ended(began + 2)

    assert names(trail)[2:] == [
        ("wait", 1.0, 2.0), ("body", 2.0, 3.0), ("wait", 3.0, 4.0), ("body", 4.0, 5.0),
    ]  # fmt: skip


def test_a_failure_ends_what_was_going_on():
    connecting = Trail(None, 0.0, 0.0)
    connecting.asked(1.0)
    connecting.failed(2.0, (), fresh=True)
    waiting = Trail(None, 0.0, 0.0)
    waiting.asked(1.0)
    waiting.failed(3.0, ((1.0, 2.0),), fresh=True)
    stale = Trail(None, 0.0, 0.0)
    stale.asked(1.0)
    stale.failed(2.0, (), fresh=False)
    reading = Trail(None, 0.0, 0.0)
    reading.asked(1.0)
    reading.answered(2.0, ())
    reading.failed(3.0, (), fresh=True)

    assert names(connecting)[2:] == [("connect", 1.0, 2.0)]
    assert names(waiting)[2:] == [("connect", 1.0, 2.0), ("wait", 2.0, 3.0)]
    assert names(stale)[2:] == [("wait", 1.0, 2.0)]
    assert names(reading)[2:] == [("wait", 1.0, 2.0), ("body", 2.0, 3.0)]


def test_who_did_it_is_in_each_span():
    trail = Trail((7, "page-1"), 0.0, 0.0)
    trail.asked(1.0)
    trail.answered(2.0, ((1.0, 1.5),))

    assert {where for where, *_ in trail.done(2.0)} == {(7, "page-1")}


@given(st.lists(times, min_size=2, max_size=20).map(sorted), st.booleans(), st.data())
def test_whatever_happens_spans_follow_each_other_within_the_fetch(moments, fails, data):
    taken, began, *rest = moments
    trail = Trail(None, taken, began)
    while len(rest) >= 3:
        asked, answered, ended, *rest = rest
        steps = data.draw(st.lists(st.integers(asked, answered), max_size=6).map(sorted))
        connecting = tuple(zip(steps[::2], steps[1::2], strict=False))
        trail.asked(asked)
        if fails and len(rest) < 3:
            trail.failed(ended, connecting, fresh=bool(connecting) or data.draw(st.booleans()))
        else:
            trail.answered(answered, connecting)
            trail.ended(ended)
    queue, fetch, *steps = trail.done(moments[-1])

    assert queue[2:] == (taken, began)
    assert fetch[2:] == (began, moments[-1])
    marks = [began, *(mark for step in steps for mark in step[2:]), moments[-1]]
    assert marks == sorted(marks)


@given(st.lists(st.tuples(times, times).map(sorted)))
def test_no_two_spans_in_one_place_overlap_and_no_place_is_needless(spans):
    places = Places()
    held: dict[int, float] = {}
    for began, ended in sorted(spans, key=lambda span: span[1]):
        place = places.fit(began, ended)
        assert held.get(place, began) <= began
        held[place] = ended
    changes = sorted((at, change) for s in spans for at, change in ((s[0], 1), (s[1], -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)

    assert sorted(held) == [*range(len(held))]
    # A span without length needs a place too, though it is never there.
    assert len(held) <= most + any(began == ended for began, ended in spans)

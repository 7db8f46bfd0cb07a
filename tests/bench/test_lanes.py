"""What overlaps, nests and is idle is found out from spans alone, however they lie."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.lanes import Lane, Span, crossing, length, most_at_once, outermost, read

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
        lambda ends: Span(min(ends), max(ends), "wait")
    ),
    max_size=12,
)


def covered(found):
    """The whole nanoseconds in which something went on."""
    return {at for span in found for at in range(span.began, span.ended)}


@st.composite
def nested(draw, first=0, last=200, depth=4):
    """Spans as calls make them: each begins after the one before it ended, within its caller."""
    made, at = [], first
    while at < last and draw(st.booleans()):
        began = draw(st.integers(at, last))
        ended = draw(st.integers(began, last))
        made.append(Span(began, ended, f"depth {depth}"))
        if depth:
            made += draw(nested(began, ended, depth - 1))
        at = ended
    return made


@given(nested())
def test_what_calls_make_does_not_cross(made):
    assert crossing(made) == []


@given(spans)
def test_spans_cross_if_any_two_do(found):
    def cross(one, other):
        return one.began < other.began < one.ended < other.ended

    assert bool(crossing(found)) is any(cross(one, other) for one in found for other in found)


@pytest.mark.parametrize(
    ("ends", "count"),
    [
        ([(0, 10), (2, 5)], 0),  # within
        ([(0, 10), (10, 20)], 0),  # one after the other
        ([(0, 10), (0, 10)], 0),  # the same
        ([(0, 10), (0, 4), (4, 10)], 0),
        ([(0, 10), (5, 15)], 1),
        ([(0, 20), (0, 10), (5, 15)], 1),
    ],
)
def test_each_crossing_is_told(ends, count):
    assert len(crossing([Span(began, ended, "wait") for began, ended in ends])) == count


@given(spans)
def test_the_length_counts_each_moment_once(found):
    assert length(found) == len(covered(found))


@given(nested())
def test_the_outermost_cover_all_without_overlapping(made):
    top = [*outermost(made)]

    assert sum(span.duration for span in top) == length(top) == length(made)


@given(spans)
def test_most_at_once_is_at_some_moment(found):
    at_each = [sum(s.began <= at < s.ended for s in found) for at in covered(found)]

    assert most_at_once(found) == max(at_each, default=0)


def test_a_file_is_read_back_as_lanes(tmp_path):
    def naming(kind, name, tid):
        return {"ph": "M", "pid": 1, "tid": tid, "name": kind, "args": {"name": name}}

    events = [
        naming("process_name", "crawl 7", 0),
        {"ph": "C", "pid": 1, "name": "loop lag in ms", "ts": 1.0, "args": {}},
        naming("thread_name", "MainThread", 1),
        {"ph": "X", "pid": 1, "tid": 1, "name": "wait", "ts": 2.5, "dur": 1.001},
        {"ph": "X", "pid": 1, "tid": 1, "name": "fetch", "ts": 2.5, "dur": 2.0},
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": events, "otherData": {"wall_ms": 0.005}}))

    wanted = [Span(2500, 4500, "fetch"), Span(2500, 3501, "wait")]
    assert read(path) == ([Lane(group="crawl 7", name="MainThread", spans=wanted)], 5000)

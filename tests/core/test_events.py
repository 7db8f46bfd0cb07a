"""Events are JSON however they are cut into blocks, and name each lane once, before it is used."""

import json

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.events import FOOT, HEAD, Events, Lane, Page


def whole(*blocks):
    return json.loads(HEAD + b"".join(blocks) + FOOT % b"{}")["traceEvents"]


def test_a_span_has_microseconds_since_zero():
    events = Events(100.0)
    events.span(events.lane("crawl 1", "MainThread"), "wait", 100.0005, 100.25)
    [group, lane, span] = whole(events.take())

    assert group == {
        "ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": {"name": "crawl 1"},
    }  # fmt: skip
    assert lane == {
        "ph": "M", "pid": 1, "tid": 1, "name": "thread_name", "args": {"name": "MainThread"},
    }  # fmt: skip
    assert span == {
        "ph": "X", "pid": 1, "tid": 1, "name": "wait", "ts": 500.0, "dur": 249_500.0,
    }  # fmt: skip


def test_what_is_said_of_a_span_stands_in_it():
    events = Events(0.0)
    lane = events.lane("crawl 1", "MainThread")
    events.span(lane, "fetch", 0.0, 1.0, Page('http://a/"}\n{"', "ok", 2))
    events.span(lane, "analyse", 0.0, 1.0, Page("http://a/"))

    assert [event["args"] for event in whole(events.take())[2:]] == [
        {"url": 'http://a/"}\n{"', "outcome": "ok", "attempt": 2}, {"url": "http://a/"},
    ]  # fmt: skip


def test_lanes_of_a_group_share_its_process():
    events = Events(0.0)
    lanes = [events.lane("crawl 1", "MainThread"), *(events.lane("places", n) for n in "12")]

    assert lanes == [(1, 1), (2, 2), (2, 3)]
    assert [event["name"] for event in whole(events.take())].count("process_name") == 2


def test_a_counter_stands_by_its_group():
    events = Events(1.0)
    events.count(events.group("crawl 1"), "loop lag in ms", 1.5, 0.25)

    assert whole(events.take())[-1] == {
        "ph": "C", "pid": 1, "name": "loop lag in ms", "ts": 500_000.0,
        "args": {"loop lag in ms": 0.25},
    }  # fmt: skip


def test_a_hostile_name_is_still_json():
    events = Events(0.0)
    events.lane('"\n\\', '"}')

    assert [event["args"]["name"] for event in whole(events.take())[:2]] == ['"\n\\', '"}']


def test_no_event_at_all_is_a_whole_file_too():
    assert whole(Events(0.0).take()) == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3))))
def test_blocks_join_wherever_they_are_cut(script):
    """A cut is a 0; what is left over at the end may be nothing."""
    events, blocks, count = Events(0.0), [], 0
    lanes: dict[int, Lane] = {}
    for cut, lane in script:
        if cut:
            lanes[lane] = lanes.get(lane) or events.lane("group", str(lane))
            events.span(lanes[lane], "wait", 0.0, 1.0)
            count += 1
        else:
            blocks.append(events.take())
    made = whole(*blocks, events.take())

    assert len([event for event in made if event["ph"] == "X"]) == count
    named = set()
    for event in made:
        if event["ph"] == "M":
            assert (event["pid"], event["tid"]) not in named
            named.add((event["pid"], event["tid"]))
        else:
            assert (event["pid"], event["tid"]) in named


@given(st.lists(st.floats(1e6, 1e6 + 100), min_size=4, max_size=4).map(sorted))
def test_what_nests_still_does_when_it_is_written(moments):
    events = Events(1e6)
    first, second, third, last = moments
    lane = events.lane("crawl 1", "MainThread")
    events.span(lane, "fetch", first, last)
    events.span(lane, "wait", second, third)
    events.span(lane, "analyse", last, last + 1)
    ends = [
        (round(event["ts"] * 1000), round(event["ts"] * 1000) + round(event["dur"] * 1000))
        for event in whole(events.take())
        if event["ph"] == "X"
    ]

    assert ends[0][0] <= ends[1][0] <= ends[1][1] <= ends[0][1] == ends[2][0]

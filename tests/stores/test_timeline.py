"""A timeline is written as it goes, bounded in memory, and is a file only when it is whole."""

import asyncio
import os

import pytest

from crawler.core.entry import Entry
from crawler.core.errors import OutputError
from crawler.core.pages import Fetched, Outcome, Target
from crawler.stores.timeline import BLOCK, Timeline
from tests import traces

ENTRY = Entry(outcome=Outcome.OK)
OWN, WORKER = (os.getpid(), "page-1"), (os.getpid() + 1, "MainThread")


class Kept:
    def __init__(self):
        self.entries = []

    def write(self, entries):
        self.entries += entries

    async def awrite(self, entries):
        self.entries += entries


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.json"


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def timeline(path, kept):
    with Timeline(str(path), kept) as opened:
        opened.begin(100.0)
        yield opened


def target(taken_at=101.0):
    url = "http://a/"
    return Target(url=url, address=url, host="a", attempt=1, taken_at=taken_at)


def fetched(*spans):
    return Fetched(url="http://a/", final_url="http://a/", outcome=Outcome.OK, spans=[*spans])


def lanes(path):
    """The names of spans by the name of their lane."""
    names: dict[int, str] = {}
    found: dict[str, list[str]] = {}
    for event in traces.events(path):
        if event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X":
            found.setdefault(names[event["tid"]], []).append(event["name"])
    return found


def a_fetch(where, queued=101.0, began=102.0, ended=103.0):
    return [(where, "queue", queued, began), (where, "fetch", began, ended)]


def test_until_it_is_finished_there_is_no_file(timeline, path):
    timeline.fetched(target(), fetched(*a_fetch(OWN)), 103.0)
    assert not path.exists()
    timeline.finish("threads")

    assert lanes(path) == {"page-1": ["queue", "fetch"]}


def test_what_is_not_finished_leaves_nothing(tmp_path, kept):
    with Timeline(str(tmp_path / "trace.json"), kept) as timeline:
        timeline.begin(0.0)
        assert len([*tmp_path.iterdir()]) == 1
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_cannot_be_written_is_known_at_once(tmp_path, kept):
    with pytest.raises(OutputError, match="No such file or directory"):
        Timeline(str(tmp_path / "no" / "such"), kept)


def test_a_task_has_the_queue_and_the_fetch_in_one_place(timeline, path):
    """Two that overlap have two; the next has the one that was free last."""
    timeline.fetched(target(), fetched(*a_fetch(None)), 103.0)
    timeline.fetched(target(), fetched(*a_fetch(None, 101.5, 102.5, 104.0)), 104.0)
    timeline.fetched(target(), fetched(*a_fetch(None, 104.5, 105.0, 106.0)), 106.0)
    timeline.finish("async")

    assert lanes(path) == {"place 1": ["queue", "fetch"], "place 2": ["queue", "fetch"] * 2}


def test_a_page_at_the_door_of_a_worker_is_not_in_its_lane(timeline, path):
    timeline.fetched(target(), fetched(*a_fetch(WORKER)), 103.0)
    timeline.finish("processes")

    assert lanes(path) == {"place 1": ["queue"], "MainThread": ["fetch"]}


def test_what_was_lost_with_its_worker_took_from_when_it_was_taken(timeline, path):
    timeline.fetched(target(taken_at=101.0), Fetched(
        url="http://a/", final_url="http://a/", outcome=Outcome.ANALYSE_ERROR), 103.0)  # fmt: skip
    timeline.finish("processes")
    [lost] = [event for event in traces.events(path) if event["ph"] == "X"]

    assert (lost["name"], lost["ts"], lost["dur"]) == ("fetch", 1e6, 2e6)
    assert lost["args"] == {"url": "http://a/", "outcome": "analyse-error", "attempt": 1}


def test_spans_are_shown_once(timeline, path):
    shown = fetched(*a_fetch(OWN))
    timeline.fetched(target(), shown, 103.0)
    assert shown.spans == []
    shown.spans.append((OWN, "line", 103.0, 104.0))
    timeline.worked(target(), shown.spans)
    timeline.finish("threads")

    assert lanes(path) == {"page-1": ["queue", "fetch", "line"]}


def test_a_loop_that_was_early_was_not_late(timeline, path):
    timeline.late(102.0, 102.5)
    timeline.late(103.0, 102.999)
    timeline.finish("async")
    lags = [event["args"] for event in traces.events(path) if event["ph"] == "C"]

    assert lags == [{"loop lag in ms": 500.0}, {"loop lag in ms": 0.0}]


def test_entries_are_passed_on(timeline, path, kept):
    timeline.write([ENTRY])
    asyncio.run(timeline.awrite([ENTRY, ENTRY]))
    timeline.finish("serial")

    assert kept.entries == [ENTRY] * 3
    assert lanes(path) == {"MainThread": ["write"], "output": ["write"]}


@pytest.mark.parametrize("mode", ["blocking", "awaiting"])
def test_memory_holds_a_block_of_it_at_most(timeline, path, mode):
    """However long the crawl: what is over a block is in the file when entries are kept."""
    most = 0
    for number in range(6000):
        timeline.fetched(
            target(), fetched(*a_fetch(OWN, 200.0, 200.0 + number, 201.0 + number)), 0.0
        )
        if number % 50 == 0:
            most = max(most, len(timeline._notes))
            timeline.late(200.0, 200.0)  # which comes also while there are no pages
            if mode == "blocking":
                timeline.write([ENTRY])
            else:
                asyncio.run(timeline.awrite([ENTRY]))
    timeline.finish("serial")

    assert most < BLOCK + 50
    assert path.stat().st_size > 4 * 60 * BLOCK
    assert len([e for e in traces.events(path) if e["name"] == "fetch"]) == 6000


def test_a_crawl_that_waits_for_long_does_not_gather_what_its_loop_says(timeline):
    most = 0
    for number in range(6 * BLOCK):
        timeline.late(200.0 + number, 200.0 + number)
        if number % 50 == 0:
            most = max(most, len(timeline._events))
            timeline.write([ENTRY])

    assert most < BLOCK + 100


def test_a_full_disk_is_an_error_that_names_the_file(kept):
    with Timeline("/dev/full", kept) as timeline, pytest.raises(OutputError, match="/dev/full"):
        timeline.begin(0.0)

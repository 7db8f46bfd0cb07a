"""What `--trace` promises in every mode: valid events, lanes that nest, sums that are the time."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any

import planted  # type: ignore[import-not-found]  # found as pytest's pythonpath has it
import pytest

from bench.lanes import crossing, length, outermost, read
from crawler import MODES, Options, Record, crawl
from crawler.core.pages import Fetched, Outcome
from crawler.stages import analyse as analyse_stage
from crawler.stages import fetch as fetch_stage
from crawler.stages import write as write_stage
from fixtures.running import serve
from tests import traces

every_mode = pytest.mark.parametrize("mode", MODES)
PLACES, WORKERS = 4, 2
#: Of one attempt, within its fetch.
STEPS = {"connect", "wait", "body"}


@pytest.fixture(scope="module")
def site():
    with serve(pages=1000, size="2kB", links=5) as running:
        yield running


def urls(site):
    usual = [f"{site.url}/p/{number}?latency=5ms" for number in range(30)]
    return [
        *usual, f"{site.url}/p/41?hops=2", f"{site.url}/p/42?fails=1&status=503",
        f"{site.url}/p/43?status=404", f"{site.url}/p/44?fault=truncate",
        "http://127.0.0.1:1/", "no-scheme",
    ]  # fmt: skip


def crawled(site, folder, mode, sources=None, **more):
    """Crawl with a trace; return all there is to hold against each other."""
    listed, path = folder / f"{mode}.txt", folder / f"{mode}.json"
    records: list[Record] = []
    listed.write_text("\n".join(sources or urls(site)))
    analyser = {"analyse": more.pop("analyse")} if "analyse" in more else {}
    site.reset()
    asked: dict[str, Any] = {
        "concurrency": PLACES,
        "workers": WORKERS,
        "retries": 1,
        "trace": str(path),
    }
    report = crawl(
        str(listed), Options(mode=mode, **asked | more), on_record=records.append, **analyser
    )
    events = traces.events(path)
    lanes, wall = read(path)
    return SimpleNamespace(report=report, records=records, events=events, lanes=lanes, wall=wall)


@pytest.fixture(scope="module")
def traced(site, tmp_path_factory):
    """Each mode crawled once."""
    folder = tmp_path_factory.mktemp("traces")
    done = {}

    def once(mode):
        if mode not in done:
            done[mode] = crawled(site, folder, mode)
        return done[mode]

    return once


def fetches(run):
    return [event for event in run.events if event["name"] == "fetch"]


@every_mode
def test_spans_nest_and_no_lane_overlaps_itself(traced, mode):
    run = traced(mode)

    assert [] == [pair for lane in run.lanes for pair in crossing(lane.spans)]


@every_mode
def test_in_each_lane_what_was_done_and_what_was_not_are_the_whole_time(traced, mode):
    run = traced(mode)
    for lane in run.lanes:
        top = [*outermost(lane.spans)]
        marks = [0, *(mark for span in top for mark in (span.began, span.ended)), run.wall]
        idle = sum(marks[1::2]) - sum(marks[0::2])
        assert marks == sorted(marks)
        assert sum(span.ended - span.began for span in top) + idle == run.wall
        assert length(lane.spans) == length(top) <= run.wall
    assert run.wall <= run.report.elapsed_s * 1e9


@every_mode
def test_every_record_has_its_spans(traced, mode):
    run = traced(mode)
    attempts = Counter(event["args"]["url"] for event in fetches(run))
    last = {event["args"]["url"]: event["args"] for event in fetches(run)}

    assert attempts == {record.url: record.attempts for record in run.records}
    for record in run.records:
        assert last[record.url]["attempt"] == record.attempts
        assert last[record.url]["outcome"] == record.outcome


@every_mode
def test_the_spans_of_a_record_are_its_milliseconds(traced, mode):
    """A record and a trace say the same, to a microsecond or two of rounding."""
    run = traced(mode)
    total = {e["args"]["url"]: e["dur"] / 1000 for e in fetches(run)}
    queued = [event["dur"] / 1000 for event in run.events if event["name"] == "queue"]
    for record in run.records:
        assert total[record.url] == pytest.approx(record.ms.total, rel=0, abs=0.002)
        assert any(abs(record.ms.queue - ms) <= 0.002 for ms in queued)


@every_mode
def test_the_steps_of_a_fetch_fill_it(traced, mode):
    """A hop has an answer, an attempt too; where nobody listens there is only connecting."""
    run = traced(mode)
    steps = Counter(event["name"] for event in run.events if event["name"] in STEPS)
    answers = 30 + 3 + 2 + 1 + 1  # usual, hops, fails, 404, truncated

    assert (steps["wait"], steps["body"]) == (answers, answers)
    assert steps["connect"] >= 2 + 1  # two attempts where nobody listens


@every_mode
def test_what_was_analysed_and_written_is_there(traced, mode):
    run = traced(mode)
    count = Counter(event["name"] for event in run.events if event["ph"] == "X")

    assert count["line"] >= len(run.records)
    assert 1 <= count["write"] <= len(run.records)
    assert {e["args"]["url"] for e in run.events if e["name"] == "analyse"} == {
        record.url for record in run.records if isinstance(record.bytes, int)
    }
    assert (count["batch"] > 0) is (mode == "hybrid")
    assert any(event["ph"] == "C" for event in run.events) is (mode in {"async", "hybrid"})


@every_mode
def test_lanes_are_the_threads_the_processes_and_the_places(traced, mode):
    run = traced(mode)
    here = f"crawl {os.getpid()}"
    own = {lane.name for lane in run.lanes if lane.group == here}
    workers = {lane.group for lane in run.lanes} - {here, "places"}
    places = [lane.name for lane in run.lanes if lane.group == "places"]

    if mode == "threads":
        assert own == {f"page-{number}" for number in range(PLACES)}
    else:
        assert own == {"MainThread"} | ({"output"} if mode in {"async", "hybrid"} else set())
    assert all(group.startswith("worker ") for group in workers)
    assert len(workers) <= (WORKERS if mode in {"processes", "hybrid"} else 0)
    assert bool(workers) is (mode in {"processes", "hybrid"})
    if mode in {"async", "hybrid"}:
        assert sorted(places) == [f"place {number + 1}" for number in range(PLACES)]
    elif mode == "processes":
        assert 0 < len(places) <= 2 * WORKERS
    else:
        assert places == []


def test_batches_hold_what_was_done_in_them(traced):
    run = traced("hybrid")
    for lane in (lane for lane in run.lanes if lane.group.startswith("worker ")):
        assert {span.name for span in outermost(lane.spans)} == {"batch"}


@pytest.mark.parametrize("mode", ["processes", "hybrid"])
def test_a_killed_workers_pages_are_there_too(site, tmp_path, mode):
    culprit = f"{site.url}/p/77#kill"
    usual = [f"{site.url}/p/{number}" for number in range(20)]
    run = crawled(site, tmp_path, mode, [*usual, culprit], analyse=planted.kills_its_worker)
    found = Counter(event["args"]["url"] for event in fetches(run))

    assert [] == [pair for lane in run.lanes for pair in crossing(lane.spans)]
    assert found == dict.fromkeys([*usual, culprit], 1)
    [lost] = [event for event in fetches(run) if event["args"]["url"] == culprit]
    assert lost["args"]["outcome"] == ("ok" if mode == "hybrid" else "analyse-error")


def test_threads_that_think_have_lanes_of_their_own(site, tmp_path):
    run = crawled(site, tmp_path, "hybrid", pool="threads")
    lanes = {lane.name for lane in run.lanes if any(s.name == "analyse" for s in lane.spans)}

    assert lanes
    assert all(name.startswith("analyse_") for name in lanes)
    assert [] == [pair for lane in run.lanes for pair in crossing(lane.spans)]


@pytest.mark.parametrize("mode", ["serial", "async"])
def test_the_other_transport_has_the_same_spans(site, tmp_path, mode):
    run = crawled(site, tmp_path, mode, transport="httpcore")
    steps = {event["name"] for event in run.events if event["ph"] == "X"}

    assert steps >= STEPS | {"queue", "fetch", "analyse", "line", "write"}
    assert [] == [pair for lane in run.lanes for pair in crossing(lane.spans)]


@pytest.mark.slow
@every_mode
@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupted_crawl_leaves_a_whole_trace(site, tmp_path, mode, times):
    path, listed = tmp_path / "trace.json", tmp_path / "urls.txt"
    slow = [f"{site.url}/p/{number}?latency=1500ms" for number in range(100, 120)]
    listed.write_text("\n".join([f"{site.url}/p/{n}" for n in range(9)] + slow))
    words = ["--mode", mode, "-w", "2", "--trace", str(path), str(listed)]
    child = subprocess.Popen(
        [sys.executable, "-m", "crawler", *words],
        bufsize=0,  # or what a buffer holds is lost to communicate()
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None
    done = [json.loads(child.stdout.readline()) for _ in range(5)]
    assert not path.exists()
    for _ in range(times):
        child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    records = [*done, *map(json.loads, out.splitlines())]

    assert child.returncode == 130
    events = traces.events(path)
    lanes, _ = read(path)
    assert [] == [pair for lane in lanes for pair in crossing(lane.spans)]
    finished = {record["url"] for record in records if record["outcome"] != "interrupted"}
    assert finished <= {event["args"]["url"] for event in events if event["name"] == "fetch"}
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@every_mode
def test_without_a_trace_no_span_is_made(site, monkeypatch, mode):
    """Not in this process; in workers the same code asks the same question."""

    def never(*_):
        raise AssertionError("made though nobody asked for it")

    for module in (fetch_stage, analyse_stage, write_stage):
        monkeypatch.setattr(module, "here", never)
    monkeypatch.setattr(fetch_stage, "Trail", never)
    monkeypatch.setattr("crawler.system.dispatch.watch_lateness", never)
    monkeypatch.setattr("crawler.compose.crawling.Timeline", never)
    report = crawl(f"{site.url}/p/1", Options(mode=mode, workers=1), on_record=lambda _: None)

    assert report.outcomes == {"ok": 1}


def test_spans_travel_as_plain_values():
    spans = [((1, "MainThread"), "wait", 1.0, 2.0), (None, "body", 2.0, 3.0)]
    fetched = Fetched(url="u", final_url="u", outcome=Outcome.OK, spans=spans)
    again, beside = pickle.loads(pickle.dumps((fetched, fetched.spans)))

    assert again.spans == spans
    assert again.spans is beside, "what takes them out of one must take them out of the other"

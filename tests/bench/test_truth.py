import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from bench import truth, truth_ground, truth_harm
from bench.cell import BenchError
from bench.nginx import Programs
from bench.results import checked, keep
from bench.table import printed
from bench.truth import QUICK, measure
from bench.truth_command import memory_of_family, started
from bench.truth_ground import Ground, Ledger
from bench.truth_harm import sabotage, stolen
from bench.truth_results import (
    Compared,
    Failed,
    Harmed,
    Live,
    Memory,
    Pacing,
    Percentiles,
    Processes,
    Ran,
    Sabotage,
    Search,
    Searched,
    Stalls,
    TruthResults,
    joined,
)
from bench.truth_tables import tables
from crawler import LoadOptions
from fixtures.running import serve
from tests.bench.examples import MACHINE

linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")
RAN = Ran(date=MACHINE.date, errors=0, miscounted=0, verdicts={"kept-up": 5})
CROSSING = 1000 - 92.10340371976183  # ln 100 / 50 ms


def harmed(verdict="generator-limited", **changes):
    made = Harmed(verdict=verdict, lag_max_ms=200.0, queue_share=0.0, cpu_share=0.05, steal=0.0)
    return msgspec.structs.replace(made, **changes)


def row(latency="20ms", q=0.99, off=1.0, truth=30.0):
    added = 0.25 if off > 0 else 0.0  # below the server's own, or above it with all of the floor
    ours = [truth + off + added] * 3
    return Compared(latency=latency, q=q, ours=ours, theirs=[truth] * 3, floor=[0.25] * 3)


#: Parts that just reach their goals.
JUST = {
    "pacing": Pacing(
        ran=RAN, rate=1000, seconds=60, shortest_ms=0.0, longest_ms=2.0, seen_per_s=999.0,
        lag_p99_ms=0.2,
    ),
    "percentiles": Percentiles(
        ran=RAN, capacity_per_s=8000, rate=4000,
        rows=[row(), row(q=0.999, off=-4.0, truth=200.0), row(q=0.5, off=0.1)],
    ),
    "processes": Processes(
        ran=RAN, rate=10_000, one=[10e-6, 10e-6, 10e-6], two=[11e-6, 9e-6, 15e-6], sent=9,
        counted=9, recorded=9, below=0,
    ),
    "memory": Memory(
        ran=RAN, requests=1000, requests_per_s=1.0, peak=149_900_000,
        looks=[(10, 50_000_000), (100, 100_000_000), (999, 104_900_000)],
    ),
    "search": Search(
        ran=RAN, limit_s=0.05,
        searches=[Searched(capacity=1000, rate=0.951 * CROSSING, low=1, high=2, steps=12)],
    ),
    "stalls": Stalls(
        ran=RAN, stall_s=1, seconds=60, rate=1000, connections=50,
        quantiles=[0.5, 0.99, 0.999, 1.0], open_ms=[0.2, 418.0, 873.0, 999.0],
        theirs_ms=[0.1, 410.0, 890.0, 998.0],
        closed_ms=[1.5, 2.5, 3.5, 1001.0], closed_requests=1_500_000,
    ),
    "sabotage": Sabotage(
        ran=RAN, wanted=2, repeated=3, stopped=[harmed()] * 2, burnt=[harmed()] * 2,
        quiet=[harmed("kept-up")] * 2,
    ),
    "live": Live(
        ran=RAN, with_screen=[10.1e-6, 10.15e-6, 19e-6], without=[10e-6] * 3, shown=[900] * 3
    ),
}  # fmt: skip


def results(**changes):
    parts = {
        name: msgspec.structs.replace(part, **changes.get(name, {})) for name, part in JUST.items()
    }
    return kept(*parts.values())


def kept(*parts):
    return TruthResults(
        name="truth", machine=MACHINE, how=["How."], settings={}, ceiling_per_s=None,
        cells=list(parts),
    )  # fmt: skip


def reached(found):
    return [(row[0], row[-1]) for row in tables(found)[0].rows]


def test_a_goal_is_reached_by_what_just_reaches_it():
    assert {"yes"} == {answer for _, answer in reached(results())}
    assert [2, 1, 3, 2, 2, 2, 3, 1, 1] == [
        [name for name, _ in reached(results())].count(part) for part in (*JUST, "all")
    ]


@pytest.mark.parametrize(
    ("part", "changes", "missed"),
    [
        ("pacing", {"longest_ms": 2.01}, 0),
        ("pacing", {"rate": 500, "shortest_ms": 0.99, "seen_per_s": 500}, 0),
        ("pacing", {"seen_per_s": 1001.1}, 1),
        ("percentiles", {"rows": [row(), row(q=0.9, off=-1.01)]}, 0),
        ("percentiles", {"rows": [row(truth=200.0, off=4.1), row()]}, 0),
        ("processes", {"two": [11e-6, 15e-6, 12e-6]}, 0),
        ("processes", {"counted": 8}, 1),
        ("processes", {"recorded": 8}, 1),
        ("processes", {"below": 1}, 2),
        ("memory", {"peak": 150_000_000}, 0),
        ("memory", {"looks": [(100, 100), (999, 106)]}, 1),
        ("memory", {"looks": [(100, 100), (999, 94)]}, 1),
        ("search", {"limit_s": 0.1}, 0),
        ("stalls", {"open_ms": [0.2, 419.0, 890.0, 999.0]}, 0),
        ("stalls", {"open_ms": [0.2, 410.0, 871.0, 999.0]}, 1),
        ("sabotage", {"stopped": [harmed(), harmed("kept-up")]}, 0),
        ("sabotage", {"burnt": [harmed(), harmed("server-limited")]}, 1),
        ("sabotage", {"quiet": [harmed("kept-up"), harmed()]}, 2),
        ("live", {"with_screen": [10.3e-6, 10.3e-6, 10e-6]}, 0),
        ("live", {"shown": [900, 0, 900]}, 0),
    ],
)
def test_a_goal_that_is_missed_is_said_to_be(part, changes, missed):
    found = reached(results(**{part: changes}))
    here = [answer for name, answer in found if name == part]

    assert [missed] == [place for place, answer in enumerate(here) if answer == "no"]
    assert {"yes"} == {answer for name, answer in found if name != part}


def test_a_search_of_too_many_steps_misses():
    slow = Searched(capacity=1000, rate=CROSSING, low=1, high=2, steps=13)

    assert ("search", "no") == reached(results(search={"searches": [slow]}))[9]


def test_the_worst_percentile_is_that_which_takes_most_of_what_is_allowed():
    rows = [row("wide", off=3.0, truth=400.0), row("narrow", q=0.5, off=0.9, truth=10.0)]
    [goals, percentiles, _] = tables(results(percentiles={"rows": rows}))

    assert "(here narrow, p50)" in goals.rows[2][1]
    assert ["at most 1.00", "0.90", "yes"] == goals.rows[2][2:]
    assert ["`wide`", "p99", "403.25", "400.00", "0.25", "3.00", "8.00"] == percentiles.rows[0]


def test_too_few_quiet_runs_are_no_proof_of_quiet():
    found = results(sabotage={"quiet": [harmed("kept-up")], "repeated": 60})

    assert ("sabotage", "not measured") in reached(found)


def test_what_was_not_measured_and_what_failed_is_seen():
    parts = [part for name, part in JUST.items() if name not in {"memory", "live", "stalls"}]
    found = kept(*parts, Failed(name="live", why="no terminal"))

    assert ("memory", "not measured") in reached(found)
    assert ["live", "no terminal", "", "", "failed"] in tables(found)[0].rows
    assert 2 == len(tables(found))


def test_answers_with_errors_are_refused():
    checked(results())

    with pytest.raises(BenchError, match="not kept: stalls: 3 requests failed"):
        checked(results(stalls={"ran": msgspec.structs.replace(RAN, errors=3)}))


def test_requests_that_the_server_did_not_count_and_runs_of_a_weak_generator_are_told():
    ran = msgspec.structs.replace(RAN, miscounted=2, verdicts={"generator-limited": 1, "x": 4})
    found = results(pacing={"ran": ran})

    assert [("all", "no")] == [one for one in reached(found) if one[1] == "no"]
    assert "Runs that the verdict called generator-limited: pacing 1 of 5." in (
        tables(found)[0].notes
    )


def test_what_is_kept_of_the_truth_can_be_printed_again(tmp_path):
    text = printed(json.loads(keep(results(), tmp_path).read_bytes()))

    assert "| live | CPU of a request with the live screen, of that without, 3 pairs |" in text
    assert "| closed, 50 connections | 1500000 | 1.5 | 2.5 | 3.5 | 1001.0 |" in text
    assert "| the same, by the closed form | 60000 | 0.0 | 400.0 | 940.0 | 1000.0 |" in text


def test_a_part_that_is_measured_alone_takes_the_place_of_its_own(tmp_path):
    assert kept(JUST["live"]) == joined(kept(JUST["live"]), tmp_path)
    old = msgspec.structs.replace(RAN, date="2025-12-31")
    before = [
        msgspec.structs.replace(part, ran=old) for part in (JUST["pacing"], JUST["processes"])
    ]
    keep(kept(*before), tmp_path)

    found = joined(kept(Failed(name="processes", why="no"), JUST["live"]), tmp_path)

    assert [before[0], Failed(name="processes", why="no"), JUST["live"]] == found.cells
    assert "Measured before: pacing on 2025-12-31." in tables(found)[0].notes


def test_a_part_that_fails_does_not_keep_the_others_from_being_measured(monkeypatch):
    def fail(_):
        raise BenchError("no core")

    made = {"pacing": fail, "live": lambda _: JUST["live"], "memory": pytest.fail}
    monkeypatch.setattr(truth, "PARTS", made)
    monkeypatch.setattr(truth, "programs", lambda: Programs("nginx", "wrk", {"nginx": "1.22.1"}))

    assert [Failed(name="pacing", why="no core"), JUST["live"]] == (
        measure(QUICK, ["live", "pacing"]).cells
    )
    with pytest.raises(BenchError, match="--part lives: choose from pacing, live, memory"):
        measure(QUICK, ["live", "lives"])


@pytest.mark.parametrize(
    ("noisy", "repeats", "expected"), [(3, 60, (2, 3)), (3, 2, (1, 2)), (0, 0, (2, 0))]
)
def test_a_run_that_is_not_quiet_is_repeated_until_it_is_or_there_were_too_many(
    monkeypatch, noisy, repeats, expected
):
    """The noise is taken from steal and from waiting for a core in turn."""
    noise = iter([{"steal": 0.02}, {"queue_share": 0.02}, {"steal": 0.011}][:noisy])

    def run(_ground, harm, _seconds):
        if harm is not truth_harm._leave:
            return harmed(queue_share=0.7)
        return harmed("kept-up", **{"steal": 0.01, "queue_share": 0.01, **next(noise, {})})

    ground = SimpleNamespace(ledger=Ledger())
    monkeypatch.setattr(truth_harm, "our_server", lambda **_: contextlib.nullcontext(ground))
    monkeypatch.setattr(truth_harm, "_run", run)

    found = sabotage(dataclasses.replace(QUICK, harms=2, repeats=repeats))

    assert expected == (len(found.quiet), found.repeated)
    assert 2 == len(found.stopped) == len(found.burnt)


def test_steal_is_that_of_the_core_that_lost_most():
    """What was spent on guests stands in two fields, and counts in the first only."""
    before = "cpu 9 9 9 9 9 9 9 9\ncpu0 1 0 0 1 0 0 0 5 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 7"
    after = "cpu 9 9 9 9 9 9 9 99\ncpu0 50 0 0 50 0 0 0 7 9 0\ncpu1 5 0 0 4 0 0 0 1 5 0\nintr 9"

    assert 0.1 == stolen(before, after)
    assert 0.0 == stolen(before, before)


@linux
def test_memory_is_that_of_a_process_and_its_children():
    alone, _ = memory_of_family(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        theirs, most = memory_of_family(child.pid)
        ours, _ = memory_of_family(os.getpid())
        child.stdin.write(b"\n")

    assert 2**20 < theirs <= most
    assert ours > alone + theirs / 2


@pytest.fixture(scope="module")
def site():
    with serve(size="100", pages=10) as running:
        yield running


def asking(requests, then=lambda: None):
    """Return what stands in for the tool: it asks so often, and says so."""

    def load(url, _options):
        parts = urlsplit(url)
        with contextlib.closing(HTTPConnection(parts.netloc)) as connection:
            for _ in range(requests):
                connection.request("GET", parts.path)
                connection.getresponse().read()
        then()
        verdict = SimpleNamespace(word="kept-up")
        return SimpleNamespace(sent=requests - 2, warmup_sent=2, failures=1, verdict=verdict)

    return load


def test_a_look_counts_what_others_asked_for_and_is_counted_nowhere(site, monkeypatch):
    ground, seen = Ground(site, Ledger()), Event()
    monkeypatch.setattr(truth_ground, "load", asking(12, lambda: seen.wait(10)))

    def look(over):
        try:
            return ground.under_load(over, 12, 0.001), ground.look()
        finally:
            seen.set()

    taken = ground.run(LoadOptions(), look, latency="1ms")

    assert [12, 12] == [sight.requests for sight in taken.seen]
    assert taken.seen[0].at < taken.seen[1].at
    assert taken.truth["requests"] > 12
    assert (0, 1, {"kept-up": 1}) == (
        ground.ledger.ran().miscounted, ground.ledger.ran().errors, ground.ledger.ran().verdicts
    )  # fmt: skip


def test_a_run_that_is_over_before_it_was_seen_is_an_error(site, monkeypatch):
    ground = Ground(site, Ledger())
    monkeypatch.setattr(truth_ground, "load", asking(3))

    with pytest.raises(BenchError, match="over before it was seen"):
        ground.run(LoadOptions(), ground.under_load)


def test_what_is_set_for_a_run_is_not_in_force_in_the_next(site, monkeypatch):
    ground = Ground(site, Ledger())
    monkeypatch.setattr(truth_ground, "load", asking(2))
    quick = 10_000_000

    slow = ground.run(LoadOptions(), latency="20ms").truth["histograms"]["answer_ns"]
    plain = ground.run(LoadOptions()).truth["histograms"]["answer_ns"]

    assert slow["p50"] >= 2 * quick > plain["p50"]
    assert (2, 2) == (slow["count"], plain["count"])


def test_requests_that_only_one_of_both_counted_are_told():
    ledger = Ledger()
    said: Any = SimpleNamespace(
        sent=10, warmup_sent=5, failures=0, verdict=SimpleNamespace(word="kept-up")
    )
    for counted in (15, 14, 17, None):
        ledger.add(said, counted)

    assert 3 == ledger.ran().miscounted


#: Stands in for the tool: says on what it says it, and ends badly if it has to.
COMMAND = """
import sys
print("on a terminal" if sys.stderr.isatty() else "elsewhere", sys.argv[1:4], file=sys.stderr)
open(sys.argv[-1], "w").write("{}")
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    (tmp_path / "crawler").mkdir()
    (tmp_path / "crawler" / "__init__.py").touch()
    (tmp_path / "crawler" / "__main__.py").write_text(COMMAND)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("command")
def test_a_command_that_does_not_do_its_work_is_an_error_with_what_it_said():
    message = re.escape("crawl load ended with 2: on a terminal ['load', '2', '-o']")
    with started(["2"]) as running, pytest.raises(BenchError, match=message):
        running.report()


@pytest.mark.usefixtures("command")
def test_the_report_of_a_command_is_read_and_what_it_shows_is_counted():
    with started(["0"]) as running:
        with pytest.raises(msgspec.ValidationError, match="missing required field"):
            running.report()

        assert len("on a terminal ['load', '0', '-o']\r\n") == running.shown()

"""What a page's time is made of: each verdict is reached from made-up figures, and no other."""

from collections.abc import Mapping
from types import ModuleType

import pytest

from bench.cell import BenchError
from bench.exhibits import (
    e01_concurrency,
    e02_idling,
    e03_stages,
    e06_switching,
    e07_cores,
    e23_fast_io,
    e28_life,
    turns,
)
from bench.exhibits.exhibit import Figure, Found, Scale, SkippedError
from bench.exhibits.lives import Sample, told
from bench.exhibits.spent import Spent, spent
from bench.stand import set_up

CONCURRENCY = {
    "cores to be had": 2, "overlap, async": 3, "cores busy, async": 0.9,
    "cores busy, processes": 1.7, "thread waits for the GIL": 49,
    "requests at once, serial": 1, "requests at once, async": 8,
    "pages analysed at once, async": 1,
}  # fmt: skip
IDLING = {
    "idle": 95, "idle by L/(L+c)": 95, "most pages/s, async": 308, "pages/s, async": 230,
    "times as fast, threads": 12, "times as fast, async": 13,
    "requests at once, serial": 1, "requests at once, threads": 16, "requests at once, async": 16,
}  # fmt: skip
STAGES = {
    "fetch, far: waits": 98, "Python: waits": 0, "a page waits, near": 1, "a page waits, far": 79,
    "GIL held by Python": 100, "GIL held by C": 3,
    "fetch, far: waits a page": 1, "Lexbor: waits a page": 0,
}  # fmt: skip
SWITCHING = {
    "process over thread": 2, "switch between threads": 4, "switch between processes": 8,
    "switches a pass, nobody": 0, "switches a pass, threads": 2, "switches a pass, processes": 2,
}  # fmt: skip
CORES = {
    "workers": 2, "times as fast on 2 cores": 1.8, "times as fast by Amdahl’s law": 1.9,
    "2 threads over 1": 1,
}  # fmt: skip
FAST_IO = {
    "switches a page, threads": 10, "switches a page, async": 0.1,
    "switches a page between threads": 9, "CPU between switches, threads": 150,
    "CPU between switches, async": 10_000, "CPU of threads over async": 1.2,
}  # fmt: skip
LIFE = {
    "children": 20, "children that had not run yet": 18, "children that had ended": 20,
    "running": 32, "ready": 63, "waiting": 5,
    "times a worker gave way": 27, "times a worker was put off": 275,
}  # fmt: skip


@pytest.mark.parametrize(
    ("exhibit", "figures", "other", "verdict"),
    [
        (e01_concurrency, CONCURRENCY, {}, "holds"),
        (e01_concurrency, CONCURRENCY, {"cores busy, processes": 1}, "holds within limits"),
        (e01_concurrency, CONCURRENCY, {"cores busy, processes": None}, "holds within limits"),
        (e01_concurrency, CONCURRENCY, {"overlap, async": 1}, "does not hold"),
        (e01_concurrency, CONCURRENCY, {"cores busy, async": 1.5}, "does not hold"),
        (e02_idling, IDLING, {}, "holds"),
        (e02_idling, IDLING, {"idle": 20}, "holds within limits"),
        (e02_idling, IDLING, {"times as fast, threads": 1}, "holds within limits"),
        (e02_idling, IDLING, {"times as fast, threads": 1, "times as fast, async": 1},
         "does not hold"),
        (e03_stages, STAGES, {}, "holds within limits"),
        (e03_stages, STAGES, {"a page waits, near": 60}, "holds within limits"),
        (e03_stages, STAGES, {"a page waits, far": 20}, "holds within limits"),
        (e03_stages, STAGES, {"a page waits, far": 20, "fetch, far: waits": 40}, "holds"),
        (e07_cores, CORES, {}, "holds"),
        (e07_cores, CORES, {"2 threads over 1": None}, "holds"),
        (e07_cores, CORES, {"2 threads over 1": 1.9}, "outdated"),
        (e07_cores, CORES, {"2 sub-interpreters over 1": 1.9}, "outdated"),
        (e07_cores, CORES, {"2 sub-interpreters over 1": 1}, "holds"),
        (e07_cores, CORES, {"times as fast on 2 cores": 1}, "does not hold"),
        (e07_cores, CORES, {"times as fast on 2 cores": 1, "workers": 1}, "holds within limits"),
        (e28_life, LIFE, {}, "holds"),
        (e28_life, LIFE, {"ready": 0}, "holds within limits"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_figures(
    exhibit: ModuleType, figures: Mapping[str, float], other: Mapping[str, float | None], verdict
):
    judgement = exhibit.judge(_found(figures, other))
    assert judgement.verdict == verdict, judgement.why
    assert judgement.why.endswith(".")


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [([1, 1.8, 1.8], "holds"), ([1, 1, 1.8], "holds within limits"), ([1, 1, 1], "does not hold")],
)
def test_a_second_core_that_others_needed_refutes_nothing(rounds, verdict):
    faster = Figure("times as fast on 2 cores", "", rounds)
    assert e07_cores.judge(_found(CORES, {faster.name: None}, [faster])).verdict == verdict


@pytest.mark.parametrize(
    ("dearer", "share", "verdict"),
    [
        (2.0, 20.0, "holds"),
        (2.0, 2.0, "holds within limits"),
        (1.0, 20.0, "holds within limits"),
        (1.0, 2.0, "does not hold"),
    ],
)
def test_switching_has_two_claims_and_each_is_judged(dearer, share, verdict):
    found = _found(SWITCHING, {"process over thread": dearer}, _pages(10, 1, share))
    assert e06_switching.judge(found).verdict == verdict


@pytest.mark.parametrize(
    ("threads", "cpu", "verdict"),
    [
        ([10, 10], 1.0, "does not hold"),
        ([1, 1], 1.0, "holds"),
        ([1, 1], 2.0, "holds within limits"),
        ([1, 10], 1.0, "holds within limits"),
    ],
)
def test_fast_io_is_judged_by_switches_round_by_round(threads, cpu, verdict):
    gone = {"switches a page, threads": None, "switches a page, async": None}
    found = _found(
        FAST_IO,
        {**gone, "CPU of threads over async": cpu},
        [
            Figure("switches a page, threads", "", threads),
            Figure("switches a page, async", "", [2, 2]),
        ],
    )
    assert e23_fast_io.judge(found).verdict == verdict


@pytest.mark.parametrize(
    ("exhibit", "figures", "other"),
    [
        (e01_concurrency, CONCURRENCY, {"requests at once, async": 1}),
        (e01_concurrency, CONCURRENCY, {"requests at once, serial": 2}),
        (e01_concurrency, CONCURRENCY, {"pages analysed at once, async": 2}),
        (e02_idling, IDLING, {"requests at once, serial": 2}),
        (e02_idling, IDLING, {"requests at once, threads": 1}),
        (e02_idling, IDLING, {"requests at once, async": 1}),
        (e03_stages, STAGES, {"fetch, far: waits a page": 0.5}),
        (e03_stages, STAGES, {"Lexbor: waits a page": 1}),
        (e06_switching, SWITCHING, {"switches a pass, nobody": 2}),
        (e06_switching, SWITCHING, {"switches a pass, threads": 0}),
        (e06_switching, SWITCHING, {"switches a pass, processes": 0}),
        (e23_fast_io, FAST_IO, {"switches a page, threads": 0.1}),
        (e23_fast_io, FAST_IO, {"switches a page between threads": 0.5}),
        *((e28_life, LIFE, {what: 0}) for what in LIFE if what != "children"),
    ],
)
def test_what_an_exhibit_is_about_is_shown_unless_its_effect_is_absent(exhibit, figures, other):
    pages = _pages(10, 1) if exhibit is e06_switching else []
    assert exhibit.must_show(_found(figures, {}, pages))
    assert not exhibit.must_show(_found(figures, other, pages))


def test_switching_is_shown_by_the_threads_of_every_crawl():
    alike = [*_pages(10, 1), *_pages(1, 1, at=5)]
    assert not e06_switching.must_show(_found(SWITCHING, {}, alike))


def test_the_time_of_a_life_is_told_from_its_first_sample_to_its_last():
    life = [
        Sample(10, 1, 2, 5, 6, "0"),
        Sample(11, 1, 2, 5, 6, "pipe"),
        Sample(20, 3, 7, 9, 16, "0"),
    ]
    assert told([life, life[:1]]) == {
        "running": 20, "ready": 50, "waiting": 30,
        "times a worker gave way": 4, "times a worker was put off": 10,
    }  # fmt: skip


def test_the_time_of_a_thread_is_divided_up():
    assert Spent(10, 2, 3, 1).waiting == 5
    assert Spent(10, 2, 0, 1).waiting_share == 0.8
    assert Spent(10, 11, 0, 1).waiting == 0
    found = spent(lambda: sum(range(1000)))
    assert 0 < found.running <= found.wall


def test_amdahls_law_gives_the_parents_part_no_second_core():
    turn = _turn(own=1.0, workers=3.0)
    assert e07_cores._amdahl(turn) == pytest.approx(1 / (0.25 + 0.75 / 2))


def test_little_bounds_what_is_in_flight_and_one_thread_bounds_what_computes():
    assert e02_idling._bound(_turn(own=0.001)) == pytest.approx(16 / 0.051)
    assert e02_idling._bound(_turn(own=0.05)) == pytest.approx(20)


def test_a_crawl_that_never_switched_stayed_for_all_its_cpu():
    assert _turn(own=0.5, voluntary=0.0).stay == pytest.approx(5)
    assert _turn(own=0.5, voluntary=2.0).stay == pytest.approx(0.25)


def test_ways_that_did_not_do_the_same_work_are_refused(monkeypatch):
    crawled = iter(["first of all", "abc", "abd"])
    monkeypatch.setattr(turns, "_crawl", lambda *_: _turn(digest=next(crawled)))
    with set_up(pages=1) as stand, pytest.raises(BenchError, match="not the same work: a, b"):
        turns.by_turns(stand, "/p/{}", 1, dict.fromkeys("ab", turns.Way("serial")), Scale(1, True))


def test_a_crawl_that_takes_most_of_what_the_server_can_give_is_refused(monkeypatch):
    monkeypatch.setattr(turns, "_crawl", lambda *_: _turn(pages_per_s=71.0))
    monkeypatch.setattr(turns, "ceiling", lambda *_: 100.0)
    with set_up(pages=1) as stand, pytest.raises(BenchError, match="71 pages/s are too large"):
        turns.by_turns(stand, "/p/{}", 1, {"a": turns.Way("serial")}, Scale(1))


def test_a_crawl_that_did_not_get_all_pages_is_refused():
    ways = {"a": turns.Way("async")}
    with set_up(pages=1) as stand, pytest.raises(BenchError, match="did not get all pages"):
        turns.by_turns(stand, "/p/{}?fault=reset", 3, ways, Scale(1, quick=True))


@pytest.mark.parametrize(
    ("pages", "in_flight", "before", "after"),
    [(500, 100, 200, 100), (96, 16, 32, 16), (60, 1, 20, 1), (8, 8, 4, 4), (1, 16, 1, 1)],
)
def test_only_whole_waves_of_pages_count(pages, in_flight, before, after):
    assert turns.ends(pages, in_flight) == (before, after)


def test_a_machine_with_one_core_has_no_parallel_processes(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    with pytest.raises(SkippedError, match="one core"):
        e07_cores.measure(Scale(1, quick=True))


def _found(figures, other, more=()):
    values = {**figures, **other}
    single = [Figure(name, "", [value]) for name, value in values.items() if value is not None]
    return Found([*single, *more])


def _pages(threads, loop, share=2.0, at=0.5):
    """Return what the crawls of e06 at one latency gave."""
    return [
        Figure("switches a page, threads", "", [threads], at),
        Figure("switches a page, async", "", [loop], at),
        Figure("switches of a page’s CPU, threads", "%", [share], at),
    ]


def _turn(**values):
    given = {
        "digest": "", "pages": 10, "pages_per_s": 1.0, "own": 0.0, "workers": 0.0,
        "voluntary": 0.0, "involuntary": 0.0, "most": 1, "lanes": (),
    }  # fmt: skip
    return turns.Turn(**{**given, **values})

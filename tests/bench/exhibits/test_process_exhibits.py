"""Processes and what they cost: each verdict is reached from made-up figures, and break-evens."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import ModuleType

import pytest

from bench.cell import BenchError, Cost
from bench.exhibits import (
    e04_isolation,
    e13_processes,
    e14_footprint,
    e21_offloading,
    e25_hybrid,
    e26_faults,
    faulty,
)
from bench.exhibits.crossing import Border, border, drive
from bench.exhibits.exhibit import Figure, Found
from bench.exhibits.paying import WAYS, break_even, pays_from

Key = str | tuple[str, float]  # a figure by its name, or by its place on a curve, too

PLAIN = "a plain process pool"
ISOLATION: dict[Key, float] = {
    "good pages": 15, "good pages lost, threads": 15, f"good pages lost, {PLAIN}": 14,
    "good pages lost, processes": 0, "records of the bad page, processes": 1,
}  # fmt: skip
PROCESSES: dict[Key, float] = {
    "workers": 2,
    ("times as fast, 10 kB pickled", 0.05): 0.2, ("times as fast, 10 kB pickled", 10): 1.8,
    "pays from, 10 kB pickled": 0.9,
    **{
        f"parent's share of CPU, {way}": 10
        for way in ("pickled", "in shared memory", "as a URL")
    },
}  # fmt: skip
FOOTPRINT: dict[Key, float] = {
    "start, thread": 0.1, "start, fork": 3, "start, forkserver": 30, "start, spawn": 60,
    "memory, thread": 0.01, "memory, fork": 2, "memory, forkserver": 10, "memory, spawn": 12,
    "fork is the default": 1, "forkserver is the default": 0, "spawn is the default": 0,
    "a further request, async": 14,
}  # fmt: skip
OFFLOADING: dict[Key, float] = {
    "workers": 2,
    "CPU inline, python_heavy": 7, "CPU inline, lexbor": 0.3,
    ("times as fast in batches, python_heavy", 1): 1.8,
    ("times as fast in batches, lexbor", 1): 0.5, ("times as fast in batches, lexbor", 64): 1.2,
    ("times the CPU in batches, lexbor", 1): 2.5, ("times the CPU in batches, lexbor", 64): 1.1,
    "pays in batches of, lexbor": 8,
    "turns of the loop, inline": 0, "turns of the loop, offloaded": 500,
}  # fmt: skip
MODES = ("async", "processes", "hybrid")
HYBRID: dict[Key, float] = {
    "workers": 2, "requests at once, async on heavy pages": 32,
    "requests at once, processes on heavy pages": 2, "requests at once, hybrid on heavy pages": 32,
    **{
        key: value
        for said in ("light pages", "heavy pages")
        for key, value in (
            (f"hybrid over the better of the others, {said}", 1.5),
            *((f"pages/s, {mode} on {said}", 100) for mode in MODES),
            *(
                (f"most pages/s by {limit}, {mode} on {said}", 110 + place)
                for mode in MODES
                for place, limit in enumerate(e25_hybrid.LIMITS)
            ),
        )
    },
}  # fmt: skip
FAULTS: dict[Key, float] = {
    "pages": 72, "faults": 18,
    **{
        f"{what}, {mode}": value
        for mode in ("serial", "hybrid")
        for what, value in (
            ("lost", 0), ("unlike the first mode", 0), ("good pages failed", 0),
            ("bad pages failed", 18), ("most memory", 40), ("time to stop", 200),
        )
    },
}  # fmt: skip


def found(figures: dict[Key, float], changes: dict[Key, float | None]) -> Found:
    """Return made-up figures with some of them changed, or left out."""
    kept = {key: value for key, value in {**figures, **changes}.items() if value is not None}
    return Found(_figure(key, value) for key, value in kept.items())


def _figure(key: Key, value: float) -> Figure:
    return Figure(key, "", [value]) if isinstance(key, str) else Figure(key[0], "", [value], key[1])


@pytest.mark.parametrize(
    ("exhibit", "figures", "changes", "verdict"),
    [
        (e04_isolation, ISOLATION, {}, "holds within limits"),
        (e04_isolation, ISOLATION, {f"good pages lost, {PLAIN}": 0}, "holds"),
        (e04_isolation, ISOLATION, {"good pages lost, processes": 1}, "does not hold"),
        (e04_isolation, ISOLATION, {"good pages lost, threads": 0}, "does not hold"),
        (e13_processes, PROCESSES, {}, "holds within limits"),
        (e13_processes, PROCESSES, {"pays from, 10 kB pickled": None}, "holds within limits"),
        (e13_processes, PROCESSES, {("times as fast, 10 kB pickled", 0.05): 1.5}, "holds"),
        (e13_processes, PROCESSES, {("times as fast, 10 kB pickled", 10): 1.1}, "does not hold"),
        (e14_footprint, FOOTPRINT, {}, "holds"),
        (e14_footprint, FOOTPRINT, {"a further request, async": None}, "holds"),
        (e14_footprint, FOOTPRINT, {"memory, fork": 0.005}, "holds within limits"),
        (
            e14_footprint, FOOTPRINT, {"start, thread": 100, "memory, thread": 100},
            "does not hold",
        ),
        (e21_offloading, OFFLOADING, {}, "holds within limits"),
        (e21_offloading, OFFLOADING, {"pays in batches of, lexbor": None}, "holds within limits"),
        (
            e21_offloading, OFFLOADING, {("times as fast in batches, lexbor", 1): 1.5},
            "holds within limits",
        ),
        (
            e21_offloading, OFFLOADING,
            {
                ("times as fast in batches, lexbor", 1): 1.5,
                ("times the CPU in batches, lexbor", 1): 1.1,
            },
            "holds",
        ),
        (
            e21_offloading, OFFLOADING, {("times as fast in batches, python_heavy", 1): 1.1},
            "does not hold",
        ),
        (e25_hybrid, HYBRID, {}, "holds"),
        (
            e25_hybrid, HYBRID, {"hybrid over the better of the others, light pages": 1},
            "holds within limits",
        ),
        (
            e25_hybrid, HYBRID,
            {
                "hybrid over the better of the others, light pages": None,
                "hybrid over the better of the others, heavy pages": 1,
            },
            "does not hold",
        ),
        (e26_faults, FAULTS, {}, "holds"),
        (e26_faults, FAULTS, {"unlike the first mode, hybrid": 1}, "holds within limits"),
        (e26_faults, FAULTS, {"lost, hybrid": 1}, "does not hold"),
        (e26_faults, FAULTS, {"good pages failed, serial": 1}, "does not hold"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_figures(
    exhibit: ModuleType, figures: dict[Key, float], changes: dict[Key, float | None], verdict: str
) -> None:
    judgement = exhibit.judge(found(figures, changes))

    assert judgement.verdict == verdict
    assert judgement.why.endswith(".")


@pytest.mark.parametrize(
    ("exhibit", "figures", "name"),
    [
        (e13_processes, PROCESSES, ("times as fast, 10 kB pickled", 10)),
        (e21_offloading, OFFLOADING, ("times as fast in batches, python_heavy", 1)),
    ],
)
@pytest.mark.parametrize(
    ("rounds", "verdict"), [([1, 1, 1.8], "holds within limits"), ([1, 1, 1], "does not hold")]
)
def test_a_second_core_that_others_needed_refutes_nothing(
    exhibit: ModuleType,
    figures: dict[Key, float],
    name: tuple[str, float],
    rounds: list[float],
    verdict: str,
) -> None:
    others = [_figure(key, value) for key, value in figures.items() if key != name]

    assert exhibit.judge(Found([*others, Figure(name[0], "", rounds, name[1])])).verdict == verdict


def test_a_process_costs_more_if_it_does_in_most_rounds() -> None:
    rounds: dict[str, list[float]] = {
        "start, thread": [9, 0.1, 0.1], "start, fork": [3, 3, 3],
        "memory, thread": [0.01, 0.01, 0.01], "memory, fork": [2, 2, 2], "fork is the default": [1],
    }  # fmt: skip
    figures = Found(Figure(name, "", values) for name, values in rounds.items())

    assert e14_footprint.judge(figures).verdict == "holds"


@pytest.mark.parametrize(
    ("exhibit", "figures", "unseen"),
    [
        (e04_isolation, ISOLATION, {"good pages lost, threads": 0}),
        (e04_isolation, ISOLATION, {f"good pages lost, {PLAIN}": 0}),
        (e04_isolation, ISOLATION, {"good pages lost, processes": 1}),
        (e04_isolation, ISOLATION, {"records of the bad page, processes": 0}),
        (e21_offloading, OFFLOADING, {"turns of the loop, inline": 3}),
        (e21_offloading, OFFLOADING, {"turns of the loop, offloaded": 0}),
        (e25_hybrid, HYBRID, {"requests at once, processes on heavy pages": 3}),
        (e25_hybrid, HYBRID, {"requests at once, hybrid on heavy pages": 2}),
        (e26_faults, FAULTS, {"lost, serial": 1}),
        (e26_faults, FAULTS, {"unlike the first mode, hybrid": 1}),
        (e26_faults, FAULTS, {"good pages failed, hybrid": 1}),
        (e26_faults, FAULTS, {"bad pages failed, hybrid": 17}),
    ],
)
def test_what_an_exhibit_is_about_is_seen_or_not(
    exhibit: ModuleType, figures: dict[Key, float], unseen: dict[Key, float | None]
) -> None:
    assert exhibit.must_show(found(figures, {}))
    assert not exhibit.must_show(found(figures, unseen))


@pytest.mark.parametrize(
    ("speed_ups", "place"),
    [
        ((0.5, 0.5, 0.5), None),
        ((2.0, 2.0, 2.0), 1.0),
        ((0.5, 1.5, 2.0), 10**0.5),
        ((2.0, 0.5, 1.5), 10**1.5),
        ((0.5, 2.0, 1.0), None),
    ],
)
def test_a_pool_pays_where_its_speed_up_rises_above_one_for_good(
    speed_ups: tuple[float, ...], place: float | None
) -> None:
    expected = place if place is None else pytest.approx(place)

    assert break_even((1.0, 10.0, 100.0), speed_ups) == expected


def test_a_break_even_is_told_if_most_rounds_have_one() -> None:
    most = [Figure("x", "", [0.5, 0.5, 0.5], 1), Figure("x", "", [2.0, 2.0, 0.5], 10)]
    few = [Figure("x", "", [0.5, 0.5, 0.5], 1), Figure("x", "", [2.0, 0.5, 0.5], 10)]

    assert [len(one.values) for one in pays_from("pays", "ms", most)] == [2]
    assert pays_from("pays", "ms", few) == []


def test_pages_arrive_whole_and_in_order_on_both_ways() -> None:
    bodies = [bytes([number]) * 100 for number in range(10)]
    with border(100, workers=1) as ours:
        for way in WAYS.values():
            found = drive(partial(_cross, way, ours, bodies), len(bodies))
            assert found == [(os.getpid(), body) for body in bodies]


def _cross(
    way: Callable[..., Future[object]], ours: Border, bodies: list[bytes], number: int
) -> Future[object]:
    return way(ours, number, _parent_of, bodies[number])


def _parent_of(body: bytes) -> tuple[int, bytes]:
    return os.getppid(), body


def test_each_limit_of_a_mode_is_told_by_its_own_cost() -> None:
    cost = Cost(own_user=0.001, own_system=0.001, workers=0.003, server=0.005)
    limits = {mode: e25_hybrid.bounds(cost, 10, 2, mode) for mode in e25_hybrid.MODES}

    assert limits["async"] == pytest.approx((1000, 500, 200))
    assert limits["processes"] == pytest.approx((1250, 500, 200))
    assert limits["hybrid"] == pytest.approx((2000, 500, 200))


def test_hybrid_is_not_compared_on_other_work_or_with_the_server_as_its_limit() -> None:
    run = e25_hybrid.Run("digest", 100.0, Cost(own_user=0, own_system=0, workers=0, server=0), 2)
    e25_hybrid.check([run, run], 1000.0)

    with pytest.raises(BenchError, match="not the same work"):
        e25_hybrid.check([run, run._replace(digest="other")], None)
    with pytest.raises(BenchError, match="what the server can give"):
        e25_hybrid.check([run], 120.0)


def test_a_list_of_faults_has_good_pages_between_them() -> None:
    urls = faulty.urls_of("http://site", ["reset at once", "silence"])

    assert len(urls) == 8
    assert [fault for fault in urls.values() if fault] == ["reset at once", "silence"]

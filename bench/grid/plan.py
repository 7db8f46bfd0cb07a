"""What the grid measures: which points, which modes at each, how many pages, in which order."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bench.cell import Cell
from crawler import MODES

__all__ = [
    "CHOOSING", "DIFFERENT", "FULL", "QUICK", "Point", "Scale", "Step", "cell_of", "modes_at",
    "planned", "seconds",
]  # fmt: skip

#: Modes whose number in flight is theirs to choose; serial has 1, processes one a worker.
CHOOSING = ("threads", "async", "hybrid")
#: Seconds that the steady part of a cell should last; a reading of the CPU is good to 10 ms.
STEADY = 1.0
#: CPU seconds of a page, roughly, on a core of 2026: they only size the cells.
ROUGHLY = {"lexbor": 0.0012, "python_light": 0.003, "python_heavy": 0.008, "c_heavy": 0.008}
#: Seconds to start an interpreter with its workers, and to end it, roughly.
START = 1.35
#: Pages that a place in flight does at least; the first and the last do not count.
TURNS = 4
#: Different pages of the site; 30 kB each, so that the server keeps them all.
DIFFERENT = 600


class Point(msgspec.Struct, frozen=True, order=True):
    """A place of the grid: a page's work, milliseconds of latency, most in flight."""

    work: str
    latency_ms: float
    places: int

    @property
    def name(self) -> str:
        """The name of its list of pages."""
        return f"{self.work}-{self.latency_ms:g}ms-{self.places}"

    @property
    def pages(self) -> int:
        """How many pages its list has: as many as are done in STEADY, but TURNS in each place."""
        cost = ROUGHLY[self.work]
        rate = min(self.places / (self.latency_ms / 1000 + cost), 1 / cost)
        return self.places * max(TURNS, math.ceil(STEADY * rate / self.places))

    def path(self, number: int) -> str:
        """Return the path of line *number* of its list."""
        return f"/p/{number % DIFFERENT}?latency={self.latency_ms:g}ms"


@dataclass(frozen=True)
class Scale:
    """For each work the latencies (ms) and the numbers in flight; and how often all of it."""

    blocks: Mapping[str, tuple[Sequence[float], Sequence[int]]]
    rounds: int

    @property
    def points(self) -> list[Point]:
        """All points in order."""
        return [
            Point(work, latency, places)
            for work, (latencies, numbers) in self.blocks.items()
            for latency in latencies
            for places in numbers
        ]

    def settings(self) -> dict[str, float]:
        """Return it as plain numbers, by which a run that was broken off is known again."""
        found = {"rounds": float(self.rounds), "steady": STEADY}
        return found | {point.name: float(point.pages) for point in self.points}


_HEAVY = ((0, 20, 200), (1, 4, 64))
FULL = Scale(
    blocks={
        "lexbor": ((0, 5, 20, 100, 1000), (1, 4, 16, 64, 256)),
        "python_light": _HEAVY,
        "python_heavy": _HEAVY,
        "c_heavy": _HEAVY,
    },
    rounds=3,
)
QUICK = Scale(
    blocks={"lexbor": ((0, 100), (1, 4, 64)), "python_heavy": ((0,), (1, 4))},
    rounds=2,
)


@dataclass(frozen=True)
class Step:
    """One run to make: the round it belongs to, the point, and the mode."""

    round: int
    point: Point
    mode: str


def modes_at(point: Point, points: Sequence[Point], workers: int) -> tuple[str, ...]:
    """Return the modes that are run at *point* of all *points*.

    serial is run where one is in flight, processes at the fewest that its *workers* can have;
    elsewhere with the same work and latency they would do the same again.
    """
    here = [one.places for one in points if (one.work, one.latency_ms) == _block(point)]
    enough = min((places for places in here if places >= workers), default=max(here))
    given = {"serial": min(here), "processes": enough}
    return tuple(mode for mode in MODES if given.get(mode, point.places) == point.places)


def planned(scale: Scale, workers: int) -> Iterator[Step]:
    """Yield all runs in order: rounds, in each the blocks of one work and latency, shuffled.

    The runs of a block come together, the modes of one point next to each other, so that what
    is compared is of the same minutes.
    """
    points = scale.points
    for number in range(scale.rounds):
        drawn = random.Random(number)
        blocks = list(dict.fromkeys(map(_block, points)))
        for block in drawn.sample(blocks, len(blocks)):
            here = [point for point in points if _block(point) == block]
            for point in drawn.sample(here, len(here)):
                modes = modes_at(point, points, workers)
                for mode in drawn.sample(modes, len(modes)):
                    yield Step(number, point, mode)


def cell_of(step: Step) -> Cell:
    """Return what is run; it is steady when every place has done a page, until all do the last."""
    point = step.point
    warm = {"serial": 1, "processes": point.pages // 4}.get(step.mode, point.places)
    return Cell(
        work=point.name,
        mode=step.mode,
        concurrency=point.places,
        pages=point.pages,
        warm=max(1, min(warm, point.pages - 1)),
        analyser=point.work,
    )


def seconds(step: Step, workers: int) -> float:
    """Return how long a run takes, roughly."""
    point, cost = step.point, ROUGHLY[step.point.work]
    places = {"serial": 1, "processes": min(workers, point.places)}.get(step.mode, point.places)
    cores = workers if step.mode in ("processes", "hybrid") else 1
    rate = min(places / (point.latency_ms / 1000 + cost), cores / cost)
    return START + point.pages / rate


def _block(point: Point) -> tuple[str, float]:
    return point.work, point.latency_ms

"""What an exhibit is made of: figures with their spread, and a verdict on a claim."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Protocol

__all__ = ["Exhibit", "Figure", "Found", "Judgement", "Scale", "SkippedError", "Verdict", "ratio"]


class Verdict(StrEnum):
    """What a measurement says of a claim."""

    HOLDS = "holds"
    LIMITED = "holds within limits"
    REFUTED = "does not hold"
    OUTDATED = "outdated"
    SKIPPED = "skipped"


class SkippedError(Exception):
    """This Python or this machine lacks what the exhibit is about; the message says what."""


@dataclass(frozen=True)
class Scale:
    """How often everything is measured; *quick* is for tests and looks at structure only."""

    rounds: int
    quick: bool = False

    def pick(self, full: int, quick: int) -> int:
        """Return the size of a work: *full*, or *quick* where that will do."""
        return quick if self.quick else full

    @property
    def many_rounds(self) -> int:
        """How often what takes a second and varies much is measured."""
        return self.rounds * self.pick(3, 1)


@dataclass(frozen=True)
class Figure:
    """One thing that was measured: a value for each round, in *unit* ("" for a plain number).

    Figures of the same name make a curve, each *at* its place on the axis.
    """

    name: str
    unit: str
    values: Sequence[float]
    at: float | None = None

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return median(self.values)

    def text(self) -> str:
        """Return the median, and the least and the greatest in brackets where they differ."""
        middle, low, high = map(_short, (self.median, min(self.values), max(self.values)))
        spread = middle if low == high else f"{middle} ({low}–{high})"
        return f"{spread} {self.unit}".rstrip()


class Found:
    """The figures of one exhibit by their names."""

    def __init__(self, figures: Iterable[Figure]):
        self._figures = list(figures)

    def __getitem__(self, name: str) -> Figure:
        """Return the one figure of a name; raises KeyError if there is none, or a curve."""
        found = self.curve(name)
        if len(found) != 1:
            raise KeyError(f"{len(found)} figures are named {name!r}")
        return found[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.curve(name))

    def curve(self, name: str) -> list[Figure]:
        """Return the figures of a name in the order of their places."""
        found = [one for one in self._figures if one.name == name]
        return sorted(found, key=lambda one: one.at or 0.0)


@dataclass(frozen=True)
class Judgement:
    """A verdict and, in a sentence made from the figures, why."""

    verdict: Verdict
    why: str


class Exhibit(Protocol):
    """What the module of an exhibit has; its docstring is the claim.

    ``measure`` waits and decides nothing; ``judge`` decides and waits for nothing.
    A module whose evidence is a count or an order may have ``must_show``, too: it tells from
    the figures of any scale, on any machine, whether what the exhibit is about was seen.
    """

    measure: Callable[[Scale], list[Figure]]
    judge: Callable[[Found], Judgement]


def ratio(name: str, one: Figure, other: Figure) -> Figure:
    """Return how many times *other* each round of *one* is."""
    return Figure(name, "", [a / b for a, b in zip(one.values, other.values, strict=True)], one.at)


def _short(value: float) -> str:
    """Return three digits that matter, and no power of ten."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.0001 else f"{value:.1g}"

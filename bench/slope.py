"""A straight line through memory readings, and how sure its slope is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import linear_regression

__all__ = ["Slope", "slope"]

_FEWEST = 4


@dataclass(frozen=True)
class Slope:
    """Bytes a record, and two standard errors of it."""

    value: float
    error: float

    def text(self) -> str:
        """Return both in words."""
        return f"{self.value:+.1f} ± {self.error:.1f}"


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Return the least-squares slope through *points*, which must be in order.

    Neighbours are alike, because memory comes and goes in steps: so many readings count as
    fewer, by how much each deviation resembles the one before.
    """
    if len(points) < _FEWEST:
        raise ValueError(f"{len(points)} readings are too few for a slope")
    places, values = zip(*points, strict=True)
    line = linear_regression(places, values)
    off = [value - line.intercept - line.slope * place for place, value in points]
    squares = sum(one * one for one in off)
    middle = sum(places) / len(places)
    width = sum((place - middle) ** 2 for place in places)
    alike = sum(a * b for a, b in pairwise(off)) / squares if squares else 0.0
    alike = min(max(alike, 0.0), 0.99)
    count = max(_FEWEST - 1, len(points) * (1 - alike) / (1 + alike))
    variance = squares / len(points) * count / (count - 2)
    return Slope(line.slope, 2 * sqrt(variance / width * len(points) / count))

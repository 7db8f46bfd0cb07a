"""Several measurements of one thing in a few words: the median, and from where to where."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "spread"]


@dataclass(frozen=True)
class Spread:
    """The median, the least and the greatest of some values."""

    median: float
    least: float
    greatest: float

    def text(self, digits: int = 0, scale: float = 1.0) -> str:
        """Return the median with the range in brackets, or alone if that says no more."""
        middle, low, high = (
            f"{scale * value:.{digits}f}" for value in (self.median, self.least, self.greatest)
        )
        return middle if low == high else f"{middle} ({low}–{high})"


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of *values*, of which there must be at least one."""
    kept = list(values)
    return Spread(median(kept), min(kept), max(kept))

"""Sum up a histogram: its quantiles, and between what values each lies with 95 % confidence."""

from math import ceil, floor, sqrt

from crawler.core.histogram import Histogram, greatest, index_of
from crawler.stores.hdrlog import decoded, encoded
from crawler.traffic.report import Distribution, Quantile

__all__ = ["SHOWN", "Z95", "distribution", "histogram_of", "is_known", "quantile_ms"]

SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
#: 95 % of a normal distribution lie within so many standard deviations.
Z95 = 1.959964

# With ten beyond, the upper end of the interval is still a sample and not the greatest one.
_BEYOND = 10
_MS = 1e6


def is_known(count: int, q: float) -> bool:
    """Whether ten of *count* samples lie beyond the quantile *q*, so that it can be told."""
    # 1 - 0.9999 is a little less than 0.0001: 100 000 samples shall do.
    return round(count * (1 - q), 6) >= _BEYOND


def distribution(histogram: Histogram) -> Distribution:
    """Sum up *histogram*, which counts nanoseconds.

    The intervals are from one sample to another, by rank: n q -+ 1.96 sqrt(n q (1 - q)), rounded
    outwards (Le Boudec, Performance Evaluation, 2.2.2).  They take the samples for independent
    of each other.  Latencies under load are not, a slow one comes with others; then the true
    interval is wider, and `crawler.traffic.comparison` takes that from the slices of a run.
    """
    count = len(histogram)
    shares = [q for q in SHOWN if is_known(count, q)]
    ranks = [_ranks(count, q) for q in shares]
    values = histogram.quantiles(shares)
    lows = histogram.at_ranks(low for low, _ in ranks)
    highs = histogram.at_ranks(high for _, high in ranks)
    return Distribution(
        count=count,
        mean_ms=histogram.mean() / _MS,
        min_ms=histogram.least / _MS if count else 0.0,
        max_ms=histogram.most / _MS,
        quantiles=tuple(
            Quantile(q, value / _MS, max(_bottom(low), histogram.least) / _MS, high / _MS)
            for q, value, low, high in zip(shares, values, lows, highs, strict=True)
        ),
        hdr=encoded(histogram),
    )


def histogram_of(distribution: Distribution) -> Histogram:
    """Return the histogram that was summed up; raises ValueError if ``hdr`` cannot be read."""
    histogram = decoded(distribution.hdr)
    if distribution.count:
        histogram.total = round(distribution.mean_ms * _MS * distribution.count)
        histogram.least = round(distribution.min_ms * _MS)
        histogram.most = round(distribution.max_ms * _MS)
    return histogram


def quantile_ms(distribution: Distribution, q: float) -> float:
    """Return any quantile in milliseconds, however few samples lie beyond; 0 without samples.

    Raises ValueError unless 0 < q <= 1.
    """
    return histogram_of(distribution).quantile(q) / _MS


def _ranks(count: int, q: float) -> tuple[int, int]:
    """Return the ranks between which the quantile lies."""
    middle, reach = count * q, Z95 * sqrt(count * q * (1 - q))
    return floor(middle - reach), ceil(middle + reach) + 1


def _bottom(value: int) -> int:
    """Return the least value that is counted in the bucket of *value*."""
    return greatest(index_of(value) - 1) + 1

"""What one run says of the server, and how far it may be off although its samples hang together."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import ceil, exp, inf, log, pi, sqrt
from statistics import fmean, variance

import msgspec

from crawler.core.histogram import greatest
from crawler.traffic.intervals import Z95, histogram_of
from crawler.traffic.report import Distribution, LoadReport, Slice

__all__ = ["QUANTILES", "Estimate", "Events", "estimates", "events", "of_runs", "sum_of_runs"]

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}

# Some thirty batches are enough, and more make each too short to forget the one before
# (Schmeiser, Batch size effects in the analysis of simulation output, 1982).
_BATCHES = 40
_FEWEST = 5
_MOST_ALIKE = 0.95
_LEAST_MS = 1e-6
_STEP = 0.001  # a bucket is so wide at most: no quantile is known better


class Estimate(msgspec.Struct, frozen=True):
    """The logarithm of a figure, the variance of that, and the variance's degrees of freedom.

    *least* is the variance that it would have at least: that of independent samples.
    """

    log: float
    variance: float
    degrees: float
    least: float = 0.0

    @property
    def value(self) -> float:
        """The figure itself."""
        return exp(self.log)


class Events(msgspec.Struct, frozen=True):
    """So many *count* of *total*; *excess* is by how much they come in bursts, 1 if singly.

    It is the variance in relation to that of independent events; *degrees* are its degrees of
    freedom.
    """

    count: int
    total: int
    excess: float
    degrees: float

    @property
    def share(self) -> float:
        """How many of all."""
        return self.count / max(self.total, 1)


def estimates(report: LoadReport) -> dict[str, Estimate]:
    """Return what is known of p50, p90, p99, p99.9 and mean in milliseconds, and requests/s.

    The variance of a quantile is that of independent samples times what the slices of the run
    show: how much more the medians (p99s) of its slices vary than they then would.  For an inner
    quantile in a Gaussian copula none hangs together more than the median, and the mean at most
    pi/2 times as much (the arcsine law, Van Vleck and Middleton 1966).
    """
    parts = _whole_slices(report)
    found = _quantiles(report.response, parts)
    rates = [(part.ok + part.http_error) / part.seconds for part in parts]
    if report.requests_per_s > 0 and any(rates):
        spread, degrees = _spread_of_mean(rates)
        found["requests/s"] = Estimate(
            log(report.requests_per_s), spread / fmean(rates) ** 2, degrees
        )
    return found


def events(report: LoadReport) -> Events:
    """Return how many of the finished requests failed."""
    parts = [(_failures(part), part.ok + _failures(part)) for part in _whole_slices(report)]
    excess, degrees = _excess(_batches(parts), _FEWEST)
    return Events(report.failures, report.ok + report.failures, excess, degrees)


def of_runs(runs: Sequence[Estimate]) -> Estimate:
    """Return what several runs say together: how they differ is then the variance."""
    if len(runs) == 1:
        return runs[0]
    logs = [run.log for run in runs]
    return Estimate(fmean(logs), variance(logs) / len(logs), len(logs) - 1)


def sum_of_runs(runs: Sequence[Events]) -> Events:
    """Return the events of several runs: how they differ is then what bursts are known by."""
    if len(runs) == 1:
        return runs[0]
    pairs = [(run.count, run.total) for run in runs]
    count, total = map(sum, zip(*pairs, strict=True))
    return Events(count, total, *_excess(pairs, fewest=2))


def _quantiles(response: Distribution, parts: Sequence[Slice]) -> dict[str, Estimate]:
    """Return the quantiles that are known, and the mean if the median is."""
    independent = {
        found.q: (max(log(_ms(found.high_ms) / _ms(found.low_ms)), _STEP) / (2 * Z95)) ** 2
        for found in response.quantiles
    }
    if 0.5 not in independent:
        return {}
    halves = [log(_ms(part.p50_ms)) for part in parts if part.p50_ms is not None]
    tails = [log(_ms(part.p99_ms)) for part in parts if part.p99_ms is not None]
    middle, degrees = _inflation(halves, independent[0.5])
    wide, tail_degrees = middle, degrees
    if 0.99 in independent:
        tail, tail_degrees = _inflation(tails, independent[0.99])
        wide, tail_degrees = max(middle, tail), min(degrees, tail_degrees)
    found = {}
    for name, q in QUANTILES.items():
        ms = response.ms(q)
        if ms is not None:
            times, known = (middle, degrees) if q == 0.5 else (wide, tail_degrees)
            found[name] = Estimate(log(_ms(ms)), independent[q] * times, known, independent[q])
    least = _variance_of_mean(response)
    times = max(1 + pi / 2 * (wide - 1), wide)
    found["mean"] = Estimate(log(_ms(response.mean_ms)), least * times, tail_degrees, least)
    return found


def _inflation(logs: Sequence[float], independent: float) -> tuple[float, float]:
    """Return how much more a quantile varies than *independent* samples would let it."""
    spread, degrees = _spread_of_mean(logs)
    return spread / independent, degrees


def _variance_of_mean(response: Distribution) -> float:
    """Return the relative variance of the mean of independent samples."""
    counts = histogram_of(response).sparse()
    values = {greatest(index): count for index, count in counts.items()}
    first = sum(value * count for value, count in values.items())
    second = sum(value * value * count for value, count in values.items())
    return max(second / max(first, 1) ** 2 - 1 / response.count, 0.0)


def _whole_slices(report: LoadReport) -> list[Slice]:
    """Return the slices within the window, without the stump at its end."""
    longest = max((part.seconds for part in report.series), default=0.0)
    return [
        part for part in report.series if part.at_s < report.window_s and part.seconds > longest / 2
    ]


def _failures(part: Slice) -> int:
    return part.http_error + part.network + part.timeout


def _ms(ms: float) -> float:
    """Return the time, at least the nanosecond that was the clock's step."""
    return max(ms, _LEAST_MS)


def _spread_of_mean(values: Sequence[float]) -> tuple[float, float]:
    """Return the variance of the mean of a series that may hang together, and its degrees.

    By batch means, and what their first autocorrelation still shows, as of an AR(1) series.
    Infinite when there are too few values to know.
    """
    if len(values) < _FEWEST:
        return inf, 1.0
    batches = _batches([(value, 1) for value in values])
    means = [total / count for total, count in batches]
    center = fmean(means)
    alike, degrees = _alike([mean - center for mean in means])
    return variance(means, center) * alike / len(means), degrees


def _excess(pairs: Sequence[tuple[float, int]], fewest: int) -> tuple[float, float]:
    """Return how the counts in *pairs* of (count, total) vary against a binomial's, at least 1."""
    count, total = sum(count for count, _ in pairs), sum(total for _, total in pairs)
    if len(pairs) < fewest or total == 0:
        return inf, 1.0
    share = count / total
    if share in {0, 1}:
        return 1.0, len(pairs) - 1.0
    off = [
        (hits - of * share) / sqrt(of * share * (1 - share)) if of else 0.0 for hits, of in pairs
    ]
    alike, degrees = _alike(off) if len(pairs) >= _FEWEST else (1.0, len(pairs) - 1.0)
    return max(1.0, sum(part * part for part in off) / (len(off) - 1) * alike), degrees


def _alike(off: Sequence[float]) -> tuple[float, float]:
    """Return how much more the mean of deviations *off* varies as each is like the one before.

    The first autocorrelation of so few is too low by (1 + 3 r) / n (Marriott and Pope 1954).
    """
    count, square = len(off), sum(part * part for part in off)
    if square == 0:
        return 1.0, count - 1.0
    r = sum(one * other for one, other in pairwise(off)) / square
    r = min(max(r + (1 + 3 * r) / count, 0.0), _MOST_ALIKE)
    degrees = count * (1 - r * r) / (1 + r * r) - 1
    return (1 + r) / (1 - r), max(degrees, 1.0)


def _batches(pairs: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Add up neighbours until at most forty are left, as even as can be."""
    size = len(pairs) // ceil(len(pairs) / _BATCHES) if pairs else 0
    edges = [len(pairs) * place // size for place in range(size + 1)] if size else []
    return [_sum(pairs[start:end]) for start, end in pairwise(edges)]


def _sum(pairs: Iterable[tuple[float, int]]) -> tuple[float, int]:
    values, counts = zip(*pairs, strict=True)
    return sum(values), sum(counts)

"""Fit how throughput grows and falls with what is in flight, and find where it is greatest."""

from collections.abc import Sequence
from math import isfinite, sqrt
from operator import mul

from msgspec.structs import replace

from crawler.traffic.report import Knee

__all__ = ["at", "fit"]

#: From the linear solution, data with 3 % noise are still to a part in 10**9 after 5.
_ROUNDS = 8
#: The mean square of the error, in shares of X, of data that follow no such law: half of X.
_NONSENSE = 0.25

Pairs = Sequence[tuple[float, float]]


def at(knee: Knee, n: float) -> float:
    """Return the requests/s that the law gives at *n* in flight."""
    return knee.per_s * n / _slowdown(knee.contention, knee.coherency, n)


def fit(pairs: Pairs) -> Knee | None:
    """Fit Gunther's Universal Scalability Law to *pairs* of N in flight and X requests/s.

    N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007.  Contention and coherency are
    at least 0, and the fit is of least squares in X relative to X.  N is a mean, so it may be
    fractional and below 1: the law is used to read between the measured points, not as a claim
    about single requests.  None for fewer than 3 different N, or when no such law comes near.
    """
    used = [(n, x) for n, x in pairs if isfinite(n) and isfinite(x) and n > 0 and x > 0]
    if len({n for n, _ in used}) < 3:
        return None
    found = [law for free in _FREE if (law := _fitted(used, free)) is not None]
    if not found:
        return None
    best = min(found, key=lambda law: _badness(used, law))
    if _badness(used, best) > _NONSENSE * len(used):
        return None
    per_s, contention, coherency = best
    knee = Knee(
        per_s=per_s,
        contention=contention,
        coherency=coherency,
        peak_in_flight=None,
        peak_per_s=None,
    )
    peak = _peak(contention, coherency)
    return knee if peak is None else replace(knee, peak_in_flight=peak, peak_per_s=at(knee, peak))


# Which of 1, a and b are free. Where a fit wants one below 0, the best with it at 0 is the
# answer, and one of the four is it, because the bounds are two.
_FREE = ((0, 1, 2), (0, 1), (0, 2), (0,))
_Law = tuple[float, float, float]


def _slowdown(contention: float, coherency: float, n: float) -> float:
    return 1 + contention * (n - 1) + coherency * n * (n - 1)


def _badness(pairs: Pairs, law: _Law) -> float:
    """Return the sum of the squares of how far, in shares of X, the law is from X."""
    rate, a, b = law
    return sum((rate * n / _slowdown(a, b, n) / x - 1) ** 2 for n, x in pairs)


def _fitted(pairs: Pairs, free: tuple[int, ...]) -> _Law | None:
    """Return the law with the terms *free* that fits best, None if one is negative."""
    # N / X = p + q (N - 1) + r N (N - 1) is linear: l = 1 / p, a = q / p, b = r / p. The first
    # round solves that; each further one is a step of Gauss and Newton for the error in X.
    slow = [n / x for n, x in pairs]
    fitted = slow
    terms = [0.0, 0.0, 0.0]
    for _ in range(_ROUNDS):
        rows = [(y / f**2, f + (y - f) * f / y) for y, f in zip(slow, fitted, strict=True)]
        columns = [
            [w * _basis(n)[k] for (n, _), (w, _) in zip(pairs, rows, strict=True)] for k in free
        ]
        solved = _least_squares(columns, [w * z for w, z in rows])
        if solved is None:
            return None
        terms = [0.0, 0.0, 0.0]
        for k, value in zip(free, solved, strict=True):
            terms[k] = value
        fitted = [sum(map(mul, terms, _basis(n))) for n, _ in pairs]
        if min(fitted) <= 0:
            return None
    p, q, r = terms
    return (1 / p, q / p, r / p) if p > 0 and min(q, r) >= 0 else None


def _basis(n: float) -> tuple[float, float, float]:
    return (1.0, n - 1, n * (n - 1))


def _least_squares(columns: list[list[float]], wanted: list[float]) -> list[float] | None:
    """Return the factors of *columns* whose sum is nearest to *wanted*; None if not one answer.

    Columns are made orthogonal one after the other (modified Gram-Schmidt): normal equations
    would lose half of the digits.
    """
    if not columns:
        return []
    first, *others = columns
    length = sum(map(mul, first, first))
    if length <= 0:
        return None
    shares = [sum(map(mul, first, column)) / length for column in (*others, wanted)]
    rests = [
        [value - share * along for value, along in zip(column, first, strict=True)]
        for column, share in zip((*others, wanted), shares, strict=True)
    ]
    for column, rest in zip(others, rests, strict=False):
        if sum(map(mul, rest, rest)) <= 1e-24 * sum(map(mul, column, column)):
            return None
    factors = _least_squares(rests[:-1], rests[-1])
    if factors is None:
        return None
    return [shares[-1] - sum(map(mul, factors, shares)), *factors]


def _peak(contention: float, coherency: float) -> float | None:
    """Return the N at which the law is greatest, None if it only rises or only falls."""
    return sqrt((1 - contention) / coherency) if coherency > 0 and contention < 1 else None

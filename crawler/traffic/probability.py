"""Say how likely chance is: the beta distribution, and with it Student's t."""

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p

__all__ = ["beta_quantile", "beta_share", "critical"]

_TINY = 1e-300
_CLOSE = 1e-12
_STEPS = 10_000  # about sqrt(max(a, b)) are needed


def beta_share(x: float, a: float, b: float) -> float:
    """Return the share of the beta distribution with the shapes *a* and *b* that is below *x*.

    It is the regularised incomplete beta function; the chance of at least k hits of n, each
    with chance x, is ``beta_share(x, k, n - k + 1)``.  By the continued fraction 26.5.8 of
    Abramowitz and Stegun, which is quick on the near side of the mean.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    front = a * log(x) + b * log1p(-x) - (lgamma(a) + lgamma(b) - lgamma(a + b))
    return exp(front) / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + ...)) from the front, by Lentz's method."""
    value, above, below = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            part = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            part = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1 / (1 + part * below or _TINY)
        above = 1 + part / above or _TINY
        value *= above * below
        if abs(above * below - 1) < _CLOSE:
            break
    return value


def beta_quantile(share: float, a: float, b: float) -> float:
    """Return the value that *share* of the beta distribution with shapes *a* and *b* is below.

    A shape of 0 puts all of it at that end: 0 for *a*, 1 for *b*.
    """
    if a <= 0 or b <= 0:
        return float(a > 0)
    low, high = 0.0, 1.0
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        if beta_share(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@lru_cache(maxsize=1024)
def critical(chance: float, degrees: int) -> float:
    """Return what Student's t with so many *degrees* of freedom exceeds with *chance*, +-."""
    low, high = 0.0, 1.0
    while _outside(high, degrees) > chance and high < inf:
        low, high = high, high * 2
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        if _outside(middle, degrees) > chance:
            low = middle
        else:
            high = middle
    return high


def _outside(t: float, degrees: int) -> float:
    """Return the chance that Student's t is beyond +-*t*."""
    return beta_share(degrees / (degrees + t * t), degrees / 2, 0.5)

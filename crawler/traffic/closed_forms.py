"""What response times must be where that can be calculated: stalls, overload, a queue."""

from math import log

__all__ = ["overload_ms", "queue_crossing", "queue_ms", "stall_ms"]


def stall_ms(q: float, stall_ms: float, period_ms: float) -> float:
    """Return the quantile *q* when the server stands still for *stall_ms* in each *period_ms*.

    In an open loop a request that is due within a stall waits for its end: of all requests a
    share (D - x)/T waits longer than x, so that the quantile is D - (1 - q) T.
    """
    return max(0.0, stall_ms - (1 - q) * period_ms)


def overload_ms(number: int, service_per_s: float, asked_per_s: float) -> float:
    """Return the response time of the request *number* when more is asked than is served.

    It is due after n/lambda and answered after n/mu.
    """
    return 1000 * number * (1 / service_per_s - 1 / asked_per_s)


def queue_ms(q: float, service_per_s: float, asked_per_s: float) -> float:
    """Return the quantile *q* of one server with exponential service and Poisson arrivals.

    M/M/1 in first come, first served: the response time is exponential with the rate mu - lambda
    (any text on queues, such as Harchol-Balter, Performance Modeling, chapter 27).
    """
    return -1000 * log(1 - q) / (service_per_s - asked_per_s)


def queue_crossing(q: float, service_per_s: float, limit_ms: float) -> float:
    """Return the rate at which the quantile *q* of such a queue reaches *limit_ms*."""
    return service_per_s + 1000 * log(1 - q) / limit_ms

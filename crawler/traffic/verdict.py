"""Say what held a run: the server, the generator, too few connections; or that nothing did."""

import msgspec

from crawler.traffic.report import Verdict

__all__ = ["Facts", "verdict"]

#: A generator that is busy for this share of a core makes answers wait: at 0.8 of what it can do
#: a queue is four long (M/M/1), and load tools advise to stay below.
BUSY = 0.8
#: In a closed loop all connections are in use; when a share is not, nobody had time to use them.
UNUSED = 0.2
#: Share of the time that a generator waited for a core that others had.
QUEUED = 0.1
#: Milliseconds that the generator may be late, and the share of the response time.
LATE_MS, LATE_SHARE = 1.0, 0.1
#: Milliseconds that its loop may stand still.
STALL_MS = 50.0
#: Ten samples must lie beyond p99.
SAMPLES = 1000
#: Share of what was due that may be left unsent or unanswered before a run has not kept up.
BEHIND = 0.02
#: How much longer than at first a service takes that has grown.
GROWN = 1.5
#: Little's law holds within this, or requests were in flight that nobody saw.
RESIDUAL = 0.25


class Facts(msgspec.Struct, kw_only=True, frozen=True):
    """What a verdict goes by; times in milliseconds, rates in requests/s.

    ``lag`` and ``response`` are p50, p90 and p99, ``early`` and ``late`` the medians of the
    service time of the first answers and of all.  ``late_share`` is of the requests that left
    late because no connection was free, ``behind`` of those that were due and should have been
    answered in the window.  ``in_flight`` is the mean, None where requests ran out before the
    time did: the last ones come alone.  ``residual`` is how far Little's law is off, as a share.
    """

    is_open: bool
    connections: int
    processes: int
    samples: int
    rate: float
    lag: tuple[float, float, float]
    lag_max: float
    response: tuple[float, float, float]
    cpu_share: float
    queue_share: float
    in_flight: float | None
    late_share: float
    behind: float
    early: float
    late: float
    mean_service: float
    residual: float


def verdict(facts: Facts) -> Verdict:
    """Return the verdict; what the generator did comes first, since it spoils all else."""
    evidence = {
        "cpu_share": facts.cpu_share,
        "queue_share": facts.queue_share,
        "lag_p99_ms": facts.lag[2],
        "lag_max_ms": facts.lag_max,
        "late_share": facts.late_share,
        "behind_share": facts.behind,
        "service_grew": facts.late / facts.early if facts.early else 1.0,
        "little_residual": facts.residual,
    }
    word, sentence = _generator(facts) or _samples(facts) or _server(facts)
    return Verdict(word, sentence, evidence)


def _generator(facts: Facts) -> tuple[str, str] | None:
    """Return what held the generator, if anything did."""
    more = f"-w {facts.processes + 1}" if facts.processes == 1 else "more processes (-w)"
    late = _late(facts)
    if facts.cpu_share >= BUSY:
        reason = f"it was busy for {facts.cpu_share:.0%} of a core: use {more}, or ask for less"
    elif _is_unused(facts):
        reason = (
            f"of its {facts.connections} connections {facts.in_flight or 0:.3g} were in use: it "
            f"could not ask again at once; use {more}, or fewer connections"
        )
    elif facts.queue_share >= QUEUED:
        reason = (
            f"for {facts.queue_share:.0%} of the time it waited for a core that others had: "
            "stop them, or give the server and the generator cores of their own (taskset)"
        )
    elif facts.lag_max >= STALL_MS:
        reason = (
            f"it stood still for {facts.lag_max:.0f} ms: look for what else runs on this machine, "
            "and run it again"
        )
    elif late is not None:
        reason = f"it was late ({late}): use {more}, ask for less, or free a core"
    elif facts.residual > RESIDUAL:
        reason = (
            f"its books are off by {facts.residual:.0%} (Little's law): what was in flight is not "
            "what rate and service time say; run it longer"
        )
    else:
        return None
    return "generator-limited", f"The figures are the generator's own: {reason}."


def _late(facts: Facts) -> str | None:
    """Return the first quantile that the generator's lag spoils, in words."""
    for name, lag, response in zip(("p50", "p90", "p99"), facts.lag, facts.response, strict=True):
        if lag > max(LATE_MS, LATE_SHARE * response):
            return f"{name} of its lag is {lag:.3g} ms, {name} of the response time {response:.3g}"
    return None


def _is_unused(facts: Facts) -> bool:
    """Say whether a closed loop left connections unused that it had requests for."""
    in_use = facts.in_flight
    return not facts.is_open and in_use is not None and in_use <= (1 - UNUSED) * facts.connections


def _connections(facts: Facts) -> str:
    return "1 connection gets" if facts.connections == 1 else f"{facts.connections} connections get"


def _samples(facts: Facts) -> tuple[str, str] | None:
    if facts.samples >= SAMPLES:
        return None
    return (
        "too-few-samples",
        f"{facts.samples} answers are too few for a p99, which needs {SAMPLES}: run longer (-z) "
        "or ask for more (-n).",
    )


def _server(facts: Facts) -> tuple[str, str]:
    """Return what held a run in which the generator did its part."""
    if not facts.is_open:
        return (
            "server-limited",
            f"The rate is what {_connections(facts)} from this server; what it can take shows "
            "only a rate (-q) or --find-max.",
        )
    if facts.late_share <= BEHIND and facts.behind <= BEHIND:
        return "kept-up", "All requests left when they were due, and the server kept up."
    if facts.late_share > BEHIND and facts.late < GROWN * facts.early:
        needed = facts.rate * facts.mean_service / 1000
        return (
            "schedule-limited",
            f"{facts.late_share:.0%} of the requests waited for a free connection while the "
            f"server was no slower than at first: {facts.rate:.4g}/s of "
            f"{facts.mean_service:.3g} ms need more than {needed:.0f} connections "
            f"(-c {round(needed * 1.5) + 1}).",
        )
    return (
        "server-limited",
        f"The server did not keep up: {facts.behind:.0%} of what was due was not answered in "
        f"time, and an answer took {facts.late:.3g} ms where it took {facts.early:.3g} at first.",
    )

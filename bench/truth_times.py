"""Truth of times: pacing, percentiles and stalls, held against the server and closed forms."""

import random
from functools import partial
from math import ceil, floor
from threading import Event

from bench.rounds import say
from bench.truth_ground import Ground, Sight, Taken, our_server
from bench.truth_results import Compared, Pacing, Percentiles, Stalls
from bench.truth_scale import Scale
from crawler import LoadOptions
from fixtures.truth.histogram import Histogram

__all__ = ["pacing", "percentiles", "stalls"]

MS = 1e6
RATE = 1000  # requests/s
SPARE = 1.5  # seconds of a run that lie before the first look and after the last
QUANTILES = (0.5, 0.9, 0.99, 0.999)

#: Each distribution of the server, and the seconds that 99.9 % of its answers take at most.
DISTRIBUTIONS = {
    "20ms": 0.02,
    "uniform(1ms,30ms)": 0.03,
    "normal(50ms,10ms)": 0.081,
    "lognormal(20ms,200ms)": 0.43,
    "exponential(20ms)": 0.14,
    "pareto(2ms,1.5,200ms)": 0.2,
    "85%:2ms,15%:40ms": 0.04,
    "quantiles(0%:5ms,50%:20ms,99%:100ms,100%:200ms)": 0.19,
}
#: A run with hardly any delay, but one that is drawn and waited for.
DRAWN = "exponential(1ms)"
LEAST, MOST = 500, 5000  # connections
TASTE_S = 2.0  # seconds of a closed loop that tells the capacity
STALL_AT = 1 / 3  # of the run


def pacing(scale: Scale) -> Pacing:
    """Send at a constant rate, and have the server see the gaps and the rate."""
    seconds = scale.pacing_s
    with our_server() as ground:
        watch = partial(_two_sights, ground, seconds - SPARE)
        taken = ground.run(LoadOptions(rate=RATE, duration=seconds), watch)
        first, last = taken.seen
        gaps = Histogram.from_json(taken.truth["histograms"]["interarrival_ns"])
        lag = Histogram.from_json({"hdr": taken.report.lag.hdr})
        return Pacing(
            ran=ground.ledger.ran(),
            rate=RATE,
            seconds=seconds,
            shortest_ms=gaps.quantile(0.005) / MS,
            longest_ms=gaps.quantile(0.995) / MS,
            seen_per_s=(last.requests - first.requests) / (last.at - first.at),
            lag_p99_ms=lag.quantile(0.99) / MS,
        )


def _two_sights(ground: Ground, apart: float, over: Event) -> tuple[Sight, Sight]:
    """Look when the load has begun and so many seconds later; few looks, as each is a gap."""
    first = ground.under_load(over, often=0.3)
    over.wait(apart)
    return first, ground.look()


def percentiles(scale: Scale) -> Percentiles:
    """Compare quantiles with the server's, at half of what both can do on a core each."""
    with our_server() as ground:
        capacity = min(_capacity(ground, 50, "0ms"), _capacity(ground, 200, DRAWN))
        rate = floor(capacity / 2)
        known = [q for q in QUANTILES if round(rate * scale.percentiles_s * (1 - q)) >= 10]
        rows: dict[tuple[str, float], Compared] = {
            (latency, q): Compared(latency=latency, q=q, ours=[], theirs=[], floor=[])
            for latency in DISTRIBUTIONS
            for q in known
        }
        for number in range(scale.rounds):
            zero = _at(ground, rate, scale.percentiles_s, "0ms")
            for latency in random.Random(number).sample(list(DISTRIBUTIONS), len(DISTRIBUTIONS)):
                taken = _at(ground, rate, scale.percentiles_s, latency)
                for q in known:
                    row = rows[latency, q]
                    row.ours.append(taken.ours(q))
                    row.theirs.append(taken.theirs(q))
                    row.floor.append(zero.ours(q) - zero.theirs(q))
                said = taken.report.verdict.word
                say(f"percentiles: {number + 1} of {scale.rounds}: {latency}: {rate}/s: {said}")
        return Percentiles(
            ran=ground.ledger.ran(), capacity_per_s=capacity, rate=rate, rows=list(rows.values())
        )


def _capacity(ground: Ground, connections: int, latency: str) -> float:
    """Return how many requests/s a closed loop gets; the server does more for a drawn delay."""
    options = LoadOptions(connections=connections, duration=TASTE_S)
    return ground.run(options, latency=latency).report.requests_per_s


def _at(ground: Ground, rate: int, seconds: float, latency: str) -> Taken:
    wanted = ceil(rate * DISTRIBUTIONS.get(latency, 0.0))
    connections = min(max(wanted, LEAST), MOST)
    options = LoadOptions(rate=rate, duration=seconds, connections=connections)
    return ground.run(options, latency=latency)


def stalls(scale: Scale) -> Stalls:
    """Have the server stand still once, and ask it in an open loop and in a closed one."""
    seconds, stall = scale.stalls_s, scale.stall_s
    connections, shares = 50, [*QUANTILES, 1.0]
    with our_server() as ground:
        words = f"{1000 * stall:g}ms@{seconds * STALL_AT:g}s"
        free = round(RATE * stall * 1.5)  # so that none waits for a connection
        taken = ground.run(
            LoadOptions(rate=RATE, duration=seconds, connections=free), stall=[words]
        )
        say(f"stalls: open loop: {taken.report.verdict.word}")
        closed = ground.run(LoadOptions(connections=connections, duration=seconds), stall=[words])
        say(f"stalls: closed loop: {closed.report.verdict.word}")
        return Stalls(
            ran=ground.ledger.ran(),
            stall_s=stall,
            seconds=seconds,
            rate=RATE,
            connections=connections,
            quantiles=shares,
            open_ms=list(map(taken.ours, shares)),
            theirs_ms=list(map(taken.theirs, shares)),
            closed_ms=list(map(closed.ours, shares)),
            closed_requests=closed.report.ok,
        )

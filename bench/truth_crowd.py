"""Truth of two processes and of the search for the highest rate."""

import random
from typing import Any

from bench.cell import BenchError
from bench.load import PAGE
from bench.nginx import CONNECTIONS
from bench.rounds import say
from bench.truth_ground import Ledger, Taken, our_server, their_server
from bench.truth_results import Processes, Search, Searched
from bench.truth_scale import Scale
from crawler import LoadOptions, load
from fixtures.truth.histogram import Histogram

__all__ = ["processes", "search"]

RATE = 10_000  # requests/s of both processes together
OUR_RATE = 2000  # of ours, which a server with delays can do
LATENCY = "lognormal(5ms,50ms)"
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
LIMIT_S = 0.05
QUEUE: dict[str, Any] = {"capacity": 1, "service": "exponential(1ms)"}
CONNECTIONS_OF_SEARCH = 200
CONNECTIONS_OF_QUEUE = 20


def processes(scale: Scale) -> Processes:
    """Ask at one rate with one process and with two, in pairs, then hold two against the truth."""
    ledger = Ledger()
    cost: dict[int, list[float]] = {1: [], 2: []}
    with their_server(PAGE) as page:
        for number in range(scale.pairs):
            for workers in random.Random(number).sample(list(cost), len(cost)):
                options = LoadOptions(
                    rate=RATE, duration=scale.pair_s, connections=CONNECTIONS, workers=workers
                )
                report = ledger.add(load(page.url, options))
                cost[workers].append(sum(one.cpu_s for one in report.processes) / report.sent)
                say(
                    f"processes: {number + 1} of {scale.pairs}: {workers}: "
                    f"{1e6 * cost[workers][-1]:.2f} µs: {report.verdict.word}"
                )
    with our_server() as ground:
        ground.ledger = ledger
        options = LoadOptions(rate=OUR_RATE, duration=scale.pair_s, connections=500, workers=2)
        taken = ground.run(options, latency=LATENCY)
    return Processes(
        ran=ledger.ran(),
        rate=RATE,
        one=cost[1],
        two=cost[2],
        sent=taken.report.sent,
        counted=taken.truth["requests"],
        recorded=len_of(taken),
        below=sum(taken.ours(q) < taken.theirs(q) for q in QUANTILES),
    )


def len_of(taken: Taken) -> int:
    """Return how many times the histogram of a run holds, as it is written out."""
    return Histogram.from_json({"hdr": taken.report.response.hdr}).count


def search(scale: Scale) -> Search:
    """Search for the highest rate at which a queue is quick enough; raises BenchError."""
    found = []
    with our_server(**QUEUE) as ground:
        for number in range(scale.searches):
            closed = LoadOptions(connections=CONNECTIONS_OF_QUEUE, duration=scale.capacity_s)
            capacity = ground.run(closed).report.requests_per_s
            say(f"search: {number + 1} of {scale.searches}: the queue does {capacity:.1f}/s")
            wanted = LoadOptions(
                find_max=f"p99<{1000 * LIMIT_S:g}ms", arrivals="poisson", duration=scale.step_s,
                connections=CONNECTIONS_OF_SEARCH, timeout=60,
            )  # fmt: skip
            report = ground.ledger.add(load(ground.url, wanted))
            if report.found is None:
                raise BenchError("the search found nothing")
            one = Searched(
                capacity=capacity,
                rate=report.found.rate,
                low=report.found.low,
                high=report.found.high,
                steps=len(report.found.steps),
            )
            say(f"search: {one.rate:.1f}/s in {one.steps} steps: {report.verdict.word}")
            found.append(one)
        return Search(ran=ground.ledger.ran(), limit_s=LIMIT_S, searches=found)

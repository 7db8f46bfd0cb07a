"""What holds a crawl back: the number in flight, one thread, or the cores, whichever is least."""

from typing import NamedTuple

from bench.cell import Cost, Measured

__all__ = ["Bound", "bound", "place_cost", "rate", "thread_cost"]


class Bound(NamedTuple):
    """The least of the limits: which it is, and the pages a second that it allows."""

    name: str
    pages_per_s: float


def bound(run: Measured, *, latency: float, cores: int, pinned: bool) -> Bound:
    """Return what limits *run*, from the CPU a page that was measured in the run itself.

    Not pinned, client and server share the *cores*.  Pinned, the server has one for itself.
    """
    client, server = run.cost.client, run.cost.server
    in_place = latency + place_cost(run.cell.mode, run.cost)
    limits = [
        Bound("in flight", rate(run.cell.concurrency, in_place)),
        Bound("one thread", rate(1, thread_cost(run))),
    ]
    if pinned:
        limits += [
            Bound("the client's cores", rate(cores - 1, client)),
            Bound("the server's core", rate(1, server)),
        ]
    else:
        limits.append(Bound("all cores", rate(cores, client + server)))
    return min(limits, key=lambda limit: limit.pages_per_s)


def thread_cost(run: Measured) -> float:
    """Return the CPU seconds a page of the process that the loop, or the threads, are in.

    hybrid's workers are others.  Threads let go of the GIL in the kernel, and while they parse
    and hash, so they may pass the limit from this a little.
    """
    return run.cost.own


def place_cost(mode: str, cost: Cost) -> float:
    """Return the CPU seconds of the page's *cost* in which it holds its place in flight.

    What the parent of processes does about a page does not hold the worker up, and hybrid's
    loop is at the next page meanwhile: its places are free before a page is analysed.
    """
    return {"processes": cost.workers, "hybrid": 0.0}.get(mode, cost.client)


def rate(most: float, each: float) -> float:
    """Return how many a second: *most* at once of *each* so many seconds."""
    return most / each if each > 0 else float("inf")

"""What holds a crawl back: the number in flight, one thread, or the cores, whichever is least."""

from typing import NamedTuple

from bench.cell import Measured

__all__ = ["Bound", "bound", "thread_cost"]


class Bound(NamedTuple):
    """The least of the limits: which it is, and the pages a second that it allows."""

    name: str
    pages_per_s: float


def bound(run: Measured, *, latency: float, cores: int, pinned: bool) -> Bound:
    """Return what limits *run*, from the CPU a page that was measured in the run itself.

    Not pinned, client and server share the *cores*.  Pinned, the server has one for itself.
    """
    client, server = run.cost.client, run.cost.server
    limits = [
        Bound("in flight", run.cell.concurrency / (latency + client)),
        Bound("one thread", _inverse(thread_cost(run))),
    ]
    if pinned:
        limits += [
            Bound("the client's cores", (cores - 1) * _inverse(client)),
            Bound("the server's core", _inverse(server)),
        ]
    else:
        limits.append(Bound("all cores", cores * _inverse(client + server)))
    return min(limits, key=lambda limit: limit.pages_per_s)


def thread_cost(run: Measured) -> float:
    """Return the CPU seconds a page of the process that the loop, or the threads, are in.

    hybrid's workers are others.  Threads let go of the GIL in the kernel, and while they parse
    and hash, so they may pass the limit from this a little.
    """
    return run.cost.own


def _inverse(cost: float) -> float:
    return 1 / cost if cost > 0 else float("inf")

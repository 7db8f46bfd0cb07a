"""What bounds each mode by theory, from the CPU that its own run measured."""

from bench.bounds import Bound, place_cost, rate
from bench.cell import Measured

__all__ = ["gil_cost", "limit"]


def limit(run: Measured, *, latency: float, cores: int, held: float, server: float) -> Bound:
    """Return the least of what may bound *run*, in pages a second.

    *latency* in seconds, *held* the share of the work's CPU that holds the GIL, *server* the
    most that the server gives.  The bounds are, for c CPU seconds a page, p of them in its
    place, a for analysing, g with the GIL, s those of the server, N in flight: N/(latency + p)
    for all; 1/c for the one thread of serial and async, which all C code occupies too; 1/g for
    threads, and 1/a, as they analyse in turn; the CPU of the loop for hybrid; and cores/(c + s),
    as the server is on the same ones.
    """
    c, own = run.cost.client, run.cost.own
    mode = run.cell.mode
    places = {"serial": 1, "processes": cores}.get(mode, run.cell.concurrency)
    bounds = [
        Bound("in flight", rate(places, latency + place_cost(mode, run.cost))),
        Bound("all cores", rate(cores, c + run.cost.server)),
        Bound("server", server),
    ]
    if mode == "threads":
        bounds.append(Bound("GIL", rate(1, gil_cost(run, held))))
        bounds.append(Bound("analysed in turn", rate(1, run.stages["analyse"])))
    elif mode != "processes":
        bounds.append(Bound("loop" if mode == "hybrid" else "one thread", rate(1, own)))
    return min(bounds, key=lambda bound: bound.pages_per_s)


def gil_cost(run: Measured, held: float) -> float:
    """Return the CPU seconds of a page that hold the GIL.

    Of analysing the share *held*; of all else what is not spent in the kernel.
    """
    thinking = run.stages["analyse"]
    return held * thinking + max(0.0, run.cost.own_user - thinking)

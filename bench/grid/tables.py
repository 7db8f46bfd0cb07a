"""The grid as tables: who is fastest where, and every point with its bounds."""

from collections.abc import Mapping, Sequence
from statistics import median

from bench.bounds import Bound
from bench.grid.limits import limit
from bench.grid.plan import Point
from bench.grid.results import GridResults, GridRun
from bench.grid.winners import Verdict, fastest, ratios
from bench.layout import Table
from bench.spread import spread
from crawler import MODES

__all__ = ["WORDS", "candidates", "rates", "tables", "verdicts", "word"]

#: What a page is given to think about, in words.
WORDS = {
    "lexbor": "parse and hash in C",
    "python_light": "also read once in Python",
    "python_heavy": "also read four times in Python",
    "c_heavy": "also heavy C without the GIL",
}


def candidates(results: GridResults) -> dict[Point, dict[str, list[GridRun]]]:
    """Return for each point that may be compared all modes that a reader could take there.

    serial and processes join from the point of the same work and latency at which they ran, if
    no more than the point's number are in flight then.
    """
    refused, at = results.refusals(), results.at()
    found = {}
    for point, here in at.items():
        if point in refused:
            continue
        given = {
            mode: runs
            for other, modes in at.items()
            for mode, runs in modes.items()
            if (other.work, other.latency_ms) == (point.work, point.latency_ms)
            and other not in refused
            and {"serial": 1, "processes": results.cores}.get(mode, point.places + 1)
            <= point.places
        }
        found[point] = {mode: (here | given)[mode] for mode in MODES if mode in here | given}
    return found


def verdicts(results: GridResults) -> dict[Point, Verdict]:
    """Return who is fastest at each point that may be compared."""
    return {point: fastest(rates(modes)) for point, modes in candidates(results).items()}


def tables(results: GridResults) -> list[Table]:
    """Return for each work a table of the fastest, and one of all points with their bounds."""
    works = list(dict.fromkeys(point.work for point in results.at()))
    ordered = [work for work in WORDS if work in works]
    maps = [_map(results, work) for work in ordered]
    return [*maps, *(_all(results, work, last=work == ordered[-1]) for work in ordered)]


def _map(results: GridResults, work: str) -> Table:
    found, refused = verdicts(results), results.refusals()
    points = [point for point in results.at() if point.work == work]
    numbers = sorted({point.places for point in points})
    latencies = sorted({point.latency_ms for point in points})
    names = [f"{places} in flight" for places in numbers]
    return Table(
        title=f"Fastest mode: {WORDS[work]}",
        columns=("latency", *names),
        rows=[
            [
                f"{latency:g} ms",
                *(_named(Point(work, latency, places), found, refused) for places in numbers),
            ]
            for latency in latencies
        ],
        left=frozenset(names),
    )


def _named(point: Point, found: Mapping[Point, Verdict], refused: Mapping[Point, str]) -> str:
    if point in refused:
        return "refused"
    return word(found[point]) if point in found else ""


def word(verdict: Verdict) -> str:
    """Return a verdict in a few words: the mode, its lead, or those it is no slower than."""
    lead = "" if verdict.lead is None else f" {verdict.lead.median:.2f} ×"
    return f"{' = '.join(verdict.tied)}{lead}"


def _all(results: GridResults, work: str, *, last: bool) -> Table:
    refused = results.refusals()
    rows = []
    for point, modes in results.at().items():
        if point.work == work:
            for mode in filter(modes.__contains__, MODES):
                told = "refused" if point in refused else ""
                rows.append(_row(results, modes[mode], modes.get("threads"), told))
    reasons = [f"{point.name}: {why}." for point, why in refused.items() if point.work == work]
    return Table(
        title=f"Every point: {WORDS[work]}",
        columns=(
            "mode", "latency ms", "in flight", "seen", "most", "pages/s", "allowed", "limit",
            "× threads", "CPU ms", "server ms", "remark",
        ),
        rows=rows,
        left=frozenset({"mode", "limit", "remark"}),
        notes=[*reasons, *_notes(results, work), *(results.notes if last else ())],
    )  # fmt: skip


def _row(
    results: GridResults, runs: Sequence[GridRun], threads: Sequence[GridRun] | None, told: str
) -> list[str]:
    point, mode = runs[0].point, runs[0].mode
    bounds = [
        limit(
            one.run,
            latency=point.latency_ms / 1000,
            cores=results.cores,
            held=results.gil[point.work],
            server=results.ceiling_per_s or float("inf"),
        )
        for one in runs
    ]
    least = min(bounds, key=lambda one: abs(one.pages_per_s - _middle(bounds)))
    places = {"serial": 1, "processes": results.cores}.get(mode, point.places)
    return [
        mode,
        f"{point.latency_ms:g}",
        str(places),
        f"{median(one.run.in_flight_p50 for one in runs):.0f}",
        str(max(one.run.in_flight_max for one in runs)),
        spread(one.pages_per_s for one in runs).text(),
        f"{_middle(bounds):.0f}",
        least.name,
        ratios(_speeds(runs), _speeds(threads)).text(2) if threads and not told else "",
        f"{1000 * median(one.run.cost.client for one in runs):.2f}",
        f"{1000 * median(one.run.cost.server for one in runs):.2f}",
        told,
    ]


def _notes(results: GridResults, work: str) -> list[str]:
    return [
        f"{results.gil[work]:.0%} of the CPU of analysing holds the GIL: what two threads do not "
        "overlap.",
        "`seen` is what the server had open at the median arrival, `most` the most at once. "
        "`allowed` is the least of what theory bounds the mode by, `limit` says which.",
    ]


def _middle(bounds: Sequence[Bound]) -> float:
    return median(one.pages_per_s for one in bounds)


def _speeds(runs: Sequence[GridRun]) -> list[float]:
    return [one.pages_per_s for one in runs]


def rates(modes: Mapping[str, Sequence[GridRun]]) -> dict[str, list[float]]:
    """Return pages a second of each mode, a round after the other."""
    return {mode: _speeds(runs) for mode, runs in modes.items()}

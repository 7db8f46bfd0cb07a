"""The branches of the flowchart: where they end, what was found there, and the chart of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from bench.grid.edges import Edge, cpu_ms
from bench.grid.plan import Point
from bench.grid.results import GridResults
from bench.grid.tables import WORDS, verdicts
from bench.grid.wanted import cores_wanted, leads
from bench.grid.winners import Verdict
from bench.layout import Table

__all__ = ["chart", "leaf", "summary"]

NOT_MEASURED = "not measured"

_Number = TypeVar("_Number", int, float)


def summary(results: GridResults) -> Table:
    """Return what the chart's branches come to, a row for each."""
    named = verdicts(results)
    return Table(
        title="Which mode for my workload",
        columns=("a page costs", "and waits", "in flight", "take"),
        rows=[
            [
                _costs(results, point.work),
                f"{point.latency_ms:g} ms",
                str(point.places),
                leaf(named.get(point)).replace("<br/>", " "),
            ]
            for point in _ends(results)
        ],
        left=frozenset({"a page costs", "take"}),
        notes=[],
    )


def _costs(results: GridResults, work: str) -> str:
    cost = cpu_ms(results, work)
    return WORDS[work] if cost is None else f"{cost:.2g} ms: {WORDS[work]}"


def _ends(results: GridResults) -> list[Point]:
    """Return where the branches of the chart end: heavy Python, heavy C, light pages.

    Those of light pages want less than a core.
    """
    named = verdicts(results)
    light = [point for point in named if point.work == "lexbor"]
    light = [point for point in light if (cores_wanted(results, point) or 0) < 1] or light
    heavy = [point for point in named if point.work == "python_heavy"] or light
    most = max((point.places for point in heavy), default=1)
    ends = [
        Point(work, wait, most)
        for work in ("python_heavy", "c_heavy")
        for wait in _both([point.latency_ms for point in heavy] or [0.0])
    ]
    for wait in _both([point.latency_ms for point in light] or [0.0]):
        numbers = [point.places for point in light if point.latency_ms == wait] or [1]
        ends += [Point("lexbor", wait, number) for number in _both(numbers)]
    return ends


def _both(values: Sequence[_Number]) -> tuple[_Number, _Number]:
    return min(values), max(values)


def chart(results: GridResults, found: list[Edge]) -> Iterator[str]:
    """Yield the flowchart: the article's questions and those that it leaves out, with answers."""
    named, points = verdicts(results), _ends(results)
    a, b, c, d, e, f, g, h = (leaf(named.get(point)) for point in points)
    near, far, _, _, one, some, first, last = points
    yield from (
        "## The flowchart",
        "",
        "The questions of the article, and those that it leaves out, with the thresholds found.",
        "",
        "```mermaid",
        "flowchart TD",
        f'    cpu{{"In flight × CPU ÷ (latency + CPU):<br/>one core or more?{_ahead(results)}"}}',
        '    cpu -- "yes: CPU-bound" --> gil{"Does that CPU hold the GIL?"}',
        '    cpu -- "no: I/O-bound" --> wait{"How long does a page wait?"}',
        f'    gil -- "yes, {near.latency_ms:g} ms of latency" --> a["{a}"]',
        f'    gil -- "yes, {far.latency_ms:g} ms" --> b["{b}"]',
        f'    gil -- "no, {near.latency_ms:g} ms" --> c["{c}"]',
        f'    gil -- "no, {far.latency_ms:g} ms" --> d["{d}"]',
        f'    wait -- "fast I/O, {one.latency_ms:g} ms" --> fast{{"How many in flight?<br/>async '
        f'over threads: {_async_pays(found, one)}"}}',
        f'    wait -- "slow I/O, {first.latency_ms:g} ms" --> slow{{"How many in flight?<br/>async '
        f'over threads: {_async_pays(found, first)}"}}',
        f'    fast -- "{one.places}" --> e["{e}"]',
        f'    fast -- "{some.places}" --> f["{f}"]',
        f'    slow -- "{first.places}" --> g["{g}"]',
        f'    slow -- "{last.places}" --> h["{h}"]',
        "```",
        "",
        f"The answers for CPU-bound pages are those at {near.places} in flight, those for "
        f"I/O-bound ones are those of {_costs(results, 'lexbor')}.",
        "",
    )


def _ahead(results: GridResults) -> str:
    if (found := leads(results)) is None:
        return ""
    below, above = found
    return (
        f"<br/>hybrid surely ahead at {above.ahead} of {above.points} such points, "
        f"{below.ahead} of {below.points} others"
    )


def _async_pays(found: list[Edge], point: Point) -> str:
    """Return from how many in flight on async is faster than threads, at the latency of a point."""
    where = f"{point.latency_ms:g} ms, {WORDS[point.work]}"
    fitting = [one for one in found if (one.ours, one.theirs) == ("async", "threads")]
    here = [one.threshold for one in fitting if one.where == where]
    return here[0] if here else NOT_MEASURED


def leaf(verdict: Verdict | None) -> str:
    """Return what stands at the end of a branch."""
    if verdict is None:
        return NOT_MEASURED
    if not verdict.decided:
        return f"{verdict.mode}<br/>({', '.join(verdict.tied[1:])} as fast)"
    if verdict.lead is None:
        return f"{verdict.mode}"
    return f"{verdict.mode}<br/>{verdict.lead.text(2)} × {verdict.next}"

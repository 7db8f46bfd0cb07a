"""Lay out the truth of `crawl load`: goals, percentiles, what a stall looks like in two loops."""

from collections.abc import Sequence

from bench.layout import Table
from bench.spread import spread
from bench.truth_goals import LIMITED, goals, quantile_name
from bench.truth_results import (
    Failed,
    Percentiles,
    Sabotage,
    Stalls,
    TruthResults,
    name_of,
)

__all__ = ["how", "tables"]


def how() -> list[str]:
    """Return what stands below the tables of how it was done."""
    return [
        "The server has the last core to itself and the load tool the others; a goal with several "
        "runs is reached if the median is.",
        "Gaps: half of 1 % are further from 1 ms on either side than what is said; the rate is by "
        "X-Arrival of two looks, 1.5 s less than the run apart.",
        "Percentiles: how far the client's is outside of the server's without and with our floor, "
        "which is the difference of both without a delay in the same round; allowed are 1 ms or "
        "2 %. The capacity is the less of what "
        "closed loops get without a delay and with a delay that is drawn.",
        "The queue's capacity is what a closed loop gets from it; the crossing is capacity "
        "- ln 100 / T.",
        "Memory is that of all processes added up, so that what they share counts twice.",
        "Quiet: at most 1 % of steal on each core, and at most 1 % of the time spent waiting for "
        "a core.",
        "The live screen: CPU of all processes of the command for a request that nginx counts, "
        "between two looks inside the run.",
    ]


def tables(results: TruthResults) -> list[Table]:
    """Return the goals, then percentiles and stalls in more detail, where they were measured."""
    parts = results.by_name()
    found = [
        Table(
            title="The truth of `crawl load` against its goals",
            columns=("part", "what", "goal", "measured", "reached"),
            rows=goals(results),
            left=frozenset({"part", "what", "goal"}),
            notes=[*results.notes, *_other_days(results), *_untrusted(results)],
        )
    ]
    if isinstance(times := parts.get("percentiles"), Percentiles):
        found.append(_percentiles(times))
    if isinstance(stalls := parts.get("stalls"), Stalls):
        found.append(_stalls(stalls))
    return found


def _other_days(results: TruthResults) -> list[str]:
    """Return a note on the parts that were measured alone, before the others."""
    days = [
        f"{name_of(part)} on {part.ran.date}"
        for part in results.cells
        if not isinstance(part, Failed) and part.ran.date != results.machine.date
    ]
    return [f"Measured before: {', '.join(days)}."] if days else []


def _untrusted(results: TruthResults) -> list[str]:
    """Return a note on runs of which the tool itself says that its figures are its own."""
    found = [
        f"{name_of(part)} {part.ran.verdicts[LIMITED]} of {sum(part.ran.verdicts.values())}"
        for part in results.cells
        if not isinstance(part, Failed | Sabotage) and part.ran.verdicts.get(LIMITED)
    ]
    return [f"Runs that the verdict called {LIMITED}: {', '.join(found)}."] if found else []


def _percentiles(part: Percentiles) -> Table:
    def ms(values: Sequence[float]) -> str:
        return spread(values).text(2)

    return Table(
        title=f"Response times at {part.rate:.0f}/s, half of what server and tool can do, in ms",
        columns=("latency", "quantile", "ours", "the server's", "our floor", "off", "allowed"),
        rows=[
            [
                f"`{row.latency}`", quantile_name(row.q), ms(row.ours), ms(row.theirs),
                ms(row.floor), ms(row.off), f"{row.allowed:.2f}",
            ]
            for row in part.rows
        ],
        left=frozenset({"latency", "quantile"}),
    )  # fmt: skip


def _stalls(part: Stalls) -> Table:
    return Table(
        title=f"A server that stands still for {part.stall_s:g} s in {part.seconds:g} s, in ms",
        columns=("loop", "requests", *map(quantile_name, part.quantiles)),
        rows=[
            _times(f"open, {part.rate:g}/s", part.rate * part.seconds, part.open_ms),
            _times("the same, as the server saw it", part.rate * part.seconds, part.theirs_ms),
            _times("the same, by the closed form", part.rate * part.seconds,
                   list(map(part.due, part.quantiles))),
            _times(f"closed, {part.connections} connections", part.closed_requests,
                   part.closed_ms),
        ],
        left=frozenset({"loop"}),
    )  # fmt: skip


def _times(loop: str, requests: float, times: Sequence[float]) -> list[str]:
    return [loop, f"{requests:.0f}", *(f"{ms:.1f}" for ms in times)]

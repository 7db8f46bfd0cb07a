"""What the truth of `crawl load` must be, part by part, and what was found."""

from collections.abc import Callable
from typing import Any

from bench.spread import spread
from bench.truth_results import (
    AnyPart,
    Failed,
    Live,
    Memory,
    Pacing,
    Percentiles,
    Processes,
    Sabotage,
    Search,
    Stalls,
    TruthResults,
)  # fmt: skip

__all__ = ["LIMITED", "Row", "goals", "quantile_name"]

PACING_MS, PACING_RATE = 1.0, 0.001
TWO_OF_ONE = 1.1
MEMORY_MB, GROWTH = 150.0, 0.05
SEARCH_OFF, STEPS = 0.05, 12
#: Of the closed form of a stall; with a server that needs time for all that it held back.
STALL_OFF, STALL_QUANTILES = 0.02, (0.99, 0.999)
SCREEN = 1.02
LIMITED = "generator-limited"

Row = list[str]


def goals(results: TruthResults) -> list[Row]:
    """Return a row for each goal: part, what, goal, what was found, and whether it is reached."""
    parts = results.by_name()
    rows = [row for name, made in _GOALS.items() for row in _goals(name, parts.get(name), made)]
    return [*rows, _miscounted(results)]


def _goals(name: str, part: AnyPart | None, made: Callable[[Any], list[Row]]) -> list[Row]:
    if part is None:
        return [[name, "", "", "", "not measured"]]
    if isinstance(part, Failed):
        return [[name, part.why, "", "", "failed"]]
    return [[name, *row] for row in made(part)]


def _row(what: str, goal: str, found: str, *, reached: bool) -> Row:
    return [what, goal, found, "yes" if reached else "no"]


def _pacing(part: Pacing) -> list[Row]:
    off = round(part.seen_per_s / part.rate - 1, 9)
    return [
        _row(
            f"99 % of gaps between arrivals at {part.rate:g}/s, ms off",
            f"at most {PACING_MS:g}",
            f"{part.off_ms:.3f}",
            reached=part.off_ms <= PACING_MS,
        ),
        _row(
            f"rate over {part.seconds:g} s, % off",
            f"at most {100 * PACING_RATE:g}",
            f"{100 * off:+.4f}",
            reached=abs(off) <= PACING_RATE,
        ),
    ]


def _percentile_goal(part: Percentiles) -> list[Row]:
    worst = max(part.rows, key=lambda row: row.share)
    known = sorted({row.q for row in part.rows})
    return [
        _row(
            f"{quantile_name(known[0])} to {quantile_name(known[-1])} of "
            f"{len({row.latency for row in part.rows})} distributions at {part.rate:.0f}/s, the "
            f"worst (here {worst.latency}, {quantile_name(worst.q)}), ms off",
            f"at most {worst.allowed:.2f}",
            spread(worst.off).text(2),
            reached=worst.share <= 1,
        )
    ]


def _processes(part: Processes) -> list[Row]:
    ratio = spread(part.ratios)
    counts = (part.sent, part.counted, part.recorded)
    return [
        _row(
            f"CPU of a request with two processes at {part.rate:g}/s, of one's",
            f"at most {TWO_OF_ONE:g}",
            ratio.text(3),
            reached=ratio.median <= TWO_OF_ONE,
        ),
        _row(
            "sent by two, counted by the server, in the histogram",
            "equal",
            ", ".join(map(str, counts)),
            reached=len(set(counts)) == 1,
        ),
        _row(
            "their quantiles that are below the server's", "0", f"{part.below}",
            reached=part.below == 0,
        ),
    ]  # fmt: skip


def _memory(part: Memory) -> list[Row]:
    peak = part.peak / 1e6
    return [
        _row(
            f"memory of all processes over {part.requests} requests, MB",
            f"below {MEMORY_MB:g}",
            f"{peak:.1f}",
            reached=peak < MEMORY_MB,
        ),
        _row(
            "from a tenth of them to the end, %",
            f"within {100 * GROWTH:g}",
            f"{100 * part.growth:+.2f}",
            reached=abs(part.growth) < GROWTH,
        ),
    ]


def _search(part: Search) -> list[Row]:
    off = spread(part.off)
    steps = max(one.steps for one in part.searches)
    one = part.searches[-1]
    return [
        _row(
            f"--find-max 'p99<{1000 * part.limit_s:g}ms' on a queue, % off (the last: "
            f"{one.rate:.0f}, from {one.low:.0f} to {one.high:.0f}; due {part.crossing(one):.0f})",
            f"within {100 * SEARCH_OFF:g}",
            off.text(1, scale=100),
            reached=abs(off.median) <= SEARCH_OFF,
        ),
        _row("its steps", f"at most {STEPS}", f"{steps}", reached=steps <= STEPS),
    ]


def _stall_goals(part: Stalls) -> list[Row]:
    rows = []
    for q, found, theirs in zip(part.quantiles, part.open_ms, part.theirs_ms, strict=True):
        if q not in STALL_QUANTILES:
            continue
        due = part.due(q)
        rows.append(
            _row(
                f"{quantile_name(q)} with a stall of {part.stall_s:g} s in {part.seconds:g} s, "
                f"open loop, ms (closed form {due:.0f}; the server itself {theirs:.1f})",
                f"within {100 * STALL_OFF:g} % of the server's",
                f"{found:.1f}",
                reached=abs(found - theirs) <= STALL_OFF * theirs,
            )
        )
    return rows


def _sabotage(part: Sabotage) -> list[Row]:
    rows = []
    for what, runs in (
        ("stopped for 200 ms", part.stopped),
        ("with its core burnt", part.burnt),
    ):
        flipped = sum(run.verdict == LIMITED for run in runs)
        rows.append(
            _row(
                f"a generator {what} is told by the verdict",
                f"{part.wanted} of {part.wanted}",
                f"{flipped} of {len(runs)}",
                reached=flipped == part.wanted,
            )
        )
    alarms = sum(run.verdict == LIMITED for run in part.quiet)
    quiet = _row(
        f"false alarms in quiet runs ({part.repeated} were not quiet, and repeated)",
        f"0 of {part.wanted}",
        f"{alarms} of {len(part.quiet)}",
        reached=not alarms,
    )
    if not alarms and len(part.quiet) < part.wanted:
        quiet[-1] = "not measured"
    return [*rows, quiet]


def _live(part: Live) -> list[Row]:
    ratio = spread(part.ratios)
    is_shown = all(part.shown)
    return [
        _row(
            f"CPU of a request with the live screen, of that without, {len(part.ratios)} pairs",
            f"below {SCREEN:g}",
            ratio.text(3) if is_shown else "nothing was shown",
            reached=is_shown and ratio.median < SCREEN,
        )
    ]


_GOALS: dict[str, Callable[[Any], list[Row]]] = {
    "pacing": _pacing,
    "percentiles": _percentile_goal,
    "processes": _processes,
    "memory": _memory,
    "search": _search,
    "stalls": _stall_goals,
    "sabotage": _sabotage,
    "live": _live,
}


def _miscounted(results: TruthResults) -> Row:
    found = sum(part.ran.miscounted for part in results.cells if not isinstance(part, Failed))
    what = "requests sent and not counted by the server, or the other way round"
    return ["all", *_row(what, "0", f"{found}", reached=found == 0)]


def quantile_name(q: float) -> str:
    """Return how people write it."""
    return "max" if q == 1 else f"p{100 * q:g}"

"""CPU-bound work goes to processes, fast I/O to threads and slow I/O to asyncio."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.turns import Way, by_turns
from bench.stand import Stand, set_up
from bench.works import WORKS

__all__ = ["judge", "measure"]

WORKERS = 2
ROUNDS = 4  # a crawl with workers lasts three seconds, a good part of it their start
HYBRID = "hybrid"  # the flowchart does not know it
#: Rates that differ by less are alike: when the steady part begins the workers have a batch of
#: its pages half done.
ALIKE = 1.1


class Corner(NamedTuple):
    """A place at the edge of the grid, and what the flowchart answers there.

    Processes have no more in flight than WORKERS; where that decides they are not run.
    """

    said: str
    answer: str
    work: str
    latency_ms: float
    in_flight: int
    pages: int
    few: int
    modes: Sequence[str] = ("threads", "async", "processes", HYBRID)


CORNERS = (
    Corner("heavy Python, no latency", "processes", "python_heavy", 0, 16, 240, 4),
    Corner("light pages, 1 ms", "threads", "lexbor", 1, 16, 450, 24),
    Corner("light pages, 200 ms", "async", "lexbor", 200, 256, 1280, 8,
           ("threads", "async", HYBRID)),
)  # fmt: skip
QUICK = frozenset({"threads", "async"})


def measure(scale: Scale) -> list[Figure]:
    """Crawl in each mode at each corner."""
    rounds = Scale(min(ROUNDS, scale.rounds), scale.quick)
    most = max(scale.pick(corner.pages, corner.few) for corner in CORNERS)
    with set_up(size="30kB", links=60, pages=most) as stand:
        return [one for corner in CORNERS for one in _figures(stand, corner, rounds)]


def judge(found: Found) -> Judgement:
    """Look whether the answer is as fast as the other two it could be, and as hybrid."""
    told = "; ".join(_told(found, corner) for corner in CORNERS)
    right = [corner.answer in _fastest(_rates(found, corner, known=True)) for corner in CORNERS]
    sure = [_fastest(_rates(found, corner)) == [corner.answer] for corner in CORNERS]
    why = (
        "of the three modes that it knows none is surely faster than its answer in "
        f"{sum(right)} of {len(right)} corners, and it is surely the fastest of all in "
        f"{sum(sure)}: {told}."
    )
    if all(sure):
        return Judgement(Verdict.HOLDS, f"Here {why}")
    return Judgement(Verdict.LIMITED if any(right) else Verdict.REFUTED, f"Here {why}")


def _fastest(rates: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the fastest mode, and those which it did not surely beat in every round."""
    best = max(rates, key=lambda mode: median(rates[mode]))
    leads = {mode: zip(rates[best], rates[mode], strict=True) for mode in rates}
    return [mode for mode, lead in leads.items() if min(a / b for a, b in lead) < ALIKE]


def _name(what: str, mode: str, corner: Corner) -> str:
    return f"{what}, {mode} on {corner.said}"


def _rates(found: Found, corner: Corner, *, known: bool = False) -> dict[str, Sequence[float]]:
    """Return the rates of all modes at a corner, or of those that the flowchart knows."""
    modes = [mode for mode in corner.modes if not (known and mode == HYBRID)]
    names = {mode: _name("pages/s", mode, corner) for mode in modes}
    return {mode: found[name].values for mode, name in names.items() if name in found}


def _told(found: Found, corner: Corner) -> str:
    rates, known = _rates(found, corner), _rates(found, corner, known=True)
    ahead = [max(one, key=lambda mode: one[mode]) for one in _by_round(known)]
    each = ", ".join(
        f"{mode} {found[_name('pages/s', mode, corner)].text()} pages/s with "
        f"{found[_name('CPU', mode, corner)].text()}"
        for mode in rates
    )
    if (bound := f"most pages/s, processes on {corner.said}") in found:
        each += f", processes at most {found[bound].text()} pages/s"
    return (
        f"on {corner.said} it says {corner.answer}, the first of its three in "
        f"{ahead.count(corner.answer)} of {len(ahead)} rounds; measured is "
        f"{' or '.join(_fastest(known))}, and of all {' or '.join(_fastest(rates))} ({each})"
    )


def _by_round(rates: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    return [dict(zip(rates, one, strict=True)) for one in zip(*rates.values(), strict=True)]


def _figures(stand: Stand, corner: Corner, scale: Scale) -> Iterator[Figure]:
    ways = {
        mode: Way(mode, corner.in_flight, WORKERS, WORKS[corner.work])
        for mode in corner.modes
        if not scale.quick or mode in QUICK
    }
    path, pages = f"/p/{{}}?latency={corner.latency_ms:g}ms", scale.pick(corner.pages, corner.few)
    for mode, turns in by_turns(stand, path, pages, ways, scale).items():
        rates = [turn.pages_per_s for turn in turns]
        yield Figure(_name("pages/s", mode, corner), "", rates)
        yield Figure(_name("CPU", mode, corner), "ms/page", [1000 * turn.cpu for turn in turns])
    if "processes" not in corner.modes:
        bound = 1000 * WORKERS / corner.latency_ms
        yield Figure(f"most pages/s, processes on {corner.said}", "", [bound])

"""CPU-bound work goes to processes, fast I/O to threads and slow I/O to asyncio."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.steady import steady
from bench.exhibits.turns import Way
from bench.stand import Stand, set_up
from bench.works import WORKS

__all__ = ["judge", "measure"]

WORKERS = 2
ROUNDS = 5  # a crawl with workers lasts two seconds, most of it their start
#: Rates that differ by less are alike: the last records of a loop come up to 50 ms late.
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
    modes: Sequence[str] = ("threads", "async", "processes", "hybrid")


CORNERS = (
    Corner("heavy Python, no latency", "processes", "python_heavy", 0, 16, 90, 4),
    Corner("light pages, 1 ms", "threads", "lexbor", 1, 16, 450, 24),
    Corner("light pages, 200 ms", "async", "lexbor", 200, 256, 768, 8,
           ("threads", "async", "hybrid")),
)  # fmt: skip
QUICK = frozenset({"threads", "async"})


def measure(scale: Scale) -> list[Figure]:
    """Crawl in each mode at each corner."""
    rounds = Scale(min(ROUNDS, scale.rounds), scale.quick)
    most = max(scale.pick(corner.pages, corner.few) for corner in CORNERS)
    with set_up(size="30kB", links=60, pages=most) as stand:
        return [one for corner in CORNERS for one in _figures(stand, corner, rounds)]


def judge(found: Found) -> Judgement:
    """Look whether the flowchart's answer is the fastest mode, or one as fast as that."""
    best = {corner: _fastest(_rates(found, corner)) for corner in CORNERS}
    told = "; ".join(_told(found, corner, modes) for corner, modes in best.items())
    right = [corner.answer in modes for corner, modes in best.items()]
    why = f"it is as good as any in {sum(right)} of {len(right)} corners: {told}."
    if not any(right):
        return Judgement(Verdict.REFUTED, f"Measured, {why}")
    sure = all(modes == [corner.answer] for corner, modes in best.items())
    return Judgement(Verdict.HOLDS if sure else Verdict.LIMITED, f"Measured, {why}")


def _fastest(rates: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the fastest mode, and those which it did not surely beat in every round."""
    best = max(rates, key=lambda mode: median(rates[mode]))
    leads = {mode: zip(rates[best], rates[mode], strict=True) for mode in rates}
    return [mode for mode, lead in leads.items() if min(a / b for a, b in lead) < ALIKE]


def _name(what: str, mode: str, corner: Corner) -> str:
    return f"{what}, {mode} on {corner.said}"


def _rates(found: Found, corner: Corner) -> dict[str, Sequence[float]]:
    names = {mode: _name("pages/s", mode, corner) for mode in corner.modes}
    return {mode: found[name].values for mode, name in names.items() if name in found}


def _told(found: Found, corner: Corner, best: Sequence[str]) -> str:
    rates = _rates(found, corner)
    ahead = [max(rates, key=lambda mode: one[mode]) for one in _by_round(rates)]
    each = ", ".join(
        f"{mode} {found[_name('pages/s', mode, corner)].text()} pages/s with "
        f"{found[_name('CPU', mode, corner)].text()}"
        for mode in rates
    )
    if (bound := f"most pages/s, processes on {corner.said}") in found:
        each += f", processes at most {found[bound].text()} pages/s"
    return (
        f"on {corner.said} it says {corner.answer}, which is the fastest in "
        f"{ahead.count(corner.answer)} of {len(ahead)} rounds, and measured is "
        f"{' or '.join(best)} ({each})"
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
    for mode, turns in steady(stand, path, pages, ways, scale).items():
        rates = [turn.pages_per_s for turn in turns]
        yield Figure(_name("pages/s", mode, corner), "", rates)
        yield Figure(_name("CPU", mode, corner), "ms/page", [1000 * turn.cpu for turn in turns])
    if "processes" not in corner.modes:
        bound = 1000 * WORKERS / corner.latency_ms
        yield Figure(f"most pages/s, processes on {corner.said}", "", [bound])

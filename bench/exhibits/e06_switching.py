"""Switching costs processes more than threads, and frequent switching slows a program down."""

from collections.abc import Callable

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.ping_pong import Passing, play
from bench.exhibits.turns import Turn, Way, by_turns, figure
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

LATENCIES = (0.5, 5, 50)  # ms
IN_FLIGHT = 4  # in every mode
WAYS = {
    "threads": Way("threads", IN_FLIGHT),
    "async": Way("async", IN_FLIGHT),
    "processes": Way("processes", workers=IN_FLIGHT),
}
#: Costs that differ by less are alike: on a busy machine rounds of one kind differ by as much.
ALIKE = 1.25
#: Percent of a page's CPU from which on switches slow a crawl down.
MUCH = 5.0


def measure(scale: Scale) -> list[Figure]:
    """Play ping-pong on one core, by oneself, between threads and between processes; crawl."""
    games = play(scale.many_rounds, scale.pick(40, 1))
    threads, *others = _switches(games)
    return [threads, *others, *_crawls(scale, threads.median)]


def judge(found: Found) -> Judgement:
    """Compare a switch between threads with one between processes, and both with a page."""
    dearer, threads = found["process over thread"], found["switch between threads"]
    [switches, *_] = found.curve("switches a page, threads")
    [share, *_] = found.curve("switches of a page’s CPU, threads")
    why = (
        f"A switch between threads takes {threads.text()} of CPU, what it does to the caches "
        "apart, and one between processes "
        f"{found['switch between processes'].text()}, {dearer.text()} times as much; a page at "
        f"{switches.at:g} ms switches {switches.text()} times in threads, which is "
        f"{share.text()} of its CPU."
    )
    more, slows = dearer.median > ALIKE, share.median > MUCH
    if more and slows:
        return Judgement(Verdict.HOLDS, why)
    if more or slows:
        part = "The first part" if more else "The second part"
        return Judgement(Verdict.LIMITED, f"{part} holds. {why}")
    if max(dearer.values) > ALIKE:
        return Judgement(Verdict.LIMITED, f"Not surely, and not for much. {why}")
    return Judgement(Verdict.REFUTED, why)


def must_show(found: Found) -> bool:
    """Each pass between two switched, those of one's own did not, and threads do it most."""
    by_count = [found[f"switches a pass, {kind}"].median for kind in ("threads", "processes")]
    pages = zip(
        found.curve("switches a page, threads"), found.curve("switches a page, async"), strict=True
    )
    more = all(threads.median > loop.median for threads, loop in pages)
    return more and found["switches a pass, nobody"].median < 0.5 < min(by_count)


def _switches(games: dict[str, list[Passing]]) -> list[Figure]:
    """Return what a switch costs: what passing costs more between two than by oneself."""
    costs = {
        kind: Figure(
            f"switch between {kind}",
            "µs",
            [
                1e6 * (two.cpu - one.cpu) / two.switches
                for two, one in zip(games[kind], games["nobody"], strict=True)
            ],
        )
        for kind in ("threads", "processes")
    }
    return [
        *costs.values(),
        ratio("process over thread", costs["processes"], costs["threads"]),
        *(
            Figure(f"switches a pass, {kind}", "", [one.switches for one in runs])
            for kind, runs in games.items()
        ),
    ]


def _crawls(scale: Scale, switch: float) -> list[Figure]:
    """Return switches and CPU of a page, and what part of that a *switch* of so many µs takes."""
    figures = []
    ways = {name: way for name, way in WAYS.items() if not (scale.quick and way.workers)}
    latencies = LATENCIES[:1] if scale.quick else LATENCIES
    pages = scale.pick(60, 20)
    kinds: dict[str, tuple[str, Callable[[Turn], float]]] = {
        "switches a page": ("", lambda turn: turn.switches),
        "voluntary switches a page": ("", lambda turn: turn.voluntary),
        "CPU a page": ("µs", lambda turn: 1e6 * turn.cpu),
        "switches of a page’s CPU": ("%", lambda turn: 1e-4 * switch * turn.switches / turn.cpu),
    }
    with set_up(size="30kB", links=60, pages=pages) as stand:
        for latency in latencies:
            found = by_turns(stand, f"/p/{{}}?latency={latency}ms", pages, ways, scale)
            figures += [
                Figure(f"{what}, {name}", unit, figure("", "", turns, of).values, latency)
                for name, turns in found.items()
                for what, (unit, of) in kinds.items()
            ]
    return figures

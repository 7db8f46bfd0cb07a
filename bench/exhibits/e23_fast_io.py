"""Threads are best for fast I/O: switches are rarer, and Python stays longer with one thread."""

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.turns import Way, by_turns, figure
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

LATENCY = "0.5ms"
WAYS = {
    "threads": Way("threads", 16),
    "async": Way("async", 16),
    "one thread alone": Way("threads", 1),
}
#: CPU of a page that differs by less is alike: rounds of one mode differ by as much.
ALIKE = 1.1


def measure(scale: Scale) -> list[Figure]:
    """Crawl pages that answer almost at once, and count switches and CPU."""
    pages = scale.pick(600, 40)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        found = by_turns(stand, f"/p/{{}}?latency={LATENCY}", pages, WAYS, scale)
    figures = {
        (what, name): figure(f"{what}, {name}", unit, turns, of)
        for name, turns in found.items()
        for what, unit, of in (
            ("switches a page", "", lambda turn: turn.switches),
            ("CPU a page", "µs", lambda turn: 1e6 * turn.cpu),
            ("CPU between switches", "µs", lambda turn: 1e6 * turn.stay),
            ("pages/s", "", lambda turn: turn.pages_per_s),
        )
    }
    # One thread alone has nobody to hand the GIL to, and waits for the network only.
    alone, many = (figures["switches a page", name] for name in ("one thread alone", "threads"))
    between = [b - a for a, b in zip(alone.values, many.values, strict=True)]
    return [
        *figures.values(),
        Figure("switches a page between threads", "", between),
        ratio(
            "CPU of threads over async",
            figures["CPU a page", "threads"],
            figures["CPU a page", "async"],
        ),
    ]


def judge(found: Found) -> Judgement:
    """Compare how often threads and the loop give up their core, round by round."""
    threads, loop = found["switches a page, threads"], found["switches a page, async"]
    stays, loops = found["CPU between switches, threads"], found["CPU between switches, async"]
    cpu, between = found["CPU of threads over async"], found["switches a page between threads"]
    why = (
        f"Threads switch {threads.text()} times a page, {between.text()} times from one of them "
        f"to another, and async {loop.text()} times; a thread stays for {stays.text()} of CPU "
        f"and the loop for {loops.text()}; a page in threads takes {cpu.text()} times the CPU."
    )
    fewer = [a < b for a, b in zip(threads.values, loop.values, strict=True)]
    if all(fewer) and cpu.median < ALIKE:
        return Judgement(Verdict.HOLDS, why)
    if any(fewer):
        return Judgement(Verdict.LIMITED, f"Not in each round. {why}")
    return Judgement(Verdict.REFUTED, f"The reason is the wrong way round. {why}")


def must_show(found: Found) -> bool:
    """Threads switch more often than the loop, and once a page or more between themselves."""
    return (
        found["switches a page, threads"].median > found["switches a page, async"].median
        and found["switches a page between threads"].median > 1
    )

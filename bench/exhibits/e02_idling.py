"""Without concurrency a program stays idle while it waits, and concurrency uses that time."""

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.turns import Turn, Way, by_turns, figure
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

LATENCY = 0.05  # seconds that the server thinks about a page
IN_FLIGHT = 16
WAYS = {
    "serial": Way("serial"),
    "threads": Way("threads", IN_FLIGHT),
    "async": Way("async", IN_FLIGHT),
}
#: A program that idles for more of its time than this is worth the trouble.
MUCH = 50.0
#: Times as fast from which on concurrency has used the time.
FASTER = 1.5


def measure(scale: Scale) -> list[Figure]:
    """Crawl pages that each wait, one after the other and some at a time."""
    pages = scale.pick(192, 8)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        path = f"/p/{{}}?latency={LATENCY * 1000:.0f}ms"
        found = by_turns(stand, path, pages, WAYS, scale)
    serial = found["serial"]
    rates = {name: figure(f"pages/s, {name}", "", turns, _rate) for name, turns in found.items()}
    return [
        *rates.values(),
        *(figure(f"requests at once, {name}", "", runs, _most) for name, runs in found.items()),
        figure("idle", "%", serial, lambda turn: 100 * (1 - turn.cpu * turn.pages_per_s)),
        figure("idle by L/(L+c)", "%", serial, lambda turn: 100 * LATENCY / (LATENCY + turn.cpu)),
        figure("most pages/s by 1/(L+c)", "", serial, lambda turn: 1 / (LATENCY + turn.cpu)),
        *(
            one
            for name in ("threads", "async")
            for one in (
                figure(f"most pages/s, {name}", "", found[name], _bound),
                ratio(f"times as fast, {name}", rates[name], rates["serial"]),
            )
        ),
    ]


def judge(found: Found) -> Judgement:
    """Compare the idle part with what concurrency gains."""
    idle, bound = found["idle"], found["most pages/s, async"]
    threads, loop = found["times as fast, threads"], found["times as fast, async"]
    why = (
        f"One page after the other leaves the program idle for {idle.text()} of the time "
        f"({found['idle by L/(L+c)'].text()} by L/(L+c)); with "
        f"{found['requests at once, async'].text()} in flight threads are {threads.text()} times "
        f"as fast and async {loop.text()} times, {found['pages/s, async'].text()} pages/s of at "
        f"most {bound.text()} that the number in flight and one thread allow."
    )
    if idle.median > MUCH and min(threads.median, loop.median) > FASTER:
        return Judgement(Verdict.HOLDS, why)
    if max(threads.median, loop.median) > FASTER:
        return Judgement(Verdict.LIMITED, why)
    return Judgement(Verdict.REFUTED, why)


def must_show(found: Found) -> bool:
    """Serial never had two requests open at the server, the others had."""
    most = {name: found[f"requests at once, {name}"].median for name in WAYS}
    return most["serial"] == 1 < min(most["threads"], most["async"])


def _rate(turn: Turn) -> float:
    return turn.pages_per_s


def _most(turn: Turn) -> float:
    return turn.most


def _bound(turn: Turn) -> float:
    """Return min(N/(L+c), 1/c): Little's law, and one thread of Python."""
    return min(IN_FLIGHT / (LATENCY + turn.cpu), 1 / turn.cpu)

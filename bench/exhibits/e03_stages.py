"""A process is bound either by its input and output or by the CPU."""

import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.spent import Spent, spent
from bench.grid.gil import share_held
from bench.stand import set_up
from bench.works import c_heavy, lexbor, python_heavy
from crawler import BlockingWireTransport, Fetched, FetchRules, Options, fetch, target_of

__all__ = ["judge", "measure", "must_show"]

FAR = "50ms"
ANALYSERS = {"Lexbor": lexbor, "Python": python_heavy, "C": c_heavy}
#: Of a page, in percent: what waits for more of its time is bound by its input and output.
HALF = 50.0


def measure(scale: Scale) -> list[Figure]:
    """Do the stages of one program by themselves, near a server and far from one."""
    pages = scale.pick(20, 2)
    rules, stages = FetchRules.of(Options(), "bench"), defaultdict[str, list[Spent]](list)
    held = defaultdict[str, list[float]](list)
    with (
        set_up(size="30kB", links=60, pages=pages) as stand,
        BlockingWireTransport() as http,
        ThreadPoolExecutor(2) as pool,
    ):

        def fetched(query: str) -> list[Fetched]:
            urls = (f"{stand.running.url}/p/{number}{query}" for number in range(pages))
            return [fetch(http, target_of(url), rules) for url in urls]

        here = fetched("")  # the server makes each page once
        todo: dict[str, Callable[[], object]] = {
            "fetch, near": lambda: fetched(""),
            "fetch, far": lambda: fetched(f"?latency={FAR}"),
            **{name: _analysing(name, here) for name in ANALYSERS},
        }
        for number in range(scale.rounds):
            for name in random.Random(number).sample(list(todo), len(todo)):
                stages[name].append(spent(todo[name]))
                if name in ANALYSERS:
                    alone = stages[name][-1].running
                    held[name].append(share_held(alone, _together(pool, todo[name])))
    return [
        *(one for name, runs in stages.items() for one in _stage(name, runs, pages)),
        *(
            Figure(f"GIL held by {name}", "%", [100 * share for share in found])
            for name, found in held.items()
        ),
        *(
            Figure(
                f"a page waits, {where}", "%", _page(stages[f"fetch, {where}"], stages["Python"])
            )
            for where in ("near", "far")
        ),
    ]


def judge(found: Found) -> Judgement:
    """Look whether the stages of one program, and the program itself, are of one kind."""
    fetching, thinking = found["fetch, far: waits"], found["Python: waits"]
    near, far = found["a page waits, near"], found["a page waits, far"]
    why = (
        f"In one program fetching waits for {fetching.text()} of its time and analysing in Python "
        f"for {thinking.text()}; the whole program waits for {near.text()} near the server and for "
        f"{far.text()} at {FAR.removesuffix('ms')} ms. Of the CPU of analysing the GIL is held "
        f"for {found['GIL held by Python'].text()} in Python and for "
        f"{found['GIL held by C'].text()} in C."
    )
    if near.median < HALF < far.median:
        return Judgement(Verdict.LIMITED, f"A program is so near one server only. {why}")
    if thinking.median < HALF < fetching.median:
        return Judgement(Verdict.LIMITED, f"Its stages are bound by either. {why}")
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """Fetching gives up its core for each page in order to wait, analysing does not."""
    return found["fetch, far: waits a page"].median >= 1 > found["Lexbor: waits a page"].median


def _analysing(name: str, pages: list[Fetched]) -> Callable[[], object]:
    return lambda: [ANALYSERS[name](page) for page in pages]


def _together(pool: ThreadPoolExecutor, task: Callable[[], object]) -> float:
    """Return the seconds in which two threads both do *task*."""

    def both() -> None:
        for future in [pool.submit(task), pool.submit(task)]:
            future.result()

    return spent(both).wall


def _stage(name: str, runs: list[Spent], pages: int) -> list[Figure]:
    return [
        Figure(f"{name}: time a page", "ms", [1e3 * run.wall / pages for run in runs]),
        Figure(f"{name}: CPU a page", "ms", [1e3 * run.running / pages for run in runs]),
        Figure(f"{name}: waits", "%", [100 * run.waiting_share for run in runs]),
        Figure(f"{name}: waits a page", "", [run.waits / pages for run in runs]),
    ]


def _page(fetches: list[Spent], analyses: list[Spent]) -> list[float]:
    """Return the share of its time that a page waits that is fetched and analysed."""
    return [
        100 * (waits := one.waiting + other.waiting) / (waits + one.running + other.running)
        for one, other in zip(fetches, analyses, strict=True)
    ]

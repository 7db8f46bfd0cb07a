"""What a contest of crawlers comes to: what is kept of it, when it is refused, and its tables."""

from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from bench.cell import BenchError
from bench.contest import Steady
from bench.findings import Findings
from bench.layout import Table
from bench.results import Kept, Run
from bench.spread import spread

__all__ = ["Parts", "PeerResults", "PeerRun", "tables"]

ORDER = ("hybrid", "async", "aiohttp", "scrapy", "crawlee", "requests+bs4")
TARGET = 0.85  # of what hybrid's parts allow


class PeerRun(msgspec.Struct, kw_only=True, frozen=True):
    """One crawl of a list of *asked* pages: what it found, and how fast."""

    who: str
    asked: int
    found: Findings
    speed: Steady

    @property
    def pages_per_s(self) -> float:
        """Return how fast it was."""
        return self.speed.pages_per_s


class Parts(msgspec.Struct, kw_only=True, frozen=True):
    """CPU seconds of a page, for each thing that hybrid cannot do without, measured alone."""

    server: float
    fetch: float
    analyse: float
    write: float

    @property
    def all(self) -> float:
        """The CPU seconds of all four."""
        return self.server + self.fetch + self.analyse + self.write


class PeerResults(Kept, kw_only=True, frozen=True):
    """Everything that was measured, round after round."""

    parts: list[Parts]
    cells: list[PeerRun]

    @property
    def runs(self) -> Sequence[Run]:
        """All crawls."""
        return self.cells

    def by_name(self) -> dict[str, list[PeerRun]]:
        """Return the crawls of each, a round after the other."""
        found: dict[str, list[PeerRun]] = {}
        for run in self.cells:
            found.setdefault(run.who, []).append(run)
        return {who: found[who] for who in ORDER if who in found}

    def refuse(self) -> None:
        """Raise BenchError if a crawl did not find every page as often as asked, or otherwise."""
        for run in self.cells:
            each = run.asked // int(self.settings["different"])
            found = run.found
            wanted = (run.asked, int(self.settings["different"]), each, each)
            if wanted != (found.records, found.different, found.fewest, found.most):
                raise BenchError(
                    f"not kept: {run.who} has {found.records} records of {found.different} "
                    f"different pages, each {found.fewest} to {found.most} times, instead of "
                    f"{run.asked}, {wanted[1]} and {each}"
                )
        if len({run.found.digest for run in self.cells}) > 1:
            names = sorted({f"{run.who}: {run.found.digest[:12]}" for run in self.cells})
            raise BenchError(f"not kept: not the same findings: {', '.join(names)}")


def tables(results: PeerResults) -> list[Table]:
    """Return a table of the crawlers, and one of what hybrid makes of what its parts allow."""
    runs = results.by_name()
    found = [
        Table(
            title="Other people's crawlers, 30 kB pages",
            columns=(
                "crawler", "hybrid ×", "pages/s", "start-up s", "CPU ms", "server ms", "pages",
            ),
            rows=[_row(theirs, runs.get("hybrid")) for theirs in runs.values()],
            left=frozenset({"crawler"}),
            notes=results.notes,
        )
    ]  # fmt: skip
    if "hybrid" in runs:
        found.append(_whole_and_parts(results, runs["hybrid"]))
    return found


def _row(theirs: Sequence[PeerRun], hybrid: Sequence[PeerRun] | None) -> list[str]:
    ratios = [
        ours.pages_per_s / other.pages_per_s
        for ours, other in zip(hybrid or [], theirs, strict=bool(hybrid))
    ]
    return [
        theirs[0].who,
        spread(ratios).text(2) if ratios else "",
        spread(run.pages_per_s for run in theirs).text(),
        f"{median(run.speed.startup_s for run in theirs):.2f}",
        f"{1000 * median(run.speed.client for run in theirs):.2f}",
        f"{1000 * median(run.speed.server for run in theirs):.3f}",
        str(theirs[0].asked),
    ]


def _whole_and_parts(results: PeerResults, hybrid: Sequence[PeerRun]) -> Table:
    cores = results.settings["cores"]
    allowed = [cores / parts.all for parts in results.parts]
    shares = [run.pages_per_s / most for run, most in zip(hybrid, allowed, strict=True)]
    return Table(
        title="Hybrid against its parts",
        columns=(
            "share", "pages/s", "allowed", "all parts ms", "server", "fetch", "analyse", "write",
        ),
        rows=[
            [
                f"{spread(shares).text(scale=100)} %",
                spread(run.pages_per_s for run in hybrid).text(),
                spread(allowed).text(),
                *(f"{1000 * median(costs):.3f}" for costs in _costs(results.parts)),
            ]
        ],
        left=frozenset(),
        notes=[
            f"`allowed` is {cores:g} cores/(the CPU of all parts), each measured alone in the same "
            "round: the server and our fetch stage at as many in flight, `analyse` over the "
            "fetched pages in one process, and a record's line made and written.",
            f"What is missing to 100 % is the way between them: reading the list, the frontier, "
            f"the border between processes, and waiting; the aim is {TARGET:.0%}.",
        ],
    )  # fmt: skip


def _costs(rounds: Sequence[Parts]) -> Iterator[list[float]]:
    """Yield the costs of all rounds: of all parts together, then of each."""
    yield [parts.all for parts in rounds]
    for name in Parts.__struct_fields__:
        yield [getattr(parts, name) for parts in rounds]

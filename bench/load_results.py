"""What `crawl load` must reach against other load tools, what it reached, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.cell import BenchError
from bench.layout import Table
from bench.load_contest import Turn
from bench.results import Kept, Run
from bench.spread import spread

__all__ = ["OURS", "LoadResults", "tables"]

OURS = "crawl load"
ORDER = (OURS, "wrk", "ab", "h2load", "hey", "autocannon", "Locust")
#: How many times as many connections as asked for still pass for kept alive.
CONNECTIONS_AT_MOST = 2


@dataclass(frozen=True)
class Goal:
    """How many times a figure of another tool ours must be: *least* or *most* of it."""

    what: str
    figure: str
    other: str
    least: float = 0.0
    most: float = float("inf")

    @property
    def text(self) -> str:
        """Return it in words."""
        return f"at least {self.least:g}" if self.least else f"at most {self.most:g}"

    def row(self, turns: dict[str, list[Turn]]) -> list[str]:
        """Return what, the goal, what was measured, and whether the median reaches it."""
        what = f"{self.what}, of {self.other}'s"
        if not {OURS, self.other} <= turns.keys():
            return [what, self.text, "", "not measured"]
        found = spread(_ratios(turns[OURS], turns[self.other], self.figure))
        reached = self.least <= found.median <= self.most
        return [what, self.text, found.text(2), "yes" if reached else "no"]


_CPU = ("CPU of a request", "cpu")
GOALS = (
    Goal("requests/s", "requests_per_s", "wrk", least=0.85),
    Goal(*_CPU, "wrk", most=1.35),
    Goal(*_CPU, "hey", most=0.5),
    Goal(*_CPU, "autocannon", most=0.5),
    Goal(*_CPU, "Locust", most=0.1),
)


class LoadResults(Kept, kw_only=True, frozen=True):
    """Every turn of every tool, round after round."""

    cells: list[Turn]

    @property
    def runs(self) -> Sequence[Run]:
        """All turns."""
        return self.cells

    def by_name(self) -> dict[str, list[Turn]]:
        """Return the turns of each tool, a round after the other."""
        found: dict[str, list[Turn]] = {}
        for turn in self.cells:
            found.setdefault(turn.who, []).append(turn)
        return {who: found[who] for who in ORDER if who in found}

    def refuse(self) -> None:
        """Raise BenchError if a tool had troubles, or did not keep its connections."""
        most = CONNECTIONS_AT_MOST * self.settings["connections"]
        for turn in self.cells:
            if turn.troubles:
                raise BenchError(f"not kept: {turn.who} tells of troubles: {turn.troubles}")
            if turn.connections > most:
                raise BenchError(
                    f"not kept: {turn.who} opened {turn.connections} connections for "
                    f"{self.settings['connections']:g} that stay open"
                )


def tables(results: LoadResults) -> list[Table]:
    """Return the goals and what was reached, then each tool in more detail."""
    turns = results.by_name()
    return [
        Table(
            title=f"`{OURS}` against its goals",
            columns=("what", "goal", "measured", "reached"),
            rows=[goal.row(turns) for goal in GOALS],
            left=frozenset({"what", "goal"}),
        ),
        Table(
            title="Load tools: a page of 10 kB on 50 connections that stay open",
            columns=(
                "tool", "requests/s", "CPU µs", "ours: speed ×", "ours: CPU ×", "server µs",
                "busy %", "start-up s", "not told",
            ),
            rows=[_row(theirs, turns.get(OURS, [])) for theirs in turns.values()],
            left=frozenset({"tool"}),
            notes=[
                "`CPU µs` and `server µs` are of a request, `busy %` is how much of its core the "
                "server used; where that is all of it, the server was the limit: then compare the "
                "CPU. `ours` says how many times as fast and as costly ours was in the same round.",
                "`start-up s` is from the command to its first request. `not told`: requests of "
                "the whole run that nginx counted and the tool's report did not; up to one for "
                "each connection is what was under way at the end.",
                *results.notes,
            ],
        ),
    ]  # fmt: skip


def _row(theirs: Sequence[Turn], ours: Sequence[Turn]) -> list[str]:
    def middle(figure: str, digits: int, scale: float = 1.0) -> str:
        return f"{scale * median(getattr(turn, figure) for turn in theirs):.{digits}f}"

    def ratio(figure: str) -> str:
        return spread(_ratios(ours, theirs, figure)).text(2) if ours else ""

    return [
        theirs[0].who,
        spread(turn.requests_per_s for turn in theirs).text(),
        spread(turn.cpu for turn in theirs).text(1, scale=1e6),
        ratio("requests_per_s"),
        ratio("cpu"),
        middle("server_cpu", 1, 1e6),
        middle("server_busy", 0, 100),
        middle("startup_s", 2),
        spread(turn.counted - turn.said for turn in theirs).text(),
    ]


def _ratios(ours: Sequence[Turn], theirs: Sequence[Turn], figure: str) -> list[float]:
    """Return a figure of ours over theirs, for each round."""
    rounds = zip(ours, theirs, strict=True)
    return [getattr(one, figure) / getattr(other, figure) for one, other in rounds]

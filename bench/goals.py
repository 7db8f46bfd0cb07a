"""What the test server must reach, what it reached, when that is refused, and its tables."""

from collections.abc import Sequence
from statistics import median

import msgspec

from bench.cell import BenchError
from bench.layout import Table
from bench.nginx import Speed
from bench.repeat import Repeated
from bench.results import Kept, Run
from bench.spread import spread

__all__ = ["Delays", "Round", "ServerResults", "tables"]

OF_NGINX = 0.8
STEADY_ERROR_MS = 1.0
WAITING_ERROR_MS = 5.0
WAITING_KB = 8.0
READY_MS = 300.0


class Delays(msgspec.Struct, kw_only=True, frozen=True):
    """How answers with an injected *latency* were late, in seconds.

    ``least`` to ``greatest`` are by the server's clock: the time of a request beyond what was
    injected; what was too early counts as 0. ``earliest`` is by the client's, from asking to the
    first byte: below 0 an answer came too early. So many were ``waiting`` at once at most;
    ``memory`` is what the server's process took more for each connection, in bytes (PSS).
    """

    latency: str
    answers: int
    waiting: int
    least: float
    p50: float
    p99: float
    greatest: float
    earliest: float
    memory: float


class Round(msgspec.Struct, kw_only=True, frozen=True):
    """Everything once: two speeds, delays under a steady rate and waiting at once, a repetition.

    Of the *waiting* the first kind falls due over seconds, the others all at once.  The server
    took ``ready`` seconds from `serve` being called until clients could connect.
    """

    ours: Speed
    nginx: Speed
    steady: list[Delays]
    waiting: list[Delays]
    repeated: Repeated
    ready: float

    @property
    def pages_per_s(self) -> float:
        """Return how fast our server was."""
        return self.ours.requests_per_s


class ServerResults(Kept, kw_only=True, frozen=True):
    """Everything that was measured, round after round."""

    cells: list[Round]

    @property
    def runs(self) -> Sequence[Run]:
        """All rounds."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if not all were waiting at once, or a repetition says nothing."""
        wanted = int(self.settings["waiting"])
        for one in self.cells:
            for delays in one.waiting:
                if delays.waiting != wanted:
                    raise BenchError(
                        f"not kept: {delays.waiting} of {wanted} were waiting at once for "
                        f"{delays.latency}"
                    )
            if one.repeated.delays < 2 or not one.repeated.faults:
                raise BenchError(
                    f"not kept: {one.repeated.requests} requests had {one.repeated.delays} "
                    f"different delays and {one.repeated.faults} faults: nothing to repeat"
                )


def tables(results: ServerResults) -> list[Table]:
    """Return the goals and what was reached, then the speeds and the delays in more detail."""
    return [
        Table(
            title="The test server against its goals",
            columns=("what", "goal", "measured", "reached"),
            rows=_goals(results),
            left=frozenset({"what"}),
            notes=results.notes,
        ),
        Table(
            title="Pages of 10 kB without a delay, each server on one core",
            columns=("server", "requests/s", "CPU µs", "core busy %"),
            rows=[
                _speed("this one", [one.ours for one in results.cells]),
                _speed("nginx", [one.nginx for one in results.cells]),
            ],
            left=frozenset({"server"}),
            notes=["Where the core is not busy, the client was the limit: then compare the CPU."],
        ),
        _delays(results),
    ]


def _goals(results: ServerResults) -> list[list[str]]:
    rounds = results.cells
    rate, waiting = (int(results.settings[name]) for name in ("rate", "waiting"))
    steady = list(zip(*(one.steady for one in rounds), strict=True))
    held = [one.waiting[0] for one in rounds]
    every = [delays for one in rounds for delays in (*one.steady, *one.waiting)]
    repeated = [one.repeated for one in rounds]
    least = 1000 * min(delays.least for delays in every)
    earliest = 1000 * min(delays.earliest for delays in every)
    differ = sum(one.differ for one in repeated)
    compared = sum(one.requests for one in repeated)
    return [
        _least(
            "requests/s, of nginx's",
            OF_NGINX,
            [one.ours.requests_per_s / one.nginx.requests_per_s for one in rounds],
        ),
        *(
            _below(
                f"p99 error of {runs[0].latency} at {rate} requests/s, ms",
                STEADY_ERROR_MS,
                [1000 * one.p99 for one in runs],
            )
            for runs in steady
        ),
        _below(
            f"p99 error of {waiting} delays waiting at once, ms",
            WAITING_ERROR_MS,
            [1000 * one.p99 for one in held],
        ),
        _below("memory of each of them, kB", WAITING_KB, [one.memory / 1000 for one in held]),
        _goal("never early: least error of all, ms", "above 0", f"{least:.3f}", reached=least > 0),
        _goal("never early: the same by the client's clock, ms", "from 0", f"{earliest:.3f}",
              reached=earliest >= 0),
        _goal("same seed, another order: what differs", "0", f"{differ} of {compared}",
              reached=differ == 0),
        _below("`serve` until it answers, ms", READY_MS, [1000 * one.ready for one in rounds]),
    ]  # fmt: skip


def _least(what: str, goal: float, values: list[float]) -> list[str]:
    text = spread(values).text(2)
    return _goal(what, f"from {goal:g}", text, reached=median(values) >= goal)


def _below(what: str, goal: float, values: list[float]) -> list[str]:
    text = spread(values).text(2)
    return _goal(what, f"below {goal:g}", text, reached=median(values) < goal)


def _goal(what: str, goal: str, measured: str, *, reached: bool) -> list[str]:
    return [what, goal, measured, "yes" if reached else "no"]


def _speed(server: str, runs: list[Speed]) -> list[str]:
    return [
        server,
        spread(run.requests_per_s for run in runs).text(),
        spread(run.cpu for run in runs).text(1, scale=1e6),
        spread(run.busy for run in runs).text(scale=100),
    ]


def _delays(results: ServerResults) -> Table:
    kinds = zip(*((*one.steady, *one.waiting) for one in results.cells), strict=True)
    return Table(
        title="Injected delays: how late the answers were",
        columns=(
            "latency", "answers", "waiting", "least ms", "p50 ms", "p99 ms", "most ms",
            "earliest", "kB each",
        ),
        rows=[_row(runs) for runs in kinds],
        left=frozenset({"latency"}),
        notes=[
            "`least` to `most` are by the server's clock: its time for a request beyond the "
            "injected delay; 0 would be too early. `earliest` is by the client's, in ms, from "
            "asking to the first byte, beyond the delay that the answer names.",
            "`kB each` is the memory (PSS) of the server's process for each connection, while all "
            "are waiting, beyond that before the first; what the kernel keeps of it is apart.",
        ],
    )  # fmt: skip


def _row(runs: Sequence[Delays]) -> list[str]:
    def ms(name: str) -> str:
        return spread(getattr(run, name) for run in runs).text(2, scale=1000)

    return [
        runs[0].latency,
        str(runs[0].answers),
        spread(run.waiting for run in runs).text(),
        f"{1000 * min(run.least for run in runs):.3f}",
        ms("p50"),
        ms("p99"),
        ms("greatest"),
        f"{1000 * min(run.earliest for run in runs):.3f}",
        spread(run.memory for run in runs).text(1, scale=1e-3),
    ]

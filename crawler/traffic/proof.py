"""Prove on this machine that the load tool's figures are true, against the bundled server."""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from crawler.core.histogram import Histogram
from crawler.system.stop import Stop
from crawler.traffic.closed_forms import overload_ms, queue_ms, stall_ms
from crawler.traffic.intervals import histogram_of
from crawler.traffic.job import LoadOptions
from crawler.traffic.loading import plans_of, run_load
from crawler.traffic.ours import Site, Truth
from crawler.traffic.report import LoadReport
from crawler.traffic.sabotage import burnt_core, stop_after
from crawler.traffic.series import Series
from crawler.traffic.targets import targets_of

__all__ = ["Ground", "Proof", "Row", "proofs"]

_MS = 1e6
#: Quantiles that are compared, where 10 samples lie beyond.
QUANTILES = (0.5, 0.9, 0.99, 0.999)
#: Milliseconds, or a share of the truth, whichever is larger.
ALLOWED_MS, ALLOWED = 1.0, 0.02
#: How much longer than a stall it may take until all that waited is answered, as a share.
LET_GO = 0.15
#: Times that a run is repeated because the machine was not quiet.
REPEATS = 3
DISTRIBUTIONS = (
    "lognormal(5ms,50ms)",
    "uniform(1ms,30ms)",
    "85%:2ms,15%:40ms",
    "pareto(2ms,1.5,200ms)",
)


class Row(msgspec.Struct, frozen=True):
    """A figure that must be *truth*, and may be off by *allowed*."""

    what: str
    truth: float
    ours: float
    allowed: float
    unit: str = "ms"

    @property
    def holds(self) -> bool:
        """Whether it is."""
        return abs(self.ours - self.truth) <= self.allowed


class Proof(msgspec.Struct, frozen=True):
    """One claim, its rows, and how often its run was repeated because the machine was not quiet."""

    name: str
    claim: str
    rows: tuple[Row, ...]
    repeats: int

    @property
    def holds(self) -> bool:
        """Whether all rows do."""
        return all(row.holds for row in self.rows)


def proofs(url: str, user_agent: str) -> Iterator[Proof]:
    """Yield each proof when it is done; they take less than a minute together.

    *url* is the bundled server's, which is set anew for each.  Raises CrawlError when a run
    cannot be made at all.
    """
    ground = Ground(url, user_agent)
    yield ground.proof("V1", "What the tool adds to a server without delay", ground.floor)
    for words in DISTRIBUTIONS:
        yield ground.proof("V2", f"Latency {words}", partial(ground.latency, words))
    yield ground.proof("V3", "One stall of 200 ms in 10 s", ground.one_stall)
    yield ground.proof("V4", "A stall of 100 ms in each second", ground.stalls)
    yield ground.proof("V5", "Overload: 750/s where 500/s are served", ground.overload)
    yield ground.proof("V6", "A queue: M/M/1, 250/s of 500/s", ground.queue)
    yield ground.proof("V9", "Faults are counted by class", ground.faults)
    yield ground.proof("V10", "Every request is accounted for", ground.conservation)
    yield ground.proof("V11", "Little's law: in flight = rate x time", ground.little)
    yield ground.proof("V12", "Stopped for 200 ms, the generator says so", ground.stopped)
    yield ground.proof("V12", "With its core burnt, the generator says so", ground.burnt)


class Ground:
    """The bundled server, and the load tool aimed at it; each method proves one claim.

    A claim about times is proved again up to *repeats* times, since other work on the machine
    can spoil it; one about counts is not.
    """

    def __init__(self, url: str, user_agent: str, repeats: int = REPEATS):
        self._site = Site.at(url)
        self._targets = targets_of([f"{url}/p/1"], _unread)
        self._user_agent = user_agent
        self._floor = Histogram()
        self._floor_truth = Histogram()
        self._repeats = repeats
        self._sent = self._counted = 0

    def proof(self, name: str, claim: str, prove: Callable[[], list[Row]]) -> Proof:
        for repeats in range(self._repeats + 1):
            proof = Proof(name, claim, tuple(prove()), repeats)
            if all(row.holds for row in proof.rows if row.unit == "ms"):
                break
        return proof

    def floor(self) -> list[Row]:
        report, truth = self._run(LoadOptions(rate=1000, duration=2))
        self._floor, self._floor_truth = histogram_of(report.response), truth.histogram("answer_ns")
        lag = histogram_of(report.lag)  # it is told, so whoever reads the figures can take it off
        rows = []
        for q in QUANTILES[:3]:
            true, found = self._floor_truth.quantile(q) / _MS, self._floor.quantile(q) / _MS
            rows.append(Row(_name(q), true, found, ALLOWED_MS + lag.quantile(q) / _MS))
        return rows

    def latency(self, words: str) -> list[Row]:
        report, truth = self._run(LoadOptions(rate=1000, duration=2.5), latency=words)
        found, true = histogram_of(report.response), truth.histogram("answer_ns")
        rows = []
        for q in _known(found):
            wanted = true.quantile(q) / _MS
            rows.append(Row(_name(q), wanted, found.quantile(q) / _MS, self._allowed(q, wanted)))
        return rows

    def one_stall(self) -> list[Row]:
        options = LoadOptions(rate=1000, duration=10, connections=300)
        return self._stalled(options, "200ms@4s", 200, 10_000)

    def stalls(self) -> list[Row]:
        options = LoadOptions(rate=1000, duration=5, connections=300)
        return self._stalled(options, "100ms/1s", 100, 1000)

    def overload(self) -> list[Row]:
        options = LoadOptions(rate=750, duration=3, timeout=30)
        report, truth = self._run(options, capacity=1, service="2ms")
        # So many are served in 3 s: what a request takes is 2 ms and what the server adds.
        per_s = report.requests_per_s
        last = overload_ms(report.ok, per_s, 750)
        return [
            Row("the last answer", last, report.response.max_ms, _allowed(last) + 20),
            Row("p50", last / 2, _ms(report, 0.5), _allowed(last) + 20),
            Row("all others unsent", report.scheduled - truth.requests, report.unsent, 0, ""),
        ]

    def queue(self) -> list[Row]:
        options = LoadOptions(rate=250, duration=5, arrivals="poisson", connections=300)
        report, truth = self._run(options, capacity=1, service="exponential(2ms)")
        found, true = histogram_of(report.response), truth.histogram("answer_ns")
        rows = []
        for q in (0.5, 0.9, 0.99):
            wanted, ours = true.quantile(q) / _MS, found.quantile(q) / _MS
            allowed = self._allowed(q, wanted)
            rows.append(Row(f"{_name(q)} by the server", wanted, ours, allowed))
            # The queue itself is a draw: 1 250 requests in some 300 busy periods.
            theory = queue_ms(q, 500, 250)
            rows.append(Row(f"{_name(q)} by theory", theory, ours, 0.4 * theory))
        return rows

    def faults(self) -> list[Row]:
        options = LoadOptions(requests=2000, timeout=0.5)
        words = "5%:reset,5%:truncate,10%:503,1%:hang"
        report, truth = self._run(options, fault=words)
        found = {
            "reset": report.errors.get("reset", 0),
            "truncate": report.errors.get("truncated", 0),
            "503": report.statuses.get("503", 0),
            "hang": report.timeout,
            "200": report.ok,
        }
        return [Row(name, truth.counts.get(name, 0), ours, 0, "") for name, ours in found.items()]

    def conservation(self) -> list[Row]:
        return [Row("sent, as the server counted", self._counted, self._sent, 0, "")]

    def little(self) -> list[Row]:
        options = LoadOptions(rate=1000, duration=2, warmup=0.5, connections=100)
        report, _ = self._run(options, latency="50ms")
        law = report.scheduled / report.window_s * report.service.mean_ms / 1000
        return [Row("in flight", law, report.in_flight_mean, 0.01 * law, "")]

    def stopped(self) -> list[Row]:
        return self._harmed(
            LoadOptions(rate=1000, duration=2), on_start=lambda _: stop_after(0.5, 0.2), least=150
        )

    def burnt(self) -> list[Row]:
        with burnt_core():
            return self._harmed(LoadOptions(rate=2000, duration=2), on_start=_watch, least=0.5)

    def _harmed(
        self, options: LoadOptions, *, on_start: Callable[[Series], object], least: float
    ) -> list[Row]:
        """Return that the verdict says so, that the lag shows it, and that the server was well."""
        self._site.become()
        report = self._once(options, on_start)
        answers = self._site.truth().histogram("answer_ns")
        flipped = report.verdict.word == "generator-limited"
        lag = report.lag.max_ms
        return [
            Row("verdict generator-limited", 1, int(flipped), 0, ""),
            Row(f"lag of {least:g} ms or more", max(lag, least), lag, 0),
            Row("the server's p50", 0, answers.quantile(0.5) / _MS, max(1.0, lag / 4)),
        ]

    def _stalled(self, options: LoadOptions, stall: str, length: float, period: float) -> list[Row]:
        report, truth = self._run(options, stall=stall)
        found, true = histogram_of(report.response), truth.histogram("answer_ns")
        rows = []
        for q in _known(found)[2:]:
            ours, wanted = found.quantile(q) / _MS, true.quantile(q) / _MS
            allowed = self._allowed(q, wanted)
            rows.append(Row(f"{_name(q)} by the server", wanted, ours, allowed))
            # A server takes some ms to let go what it held back: the stall is as much longer.
            theory = stall_ms(q, length, period)
            rows.append(Row(f"{_name(q)} by theory", theory, ours, LET_GO * theory))
        return rows

    def _run(self, options: LoadOptions, **settings: object) -> tuple[LoadReport, Truth]:
        """Run once, and count what left and what arrived."""
        self._site.become(**settings)
        report = self._once(options, _watch)
        truth = self._site.truth()
        self._sent += report.warmup_sent + report.sent
        self._counted += truth.requests
        return report, truth

    def _once(self, options: LoadOptions, on_start: Callable[[Series], object]) -> LoadReport:
        plans = plans_of(self._targets, options, self._user_agent)
        return run_load(plans, Stop(), on_start)

    def _allowed(self, q: float, truth: float) -> float:
        """Return how far off a quantile may be, in milliseconds: what the tool adds is in it.

        What it adds at p99 does not come on top of the server's p99: the tails of the two are
        not the same requests.  So ours lies anywhere between.
        """
        floor = (self._floor.quantile(q) - self._floor_truth.quantile(q)) / _MS
        return _allowed(truth) + max(0.0, floor)


def _known(histogram: Histogram) -> list[float]:
    return [q for q in QUANTILES if len(histogram) * (1 - q) >= 10 - 1e-6]


def _allowed(truth: float) -> float:
    return max(ALLOWED_MS, ALLOWED * truth)


def _ms(report: LoadReport, q: float) -> float:
    return histogram_of(report.response).quantile(q) / _MS


def _name(q: float) -> str:
    return f"p{100 * q:g}"


def _watch(_series: Series) -> None:
    """Let it go on."""


def _unread(name: str) -> bytes:
    raise FileNotFoundError(name)

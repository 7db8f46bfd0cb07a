"""Load-test with one of the crawl's own modes: a frontier that repeats, a histogram that writes."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from crawler.core import report as crawl_report
from crawler.core.entry import Entry, Form
from crawler.core.errors import OptionsError
from crawler.core.guard import LoadGuard
from crawler.core.job import FetchRules, Options
from crawler.core.pages import Analysed, Batch, Fetched, Outcome
from crawler.core.pages import Target as Page
from crawler.core.ports import Gear
from crawler.core.repeating import Repeating
from crawler.core.retry import Done, RetryPolicy
from crawler.core.urls import target_of
from crawler.core.version import user_agent
from crawler.modes import BY_NAME
from crawler.system.clock import cpu_of_children, cpu_of_process, now, now_ns, usable_cores
from crawler.system.descriptors import ensure_descriptors
from crawler.system.stop import Stop
from crawler.system.usage import peak_memory
from crawler.traffic.aiming import aims_of
from crawler.traffic.arrivals import instant
from crawler.traffic.books import Books
from crawler.traffic.job import LoadOptions, Target
from crawler.traffic.loading import piece_ns, timestamp
from crawler.traffic.plan import Aim
from crawler.traffic.report import LoadReport
from crawler.traffic.series import Series
from crawler.traffic.summing import report_of
from crawler.traffic.tally import REASONS, Note, Tally
from crawler.traffic.targets import choices

__all__ = ["nothing", "run_study", "settled"]

#: A body is read to its end, however long it is.
_ANY_SIZE = 2**40
#: Milliseconds to nanoseconds, seconds to nanoseconds.
_MS, _S = 1_000_000, 1_000_000_000
_AT_ONCE = 64


def nothing(_fetched: Fetched) -> Analysed:
    """Analyse nothing: a load test wants answers only."""
    return Analysed()


def settled(options: LoadOptions) -> LoadOptions:
    """Return *options* with the connections that their engine has.

    Raises OptionsError for what a crawl does not do.
    """
    plain = LoadOptions()
    for name, flag in (
        ("method", "-m"), ("body", "-d"), ("new_connections", "--new-connections"),
        ("keepalive", "--disable-keepalive"), ("insecure", "--insecure"),
    ):  # fmt: skip
        if getattr(options, name) != getattr(plain, name):
            raise OptionsError(f"{flag}: needs --engine wire; the crawl's modes do GET only")
    workers = options.workers if options.workers > 1 else usable_cores()
    places = {"serial": 1, "processes": workers}.get(options.engine, options.connections)
    return msgspec.structs.replace(options, connections=places)


def run_study(
    targets: Sequence[Target],
    options: LoadOptions,
    stop: Stop,
    on_start: Callable[[Series], object],
) -> LoadReport:
    """Run a load test by the mode that ``options.engine`` names, in a closed loop.

    *on_start* gets the time line that grows from then on.  Raises CrawlError.
    """
    aims, _ = aims_of(targets, options)
    frontier = Repeating(
        [target_of(target.address) for target in targets],
        choices(targets, options.seed, 0, 1),
        requests=options.requests,
        seconds=options.seconds,
        warmup=options.warmup,
    )
    series = Series(now_ns() + instant(options.warmup), piece_ns(options))
    started_at = timestamp()
    counted = _Counted(frontier, series, targets, options)
    gear = _gear(options, aims, frontier, stop, counted)
    on_start(series)
    before = cpu_of_process() + cpu_of_children()
    BY_NAME[options.engine](gear)
    cpu = cpu_of_process() + cpu_of_children() - before
    books = counted.books(cpu)
    return report_of(options, targets, [books], series, started_at, stopped=stop.reason)


def _gear(
    options: LoadOptions,
    aims: Sequence[Aim],
    frontier: Repeating,
    stop: Stop,
    counted: "_Counted",
) -> "_Gear":
    """Return what the mode is handed: one attempt, no redirects, no limit but the time."""
    crawl = Options(
        mode=options.engine,
        concurrency=options.connections,
        loop=options.loop,
        timeout=options.timeout,
        connect_timeout=options.timeout,
        read_timeout=options.timeout,
        max_redirects=0,
        max_bytes=_ANY_SIZE,
        headers=options.headers,
        resolve={aim.host: aim.address for aim in aims},
    )
    by_name = frozenset(aim.address for aim in aims if aim.host in options.allow_targets)
    guard = LoadGuard(allowed=by_name)
    in_flight, shared = options.connections, options.engine == "async"
    return _Gear(
        options=crawl,
        rules=dataclasses.replace(FetchRules.of(crawl, user_agent()), guard=guard),
        frontier=frontier,
        retry=RetryPolicy(0),
        tally=crawl_report.Tally(),
        analyse=nothing,
        form=Form(line=None, records=True),
        intake=_NoIntake(),
        keep=_Nowhere(),
        stop=stop,
        draw=random.random,
        workers=in_flight if options.engine == "processes" else 1,
        connections=ensure_descriptors(in_flight, in_flight, shared=shared),
        counted=counted,
    )


@dataclass(kw_only=True)
class _Gear(Gear):
    """The crawl's gear, which counts where the crawl would keep a record."""

    counted: "_Counted"

    def settle(self, target: Page, entry: Entry, now: float, *, home: bool | None) -> None:
        self.counted.count(target, entry)
        self.frontier.settle(target, Done(entry.outcome, home), now)


class _Nowhere:
    """Nothing is written: what there is to keep is counted when it is settled."""

    def write(self, entries: Sequence[Entry]) -> None: ...
    async def awrite(self, entries: Sequence[Entry]) -> None: ...


class _NoIntake:
    """Nothing is read: the frontier has its targets."""

    def wait_ready(self, timeout: float | None = None) -> bool:  # noqa: ARG002 (as Intake's)
        return True

    def read(self, most: int) -> Batch:  # noqa: ARG002 (as Intake's)
        return Batch([], None, ended=True)


class _Counted:
    """The histogram writer: notes of settled targets, by their own times, folded by the dozen."""

    def __init__(
        self,
        frontier: Repeating,
        series: Series,
        targets: Sequence[Target],
        options: LoadOptions,
    ):
        self._frontier = frontier
        self._series = series
        self._options = options
        self._targets = len(targets)
        self._number = {target.address: number for number, target in enumerate(targets)}
        self._notes: list[Note] = []
        self._tally: Tally | None = None
        self._ends = 0
        self._cut_at = 0
        self._was_in_flight = 0

    def count(self, target: Page, entry: Entry) -> None:
        """Note what became of *target*, which was due when it was taken."""
        tally = self._tally or self._begin()
        due, timing = round(target.taken_at * _S), entry.ms
        queue, connect, total = (
            (0.0, 0.0, 0.0)
            if timing is None
            else (timing.queue, timing.connect or 0.0, timing.total)
        )
        sent = due + round((queue + connect) * _MS)
        ended = max(sent, due + round((queue + total) * _MS))
        if self._ends and ended > self._ends and not tally.in_window:
            self._fold()
            tally.close_window()
        number = self._number.get(target.address, 0)
        size = entry.wire_bytes or 0
        self._notes.append((_status(entry), due, due, sent, ended, size, number))
        if len(self._notes) >= _AT_ONCE:
            self._fold()
        if ended >= self._cut_at:
            self._cut(ended)

    def books(self, cpu: float) -> Books:
        """Close the books of a run that cost *cpu* seconds."""
        tally = self._tally or self._begin()
        self._fold()
        if not tally.in_window:
            tally.close_window()
        self._cut(now_ns())
        ended = self._ends if 0 < self._ends < now_ns() else tally.last
        seconds = max(ended - tally.measured_from, 1) / _S
        in_flight = (tally.spent() + tally.wait.total) / _S / seconds
        frontier = self._frontier
        return Books(
            tally=tally,
            scheduled=frontier.measured,
            unsent=0,
            in_flight_at_end=frontier.measured - tally.ended,
            in_flight_mean=in_flight,
            in_flight_by_times=in_flight,
            warmup_sent=frontier.in_warmup,
            window_ended=ended,
            opened=len(tally.connect),
            first_heads=[],
            timer="none",
            cpu_s=cpu,
            cpu_share=cpu / seconds,
            queue_share=None,
            memory=peak_memory(),
        )

    def _begin(self) -> Tally:
        options = self._options
        began = self._frontier.began or now()
        measured_from = round((began + options.warmup) * _S)
        if options.seconds is not None:
            self._ends = measured_from + round(options.seconds * _S)
        self._tally = Tally(measured_from, measured_from, self._targets, options.connections)
        self._cut_at = self._series.start + self._series.length
        return self._tally

    def _fold(self) -> None:
        notes, self._notes = self._notes, []
        if self._tally is not None:
            self._tally.fold(notes)

    def _cut(self, at: int) -> None:
        self._fold()
        if self._tally is None:
            return
        in_flight = self._frontier.in_flight
        piece = self._tally.cut(at, in_flight)
        piece.sent = piece.ended + in_flight - self._was_in_flight
        self._was_in_flight = in_flight
        self._series.add(piece)
        self._cut_at = at + self._series.length


def _status(entry: Entry) -> int:
    """Return the status, or the number of the reason why there is none."""
    reason = {
        Outcome.TIMEOUT: "timeout", Outcome.REFUSED: "refused", Outcome.RESET: "reset",
        Outcome.PROTOCOL: "protocol", Outcome.TLS: "tls", Outcome.PRIVATE_ADDRESS: "address",
        Outcome.DNS: "refused",
    }.get(entry.outcome)  # fmt: skip
    status = None if entry.record is None else entry.record.status
    if reason is None and isinstance(status, int):
        return status
    return REASONS.index(reason or "protocol")

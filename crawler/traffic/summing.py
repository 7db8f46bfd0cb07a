"""Add up the books of all processes, see that they balance, and make the report of a run."""

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from statistics import median
from typing import TypedDict

import msgspec

from crawler.core.errors import InternalError
from crawler.core.urls import public_form
from crawler.core.version import VERSION
from crawler.traffic.books import Books
from crawler.traffic.driving import SECOND
from crawler.traffic.expectations import expected
from crawler.traffic.intervals import distribution, quantile_ms
from crawler.traffic.job import LoadOptions, Target
from crawler.traffic.report import Generator, LoadReport, TargetReport
from crawler.traffic.series import Series
from crawler.traffic.tally import OUTCOMES, REASONS, Tally
from crawler.traffic.verdict import Facts, verdict

__all__ = ["report_of"]

_MS = 1e6
_QUANTILES = (0.5, 0.9, 0.99)
#: Nanoseconds that a request may wait for a connection before it has left late.
_LATE = 1_000_000


def report_of(
    options: LoadOptions,
    targets: Sequence[Target],
    books: Sequence[Books],
    series: Series,
    started_at: str,
    *,
    stopped: str | None = None,
) -> LoadReport:
    """Return what came of a run; raises InternalError when the books do not balance.

    Expectations are checked here; what the server counted is for the caller to add.
    """
    tally = reduce(Tally.merge, (book.tally for book in books))
    ended = max(book.window_ended for book in books)
    window = max(ended - tally.measured_from, 1) / SECOND
    report = LoadReport(
        version=VERSION,
        target=_label(targets),
        started_at=started_at,
        options=options,
        targets=_targets(targets, tally),
        window_s=window,
        **_balanced(tally, books),
        warmup_sent=sum(book.warmup_sent for book in books),
        statuses={str(s): n for s, n in sorted(tally.statuses.items()) if s >= 100},
        errors={REASONS[s]: n for s, n in sorted(tally.statuses.items()) if 0 < s < 100},
        requests_per_s=tally.in_window / window,
        bytes_per_s=tally.bytes_in_window / window,
        response=distribution(tally.response),
        service=distribution(tally.service),
        lag=distribution(tally.lag),
        wait=distribution(tally.wait),
        connect=distribution(tally.connect),
        failed={name: distribution(h) for name, h in tally.failed.items() if len(h)},
        series=series.slices(),
        in_flight_mean=sum(book.in_flight_mean for book in books),
        processes=tuple(map(_process, books)),
        verdict=verdict(_facts(options, tally, books, window, is_whole=stopped is None)),
        stopped=stopped,
    )
    checked = tuple(one.check(report, quantile_ms) for one in expected(options))
    return msgspec.structs.replace(report, expectations=checked)


class _Counts(TypedDict):
    scheduled: int
    sent: int
    unsent: int
    ok: int
    http_error: int
    network: int
    timeout: int
    in_flight_at_end: int


def _balanced(tally: Tally, books: Sequence[Books]) -> _Counts:
    """Return how many requests there were and how they ended; raises InternalError."""
    ends = Counter(dict.fromkeys(OUTCOMES, 0))
    for status, count in tally.statuses.items():
        ends[Tally.outcome(status)] += count
    scheduled = sum(book.scheduled for book in books)
    unsent = sum(book.unsent for book in books)
    in_flight = sum(book.in_flight_at_end for book in books)
    sent = ends.total() + in_flight
    if scheduled != sent + unsent:
        raise InternalError(f"{scheduled} scheduled, but {sent} sent and {unsent} unsent")
    return _Counts(
        scheduled=scheduled,
        sent=sent,
        unsent=unsent,
        ok=ends["ok"],
        http_error=ends["http-error"],
        network=ends["network"],
        timeout=ends["timeout"],
        in_flight_at_end=in_flight,
    )


def _label(targets: Sequence[Target]) -> str:
    first, others = public_form(targets[0].address), len(targets) - 1
    return f"{first} and {others} other{'s' * (others > 1)}" if others else first


def _targets(targets: Sequence[Target], tally: Tally) -> tuple[TargetReport, ...]:
    """Return what each target answered, where they are few enough to be told apart."""
    found = []
    for number, times in enumerate(tally.by_target):
        p50, p99 = (ns / _MS if len(times) else None for ns in times.quantiles((0.5, 0.99)))
        failed = tally.target_failures[number]
        timed = len(times)
        found.append(
            TargetReport(
                target=public_form(targets[number].address),
                ended=timed + failed - tally.target_timeouts[number],
                failed=failed,
                p50_ms=p50,
                p99_ms=p99,
                max_ms=times.most / _MS if timed else None,
            )
        )
    return tuple(found)


def _process(book: Books) -> Generator:
    return Generator(
        cpu_s=book.cpu_s,
        cpu_share=book.cpu_share,
        queue_share=book.queue_share,
        timer=book.timer,
        connections_opened=book.opened,
        memory_bytes=book.memory,
    )


def _facts(
    options: LoadOptions, tally: Tally, books: Sequence[Books], window: float, *, is_whole: bool
) -> Facts:
    response, service = tally.response, tally.service
    p50, p90, p99 = (ns / _MS for ns in response.quantiles(_QUANTILES))
    lag = tally.lag.quantiles(_QUANTILES)
    mean_service = service.mean() / _MS
    in_flight = sum(book.in_flight_mean for book in books)
    scheduled = sum(book.scheduled for book in books)
    to_the_end = is_whole and options.requests is None and len(response) > 0
    by_times = sum(book.in_flight_by_times for book in books)
    return Facts(
        is_open=options.is_open,
        connections=options.connections,
        processes=len(books),
        samples=len(response),
        rate=scheduled / window,
        lag=(lag[0] / _MS, lag[1] / _MS, lag[2] / _MS),
        lag_max=tally.lag.most / _MS,
        response=(p50, p90, p99),
        cpu_share=max(book.cpu_share for book in books),
        in_flight=in_flight if to_the_end else None,
        queue_share=max(book.queue_share or 0.0 for book in books),
        late_share=tally.wait.share_above(_LATE) if options.is_open else 0.0,
        behind=_behind(tally, scheduled, window),
        early=median(tally.early) / _MS if tally.early else 0.0,
        late=service.quantile(0.5) / _MS,
        mean_service=mean_service,
        residual=abs(in_flight - by_times) / max(in_flight, by_times, 1.0),
    )


def _behind(tally: Tally, scheduled: int, window: float) -> float:
    """Return the share of what was due that was not answered in the window, and should have been.

    What is in flight at its end is no debt, as long as an answer takes what it took at first.
    """
    under_way = scheduled / window * (median(tally.early) / SECOND if tally.early else 0.0)
    return max(0.0, scheduled - tally.in_window - under_way) / max(scheduled, 1)

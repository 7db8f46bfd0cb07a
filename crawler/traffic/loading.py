"""One run on the bare connection: processes are started and listened to, the report is made."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from crawler.core.errors import WorkerError
from crawler.core.ports import Stop
from crawler.system.clock import wall
from crawler.traffic.aiming import aims_of
from crawler.traffic.arrivals import instant
from crawler.traffic.books import Books
from crawler.traffic.crew import Crew
from crawler.traffic.job import LoadOptions, Target
from crawler.traffic.ours import Site, arrived_before
from crawler.traffic.plan import Plan
from crawler.traffic.report import LoadReport
from crawler.traffic.series import Series
from crawler.traffic.summing import report_of
from crawler.traffic.targets import method_of, request_bytes
from crawler.traffic.worker import Go

__all__ = ["piece_ns", "plans_of", "run_load", "timestamp"]

#: Nanoseconds: a piece is a hundredth of the run, within these.
_SHORTEST, _LONGEST = 100_000_000, 1_000_000_000


def plans_of(targets: Sequence[Target], options: LoadOptions, user_agent: str) -> list[Plan]:
    """Return what each process is told; raises OptionsError and RefusedTargetError.

    Names are looked up here, and each origin gets one connection that is closed again.
    """
    requests = tuple(request_bytes(target, options, user_agent) for target in targets)
    aims, aim_of = aims_of(targets, options)
    return [
        Plan(
            options=options,
            targets=tuple(targets),
            aims=aims,
            requests=requests,
            aim_of=aim_of,
            bodiless=tuple(method_of(target, options) == "HEAD" for target in targets),
            place=place,
            of=options.workers,
        )
        for place in range(options.workers)
    ]


def run_load(plans: Sequence[Plan], stop: Stop, on_start: Callable[[Series], object]) -> LoadReport:
    """Run the *plans* of one load test; *on_start* gets the time line that grows from then on.

    Raises WorkerError and InternalError.
    """
    options = plans[0].options
    length = piece_ns(options)
    with Crew(list(plans), stop) as crew:
        start = crew.ready()
        series = Series(start + instant(options.warmup), length)
        started_at = timestamp()
        on_start(series)
        books = crew.run(Go(start, length), series.add)
    report = report_of(options, plans[0].targets, books, series, started_at, stopped=stop.reason)
    return _with_server_count(report, plans[0], books)


def piece_ns(options: LoadOptions) -> int:
    """Return how long a piece of the time line is, in nanoseconds."""
    seconds = options.seconds
    wanted = _SHORTEST if seconds is None else round(1e7 * (options.warmup + seconds))
    return min(max(wanted, _SHORTEST), _LONGEST)


def timestamp() -> str:
    """Return now as people and records write it."""
    return datetime.fromtimestamp(wall(), UTC).isoformat(timespec="milliseconds")


def _with_server_count(report: LoadReport, plan: Plan, books: Sequence[Books]) -> LoadReport:
    """Add what the server counted, where it is the bundled one."""
    before = arrived_before(head for book in books for head in book.first_heads)
    if before is None or len(plan.aims) > 1:
        return report
    try:
        counted = Site(plan.aims[0].address, plan.aims[0].port).truth().requests
    except (WorkerError, ValueError, KeyError):
        return report  # it died, or it is another with the same header
    return msgspec.structs.replace(report, server_requests=counted - before)

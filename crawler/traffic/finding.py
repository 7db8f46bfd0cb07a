"""Find the highest rate that meets an expectation: one load test after the other, each decided."""

from collections.abc import Callable, Sequence

import msgspec

from crawler.core.errors import OptionsError
from crawler.core.ports import Stop
from crawler.traffic.expectations import Expectation, figure, parse_all
from crawler.traffic.intervals import quantile_ms
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import FoundMax, LoadReport, Step, Verdict
from crawler.traffic.scalability import fit
from crawler.traffic.search import Search, severity

__all__ = ["expectations_of", "find_max"]

FLAG = "--find-max"
#: Seconds of the closed loop that tells where to begin.
TASTE = 2.0
#: How many more samples than a percentile needs; and the seconds that a step is stretched to.
SPARE, LONGEST = 1.2, 60.0

Run = Callable[[LoadOptions], LoadReport]


def expectations_of(options: LoadOptions) -> tuple[Expectation, ...]:
    """Return what the rate has to meet; raises OptionsError for options that do not go with it."""
    for given, flag in (
        (options.rate, "-q"), (options.stages, "--stage"), (options.requests, "-n"),
        (options.expect, "--expect"),
    ):  # fmt: skip
        if given:
            raise OptionsError(f"{FLAG} and {flag}: the first chooses what the second would say")
    if options.engine != "wire":
        raise OptionsError(f"{FLAG}: needs --engine wire, which keeps to a rate")
    return parse_all([options.find_max or ""], FLAG)


def find_max(
    run: Run,
    options: LoadOptions,
    expected: Sequence[Expectation],
    stop: Stop,
    on_step: Callable[[Step], object],
) -> LoadReport:
    """Return the report of the highest rate that met all *expected*, with what was ``found``.

    Each step is a load test of its own, as long as *options* say; the first is a short closed
    loop, of whose rate half is tried first.  *on_step* is told of each.  A request to stop ends
    the search after the step in hand.
    """
    plain = msgspec.structs.replace(options, find_max=None)
    taste = run(msgspec.structs.replace(plain, duration=TASTE, arrivals="constant"))
    if not taste.requests_per_s:
        return taste
    search = Search(taste.requests_per_s / 2, seconds=options.seconds or TASTE)
    steps: list[Step] = []
    reports: list[LoadReport] = []
    while not stop.requested and (rate := search.next_rate()) is not None:
        seconds = _seconds(options, expected, rate)
        step_options = msgspec.structs.replace(plain, rate=rate, duration=seconds)
        report = run(step_options)
        if report.stopped is not None:
            break
        terms = [(figure(one, report, quantile_ms), one.value, one.is_below) for one in expected]
        step = Step(
            rate=rate,
            requests_per_s=report.requests_per_s,
            in_flight=report.in_flight_mean,
            figures={one.term: found for one, (found, _, _) in zip(expected, terms, strict=True)},
            met=severity(terms) <= 0,
        )
        search.found(rate, severity(terms))
        steps.append(step)
        reports.append(report)
        on_step(step)
    best = _with_found(search, steps, reports or [taste], expected)
    return msgspec.structs.replace(best, stopped=stop.reason)


def _seconds(options: LoadOptions, expected: Sequence[Expectation], rate: float) -> float:
    """Return how long a step lasts: longer than asked for where that is too short for a figure."""
    needed = SPARE * max(one.samples for one in expected) / rate
    return max(options.seconds or 0.0, min(needed, LONGEST))


def _with_found(
    search: Search,
    steps: Sequence[Step],
    reports: Sequence[LoadReport],
    expected: Sequence[Expectation],
) -> LoadReport:
    """Return the best report with what was found, and a verdict that counts for all steps."""
    if not steps:
        return reports[0]
    rate, low, high = search.result()
    met = [number for number, step in enumerate(steps) if step.met]
    best = reports[max(met or [0], key=lambda number: steps[number].rate)]
    pairs = [(step.in_flight, step.requests_per_s) for step in steps]
    found = FoundMax(
        expect=",".join(_texts(expected)),
        rate=rate,
        low=low,
        high=high,
        steps=tuple(steps),
        knee=fit(pairs),
        edge=search.edge,
    )
    return msgspec.structs.replace(best, found=found, verdict=_verdict(best, steps, reports))


def _verdict(best: LoadReport, steps: Sequence[Step], reports: Sequence[LoadReport]) -> Verdict:
    """Return the verdict of the lowest rate that was not met, if it is not the server's doing."""
    failed = [number for number, step in enumerate(steps) if not step.met]
    if failed:
        lowest = reports[min(failed, key=lambda number: steps[number].rate)]
        if lowest.verdict.word in {"generator-limited", "schedule-limited"}:
            return lowest.verdict
    return best.verdict


def _texts(expected: Sequence[Expectation]) -> tuple[str, ...]:
    return tuple(map(str, expected))

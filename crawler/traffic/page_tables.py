"""The tables of the report's page: percentiles, outcomes, targets, the search, processes."""

from crawler.traffic.markup import count, digits, share, size, table, words
from crawler.traffic.report import Distribution, FoundMax, LoadReport

__all__ = ["expectations", "failures", "found", "outcomes", "percentiles", "processes", "targets"]

#: Rows of a kind that a server can make up as many of as it likes.
_MOST = 40


def expectations(report: LoadReport) -> str:
    """Return what was expected, and whether it is met."""
    if not report.expectations:
        return ""
    rows = [
        (words(checked.text), words(checked.found), _met(met=checked.met))
        for checked in report.expectations
    ]
    return "<h2>Expectations</h2>" + table(("expected", "found", ""), rows)


def _met(*, met: bool) -> str:
    return "✓ met" if met else '<b class="bad">✗ not met</b>'


def found(report: LoadReport) -> str:
    """Return the highest rate that still meets what is expected, and the steps to it."""
    search = report.found
    if search is None:
        return ""
    one = f" at {digits(report.options.rate)}/s" if report.options.rate is not None else ""
    names = list(dict.fromkeys(name for step in search.steps for name in step.figures))
    rows = [
        (
            digits(step.rate), digits(step.requests_per_s), digits(step.in_flight),
            *(_figure(name, step.figures.get(name)) for name in names), _met(met=step.met),
        )
        for step in search.steps
    ]  # fmt: skip
    head = ("asked for, /s", "answers/s", "in flight", *map(words, names), "")
    return (
        f"<h2>Highest rate that meets {words(search.expect)}</h2><p>{_answer(search)}</p>"
        f"{table(head, rows)}"
        f'<p class="note">Times, rates and outcomes below are of the step{one} alone.</p>'
    )


def _answer(search: FoundMax) -> str:
    rate = f"<b>{digits(search.rate)}/s</b>"
    if search.edge == "lowest":
        return "<b>None</b>: no rate that was tried met it."
    if search.edge == "highest":
        return f"At least {rate}: all rates that were tried met it, and no higher one was tried."
    between = f"{digits(search.low)} and {digits(search.high)}/s"
    return f"{rate}; with 95 % confidence it lies between {between}."


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name.endswith(("errors", "timeouts", "unsent")):
        return share(value, 1.0)
    return digits(value) if name == "rate" else f"{digits(value)} ms"


def percentiles(report: LoadReport) -> str:
    """Return the percentiles with their intervals, and beside them what else was timed."""
    response = report.response
    if not response.count:
        return '<p class="note">No request was answered without an error, so none has a time.</p>'
    others = _others(report)
    all_of_them = [response, *(other for _, other in others)]
    rows = [
        (
            f"p{100 * known.q:.6g}", f"<b>{digits(known.ms)}</b>",
            f"{digits(known.low_ms)} – {digits(known.high_ms)}",
            *(digits(other.ms(known.q)) for _, other in others),
        )
        for known in response.quantiles
    ]  # fmt: skip
    rows += [
        (name, f"<b>{digits(values[0])}</b>", "", *map(digits, values[1:]))
        for name, values in (
            ("mean", [of.mean_ms for of in all_of_them]),
            ("fastest", [of.min_ms for of in all_of_them]),
            ("slowest", [of.max_ms for of in all_of_them]),
        )
    ]
    head = ("", "response time, ms", "95 % interval", *(name for name, _ in others))
    return (
        f"<h2>Percentiles</h2>{table(head, rows)}"
        f'<p class="note">Of {count(response.count)} requests: those that were answered without '
        "an error, and those that timed out, at the time they took. A percentile is given when "
        "ten of them lie beyond. The intervals take them for independent of each other.</p>"
    )


def _others(report: LoadReport) -> list[tuple[str, Distribution]]:
    """Return the distributions that say more than the response time alone."""
    is_open = report.options.is_open
    timed = (
        ("service time", report.service, is_open),
        ("wait for a connection", report.wait, is_open),
        ("generator lag", report.lag, True),
        ("connecting", report.connect, True),
    )
    return [(name, of) for name, of, is_wanted in timed if is_wanted and of.count]


def outcomes(report: LoadReport) -> str:
    """Return what came of all requests that were due, with bars."""
    whole = report.scheduled
    rows = [
        ("bad" if int(status) >= 400 else "good", f"status {words(status)}", number)
        for status, number in _most(report.statuses)
    ]
    rows += [("bad", words(reason), number) for reason, number in _most(report.errors)]
    rows += [
        (kind, name, number)
        for kind, name, number in (
            ("bad", "timeout", report.timeout),
            ("rest", "in flight at the end", report.in_flight_at_end),
            ("rest", "unsent", report.unsent),
        )
        if number
    ]
    lines = [
        (
            name, count(number), share(number, whole),
            f'<i class="bar {kind}" style="width: {100 * number / whole:.2f}%"></i>',
        )
        for kind, name, number in rows
        if whole
    ]  # fmt: skip
    told = f'<p class="note">{_server(report)}</p>'
    return "<h2>Outcomes</h2>" + table(("", "requests", "share", ""), lines, "bars") + told


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST]


def _server(report: LoadReport) -> str:
    """Return what was due, and what the server counted of it."""
    due = f"{count(report.scheduled)} were due, {count(report.sent)} were sent"
    warm = f" after {count(report.warmup_sent)} in the warm-up" if report.warmup_sent else ""
    if report.server_requests is None:
        return f"{due}{warm}."
    return f"{due}{warm}; the server counted {count(report.server_requests)}."


def failures(report: LoadReport) -> str:
    """Return how long those took that failed."""
    if not report.failed:
        return ""
    rows = [
        (words(name), count(of.count), digits(of.ms(0.5)), digits(of.mean_ms), digits(of.max_ms))
        for name, of in sorted(report.failed.items())
    ]
    head = ("", "requests", "p50, ms", "mean", "slowest")
    return f"<h2>How long failures took</h2>{table(head, rows)}"


def targets(report: LoadReport) -> str:
    """Return what came of each of several targets."""
    if not report.targets:
        return ""
    rows = [
        (
            words(one.target), count(one.ended), count(one.failed),
            digits(one.p50_ms), digits(one.p99_ms), digits(one.max_ms),
        )
        for one in report.targets
    ]  # fmt: skip
    head = ("", "ended", "failed", "p50, ms", "p99", "slowest")
    return f"<h2>Targets</h2>{table(head, rows, 'first')}"


def processes(report: LoadReport) -> str:
    """Return what the generator itself used."""
    if not report.processes:
        return ""
    rows = [
        (
            str(number), digits(one.cpu_s), share(one.cpu_share, 1.0),
            "" if one.queue_share is None else share(one.queue_share, 1.0),
            count(one.connections_opened), size(one.memory_bytes), words(one.timer),
        )
        for number, one in enumerate(report.processes, 1)
    ]  # fmt: skip
    head = (
        "process", "CPU, s", "of a core", "waited for a core", "connections opened", "memory",
        "timer",
    )  # fmt: skip
    return f"<h2>Generator</h2>{table(head, rows)}"

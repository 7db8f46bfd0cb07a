"""The tables of a load test's summary: times by percentile, failures, targets, steps."""

from collections.abc import Sequence

from crawler.cli.units import count_text
from crawler.traffic.report import Distribution, FoundMax, LoadReport

__all__ = ["failures", "shortened", "steps", "targets", "times"]

#: What `crawler.traffic.intervals` tells where enough was counted.
_SHOWN = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
_BEYOND = 10
#: Milliseconds, and share of the response time's p99, from which a delay of ours is shown.
_MATTERS_MS, _MATTERS_SHARE = 1.0, 0.05


def times(report: LoadReport) -> list[str]:
    """Return the table of times, with what it is of; nothing where there is none."""
    response = report.response
    if not response.count:
        return []
    digits = _digits(response)
    others = _columns(report)
    head = ["  ms", "response", "95 % interval", *others]
    rows = [["  min", _ms(response.min_ms, digits), ""]]
    rows[0] += [_ms(other.min_ms, digits) for other in others.values()]
    for found in response.quantiles:
        row = [f"  {_name(found.q)}", _ms(found.ms, digits)]
        row.append(f"{_ms(found.low_ms, digits)} to {_ms(found.high_ms, digits)}")
        rows.append(row + [_ms(other.ms(found.q), digits) for other in others.values()])
    for name in ("max", "mean"):
        row = [f"  {name}", _ms(getattr(response, f"{name}_ms"), digits), ""]
        rows.append(row + [_ms(getattr(other, f"{name}_ms"), digits) for other in others.values()])
    return [*table(head, rows), *_remarks(report)]


def _columns(report: LoadReport) -> dict[str, Distribution]:
    """Return what is shown beside the response time, by name."""
    options = report.options
    least = max(_MATTERS_MS, _MATTERS_SHARE * _late(report.response))
    found = {
        "service": (report.service, options.is_open),
        "lag": (report.lag, _late(report.lag) >= least),
        "wait": (report.wait, _late(report.wait) >= least),
        "connect": (report.connect, options.new_connections > 0 or not options.keepalive),
    }
    return {name: took for name, (took, matters) in found.items() if matters and took.count}


def _late(took: Distribution) -> float:
    """Return the p99, or the greatest where it is not known."""
    return took.ms(0.99) or took.max_ms


def _remarks(report: LoadReport) -> list[str]:
    """Say what the times are of, and what could not be told."""
    timed = [f"{count_text(report.ok)} ok answer{'s' * (report.ok != 1)}"] if report.ok else []
    if report.timeout:
        timed.append(f"{count_text(report.timeout)} timeout{'s' * (report.timeout != 1)}")
    since = ", since each was due" if report.options.is_open else ""
    lines = [f"  of {' and '.join(timed)}{since}"]
    known = {found.q for found in report.response.quantiles}
    missing = next((q for q in _SHOWN if q not in known), None)
    if missing is not None:
        lines[0] += f"; {_name(missing)} needs {count_text(_BEYOND / (1 - missing))}"
    return lines


def failures(report: LoadReport) -> list[str]:
    """Return how long it took until requests failed, by outcome."""
    digits = _digits(*report.failed.values())
    rows = [
        [
            f"  {name}", count_text(took.count), _ms(took.ms(0.5), digits),
            _ms(took.ms(0.99), digits), _ms(took.max_ms, digits),
        ]
        for name, took in report.failed.items()
    ]  # fmt: skip
    return table(["  ms until it failed", "count", "p50", "p99", "max"], rows)


def targets(report: LoadReport, width: int) -> list[str]:
    """Return what each target did, its address last."""
    heads = ["  ended", "failed", "p50 ms", "p99 ms", "max ms", "target"]
    longest = max((one.max_ms or 0.0 for one in report.targets), default=0.0)
    digits = 1 if longest >= 100 else 2
    rows = [
        [
            f"  {count_text(one.ended)}", count_text(one.failed), _ms(one.p50_ms, digits),
            _ms(one.p99_ms, digits), _ms(one.max_ms, digits), "",
        ]
        for one in report.targets
    ]  # fmt: skip
    lines = table(heads[:-1], [row[:-1] for row in rows], left=0)
    names = [heads[-1], *(one.target for one in report.targets)]
    return [
        f"{line}  {shortened(name, width - len(line) - 2)}"
        for line, name in zip(lines, names, strict=True)
    ]


def steps(found: FoundMax) -> list[str]:
    """Return the rates that were tried for --find-max, in order, and what each found."""
    terms = list(dict.fromkeys(term for step in found.steps for term in step.figures))
    rows = [
        [
            f"{step.rate:.4g}", f"{step.requests_per_s:.4g}", f"{step.in_flight:.3g}",
            *(f"{step.figures.get(term, 0.0):.4g}" for term in terms),
            f"{'met' if step.met else 'not met':<7}",
        ]
        for step in found.steps
    ]  # fmt: skip
    return table(["  rate/s", "answers/s", "in flight", *terms, ""], rows, left=0)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return lines with columns aligned right, but for the first *left* of them."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if place < left else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def shortened(text: str, width: int) -> str:
    """Return *text* in at most *width* columns, its middle left out where it is too long."""
    if len(text) <= width:
        return text
    kept = max(width - 3, 2)
    return f"{text[: kept - kept // 2]}...{text[-(kept // 2) :]}"


def _name(q: float) -> str:
    return f"p{q * 100:.6g}"


def _digits(*distributions: Distribution) -> int:
    """Return how many decimals show three digits of the typical time."""
    typical = min(took.ms(0.5) or took.mean_ms for took in distributions)
    return 3 if typical < 1 else 2 if typical < 10 else 1


def _ms(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}".replace(",", " ")

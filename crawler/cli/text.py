"""What people read: a line for a page, a line of settings, and the closing summary."""

from crawler.cli.units import bytes_text, count_text, seconds_text
from crawler.core.job import Options, Way, in_flight
from crawler.core.record import Record
from crawler.core.report import CrawlReport

__all__ = ["failure_line", "outcomes_text", "page_line", "settings_line", "summary"]


def page_line(record: Record) -> bytes:
    """Return one short line for a record, safe for a terminal."""
    return (failure_line(record) + "\n").encode()


def failure_line(record: Record) -> str:
    """Return outcome, status, size, time, URL and title or error in one line."""
    status = record.status if isinstance(record.status, int) else ""
    size = bytes_text(record.bytes) if isinstance(record.bytes, int) else ""
    took = "" if not hasattr(record.ms, "total") else seconds_text(record.ms.total / 1000)
    more = record.error if isinstance(record.error, str) else record.title
    line = f"{record.outcome:<10} {status!s:>3} {size:>8} {took:>8}  {record.url}"
    return printable(f"{line}  {more}" if isinstance(more, str) and more else line)


def printable(text: str) -> str:
    """Return *text* without what could steer a terminal or turn the line around."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def settings_line(options: Options, workers: int) -> str:
    """Return what was chosen for a run, in one line."""
    parts = [f"{options.mode}: {in_flight(options, workers)} in flight"]
    if options.mode in {"processes", "hybrid"}:
        kind = options.pool if options.mode == "hybrid" else "processes"
        parts.append(f"{workers} worker {kind}")
    if options.mode in {"async", "hybrid"}:
        parts.append(f"{options.loop} loop")
    way = Way.of(options)
    parts.append(f"transport {way.transport}")
    if way.proxy is not None:
        parts.append(f"proxy {way.proxy}")
    if way.http2:
        parts.append("HTTP/2 where offered")
    parts.append(f"timeout {options.timeout:g} s, {options.retries} retries")
    return ", ".join(parts)


def outcomes_text(outcomes: dict[str, int]) -> str:
    """Return counts by outcome, the most frequent first."""
    ordered = sorted(outcomes.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{count_text(count)} {name}" for name, count in ordered)


def summary(report: CrawlReport, options: Options, workers: int) -> str:
    """Return the closing summary of a run."""
    places = in_flight(options, workers)
    lines = [
        f"{report.mode}: {_records(report.records)} in {seconds_text(report.elapsed_s)}"
        + _rates(report),
        f"  outcomes  {outcomes_text(report.outcomes) or 'none'}"
        + (f"; {count_text(report.retries)} retries" if report.retries else ""),
    ]
    if (latency := report.latency_ms) is not None:
        times = (latency.p50, latency.p90, latency.p99, latency.max)
        named = zip(("p50", "p90", "p99", "max"), times, strict=True)
        lines.append("  latency   " + ", ".join(f"{n} {seconds_text(t / 1000)}" for n, t in named))
        spent = ", ".join(f"{ms:.3g} ms {name}" for name, ms in report.mean_ms.items())
        lines.append(f"  a page    {spent}")
    lines.append(f"  CPU       {_cpu(report)}")
    lines.append(
        f"  time      first record after {seconds_text(report.first_s)}; "
        f"{report.in_flight_mean:.3g} of {places} in flight on average"
    )
    lines.append(f"  limit     {report.bound}")
    if report.stopped is not None:
        where = report.resume_at
        rest = f"go on from {where.source} line {where.line}" if where else "every input was read"
        lines.append(f"  stopped   by {report.stopped}; {rest}")
    return "\n".join(lines)


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count_text(count)} records"


def _rates(report: CrawlReport) -> str:
    """Return pages and bytes a second; between fewer than two records there is no time."""
    span = report.last_s - report.first_s
    if not report.pages_per_s or span <= 0:
        return ""
    return f", {_rate(report.pages_per_s)} pages/s, {bytes_text(report.bytes / span)}/s"


def _rate(rate: float) -> str:
    return f"{rate:.3g}" if rate < 1000 else count_text(rate)


def _cpu(report: CrawlReport) -> str:
    whole = report.cpu_s or 1.0
    shares = ", ".join(f"{name} {cpu / whole:.0%}" for name, cpu in report.stages.items())
    each = report.cpu_s / max(report.records, 1) * 1000
    return f"{seconds_text(report.cpu_s)} in all, {each:.3g} ms a page: {shares}"

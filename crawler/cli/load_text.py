"""The summary of a load test, as people read it: what held it, what came back, how long it took."""

import textwrap
from collections.abc import Iterable, Sequence

from crawler.cli.load_tables import failures, shortened, steps, targets, times
from crawler.cli.units import bytes_text, count_text, seconds_text
from crawler.traffic.report import FoundMax, LoadReport

__all__ = ["WIDTH", "rate_text", "summary"]

#: Columns at most.
WIDTH = 100
_LABEL = 11


def summary(report: LoadReport, *, written: Sequence[str] = (), width: int = WIDTH) -> str:
    """Return the summary of a run, in at most *width* columns; *written* are names of files."""
    parts: list[list[str]] = [_first(report, width), _what_came(report, width)]
    parts.append(times(report) or ["  no request has a time: none was answered, none timed out"])
    if report.failed:
        parts.append(failures(report))
    if report.targets:
        parts.append(targets(report, width))
    if report.found is not None:
        parts.append(steps(report.found))
    parts.append(_account(report, written, width))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def rate_text(rate: float) -> str:
    """Return a rate, or another number, with three digits at least."""
    return f"{rate:.3g}" if rate < 100 else count_text(rate)


def _first(report: LoadReport, width: int) -> list[str]:
    """Return loop model and target; the target stands on its own line where it is long."""
    options = report.options
    parts = [report.loop_model]
    if options.workers > 1:
        parts.append(f"{options.workers} processes")
    if options.engine != "wire":
        parts.append(f"engine {options.engine}")
    if not options.keepalive:
        parts.append("a new one for each request")
    ends = [] if options.seconds is None else [_length(options.seconds)]
    if options.requests is not None:
        ends.append(f"{count_text(options.requests)} requests")
    if report.found is None:
        parts.append(" or ".join(ends))
    model = ", ".join(parts) + ":"
    if len(model) + 1 + len(report.target) <= width:
        return [f"{model} {report.target}"]
    return [*textwrap.wrap(model, width), f"  {shortened(report.target, width - 2)}"]


def _length(seconds: float) -> str:
    """Return a duration as it was asked for."""
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s" if seconds < 120 or seconds % 60 else f"{seconds / 60:g} min"


def _what_came(report: LoadReport, width: int) -> list[str]:
    entries = [("verdict", f"{report.verdict.word}: {report.verdict.sentence}")]
    if report.stopped is not None:
        entries.append(("stopped", f"by {report.stopped}; this is what was done until then"))
    if report.found is not None:
        entries.append(("found", _found(report.found)))
    entries.append(("requests", ", ".join(_requests(report))))
    entries.append(("outcomes", ", ".join(_outcomes(report)) or "none"))
    entries.append(
        (
            "rate",
            f"{rate_text(report.requests_per_s)} answers/s{_due(report)}, "
            f"{bytes_text(report.bytes_per_s)}/s in {seconds_text(report.window_s)}; "
            f"{report.in_flight_mean:.3g} in flight on average",
        )
    )
    return _entries(entries, width)


def _found(found: FoundMax) -> str:
    """Return the highest rate, and how sure it is."""
    tried = f"in {len(found.steps)} step{'s' * (len(found.steps) != 1)}"
    if found.edge == "lowest":
        return f"no rate meets {found.expect}, {tried}: not even {rate_text(found.high)}/s"
    if found.edge == "highest":
        return f"{rate_text(found.rate)}/s and all less meet {found.expect}, {tried}: no end found"
    knee = ""
    if found.knee is not None and found.knee.peak_per_s is not None:
        knee = (
            f"; by the Universal Scalability Law most is {rate_text(found.knee.peak_per_s)}/s, "
            f"with {found.knee.peak_in_flight:.3g} in flight"
        )
    return (
        f"{rate_text(found.rate)}/s meets {found.expect} (95 % interval {rate_text(found.low)} to "
        f"{rate_text(found.high)}/s), {tried}{knee}; what follows is of the best step"
    )


def _due(report: LoadReport) -> str:
    """Return the rate that an open loop was to have; of stages it is the mean."""
    if not report.options.is_open:
        return ""
    return f" of {rate_text(report.options.rate or report.scheduled / report.window_s)} due"


def _requests(report: LoadReport) -> list[str]:
    parts = [f"{count_text(report.sent)} sent"]
    if report.unsent:
        parts.insert(0, f"{count_text(report.scheduled)} due")
        parts.append(f"{count_text(report.unsent)} unsent, since no connection was free")
    if report.in_flight_at_end:
        parts.append(f"{count_text(report.in_flight_at_end)} in flight at the end")
    if report.warmup_sent:
        parts.append(f"{count_text(report.warmup_sent)} before in the warm-up, in no figure")
    return parts


def _outcomes(report: LoadReport) -> list[str]:
    good = {status: n for status, n in report.statuses.items() if int(status) < 400}
    bad = {status: n for status, n in report.statuses.items() if int(status) >= 400}
    counted: tuple[tuple[int, str, dict[str, int]], ...] = (
        (report.ok, "ok", good),
        (report.http_error, "http-error", bad),
        (report.network, "network", report.errors),
        (report.timeout, "timeout", {}),
    )
    return [f"{count_text(n)} {name}{_divided(more)}" for n, name, more in counted if n]


def _divided(counts: dict[str, int]) -> str:
    """Return counts by name, the most frequent first; one name needs no count."""
    if len(counts) < 2:
        return "".join(f" ({name})" for name in counts)
    ordered = sorted(counts.items(), key=lambda entry: -entry[1])
    return f" ({', '.join(f'{name}: {count_text(count)}' for name, count in ordered)})"


def _account(report: LoadReport, written: Sequence[str], width: int) -> list[str]:
    entries = [("generator", _generator(report))] if report.processes else []
    if report.server_requests is not None:
        entries.append(("server", _server(report)))
    for checked in report.expectations:
        mark = "met" if checked.met else "NOT MET"
        entries.append(("expected", f"{mark:<8} {checked.text}: found {checked.found}"))
    if written:
        entries.append(("written", ", ".join(written)))
    return _entries(entries, width)


def _generator(report: LoadReport) -> str:
    """Return what the load itself cost, and what it went by."""
    processes, sent = report.processes, report.sent + report.warmup_sent
    each = sum(process.cpu_s for process in processes) / max(sent, 1)
    shares = " and ".join(f"{process.cpu_share:.0%}" for process in processes[:4])
    shares += f" and {len(processes) - 4} more" * (len(processes) > 4)
    opened = sum(process.connections_opened for process in processes)
    memory = sum(process.memory_bytes for process in processes)
    parts = [
        f"{rate_text(each * 1e6)} us of CPU a request, {shares} of a core",
        f"{count_text(opened)} connection{'s' * (opened != 1)} opened"
        + _why_so_many(report, opened),
        f"{bytes_text(memory)} of memory",
    ]
    if report.options.is_open and any(process.timer == "call_later" for process in processes):
        parts.append("timetable good to 1 ms only (no timerfd here)")
    return ", ".join(parts)


def _why_so_many(report: LoadReport, opened: int) -> str:
    """Say that the server closes its connections, when it was not us who asked for new ones."""
    options = report.options
    ours = not options.keepalive or options.new_connections
    closes = opened > options.connections + (report.sent + report.warmup_sent) / 2
    return " (the server closes them)" if closes and not ours and not report.network else ""


def _server(report: LoadReport) -> str:
    counted, sent = report.server_requests or 0, report.sent + report.warmup_sent
    if counted == sent:
        return f"counted {count_text(counted)} requests, as many as were sent"
    off = f"{count_text(abs(counted - sent))} {'more' if counted > sent else 'fewer'}"
    return f"counted {count_text(counted)} requests, {off} than were sent"


def _entries(entries: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Return texts behind labels, a label that comes again left out."""
    lines: list[str] = []
    before = ""
    for label, text in entries:
        shown = "" if label == before else label
        lines += textwrap.wrap(
            text,
            width,
            initial_indent=f"{shown:<{_LABEL}}",
            subsequent_indent=" " * _LABEL,
            break_on_hyphens=False,
        )
        before = label
    return lines

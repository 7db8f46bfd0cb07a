"""The parts of the documents that kept load tests and the load tool's own constants make."""

import re
from collections.abc import Sequence
from pathlib import Path

from crawler.cli.exits import EXIT_CODES
from crawler.cli.load_text import summary as summed
from crawler.traffic import verdict
from crawler.traffic.closed_forms import queue_crossing, stall_ms
from crawler.traffic.comparison import compare, lines
from crawler.traffic.expectations import Expectation
from crawler.traffic.intervals import SHOWN, histogram_of
from crawler.traffic.job import ENGINES
from crawler.traffic.report import LoadReport, read

__all__ = [
    "EXPECTED", "FOLDER", "codes", "compared", "crossing", "engines", "needed", "report", "stalled",
    "summary", "terms", "verdicts",
]  # fmt: skip

FOLDER = Path(__file__).parent / "figures"

#: The stall of the kept runs, their latency and their length, in milliseconds.
STALL_MS, LATENCY_MS, LENGTH_MS = 1000.0, 10.0, 30_000.0
#: The service time of the kept search, and the limit of its p99, in milliseconds.
SERVICE_MS, LIMIT_MS = 2.0, 50.0
#: Answers slower than this have seen the stall.
SLOW_MS = 100.0
_NS = 1_000_000
#: What says in a list for all commands that a meaning is of this one.
_LOAD = re.compile(r".*load:? ")

#: What may be expected, and what each term means.
EXPECTED = {
    "p99<200ms": "The percentile of the response time; any one, such as `p50` or `p99.9`.",
    "service-p99<50ms": "The percentile of the service time.",
    "lag-p99<1ms": "The percentile of the generator's own lag.",
    "mean<20ms": "The mean response time; `min` and `max` as well.",
    "max<1s": "The slowest response.",
    "min>1ms": "The quickest response.",
    "errors<0.1%": "Requests that failed in any way, as a share of all that ended.",
    "http-errors<=1%": "Those that were answered with a status of 400 or more.",
    "timeouts<0.1%": "Those that took longer than `-t`.",
    "unsent<=0": "Those that were due and never left, as a share of all that were due.",
    "rate>=500/s": "Answers a second.",
    "rate>99%": "The same, as a share of the rate that was asked for.",
}


def report(name: str) -> LoadReport:
    """Return the kept report of that name."""
    return read((FOLDER / f"{name}.json").read_bytes())


def summary(name: str) -> str:
    """Return the summary of a kept report as `crawl load` shows it."""
    return f"```text\n{summed(report(name))}\n```\n"


def compared(old: str, new: str) -> str:
    """Return what `crawl compare` says of two kept reports."""
    found = "\n".join(lines(compare(report(old), report(new))))
    return f"```text\n{found}\n```\n"


def stalled() -> str:
    """Return the figures of the two loops that met the same stall, side by side."""
    loops = [report("stall-closed"), report("stall-open")]
    rows = [
        ["requests", *(_count(loop.sent) for loop in loops), ""],
        [f"slower than {SLOW_MS:g} ms", *(_count(_slow(loop)) for loop in loops), ""],
    ]
    for q in (0.5, 0.9, 0.99, 0.999):
        true = max(LATENCY_MS, stall_ms(q, STALL_MS + LATENCY_MS, LENGTH_MS))
        rows.append([f"p{100 * q:g}", *(_ms(loop.response.ms(q)) for loop in loops), _ms(true)])
    worst = [_ms(loop.response.max_ms) for loop in loops]
    rows.append(["max", *worst, _ms(STALL_MS + LATENCY_MS)])
    rows.append(["verdict", *(loop.verdict.word for loop in loops), ""])
    heads = ["response time", "closed, 10 connections", "open, 500/s", "open, by arithmetic"]
    return _grid(heads, rows, right=3)


def verdicts() -> str:
    """Return the rules of the verdict, the first that applies first."""
    rule = verdict
    busy = (
        f"A generator process was busy for {rule.BUSY:.0%} of a core or more; or, in a closed "
        f"loop, {rule.UNUSED:.0%} of the connections or more were not in use; or it waited for "
        f"a core for {rule.QUEUED:.0%} of the time; or once stood still for {rule.STALL_MS:g} ms; "
        f"or its "
        f"lag at p50, p90 or p99 is more than {rule.LATE_MS:g} ms and more than "
        f"{rule.LATE_SHARE:.0%} of the response time there; or Little's law is off by more than "
        f"{rule.RESIDUAL:.0%}."
    )
    behind = f"{rule.BEHIND:.0%}"
    rows = [
        ["`generator-limited`", busy,
         "Do not use the figures. Free a core, take `-w 2`, ask for less; then run again."],
        ["`too-few-samples`", f"Fewer than {_count(rule.SAMPLES)} times were counted.",
         "Run longer (`-z`) or ask for more (`-n`)."],
        ["`kept-up`", f"Open loop: at most {behind} of the requests left late for want of a "
         f"connection, and at most {behind} of what was due was not answered in the time.",
         "The figures are the server's at this rate."],
        ["`schedule-limited`", f"Open loop: more than {behind} left late for want of a connection, "
         f"and the median service time is below {rule.GROWN:g} times what it was at first.",
         "Give more connections (`-c`); the sentence says how many."],
        ["`server-limited`", "Open loop: all other cases, so the server fell behind. Closed loop: "
         "always, since a closed loop goes as fast as the server lets it.",
         "The figures are the server's; open loop: this is more than it can take."],
    ]  # fmt: skip
    return _grid(["word", "when", "what to do"], rows)


def needed() -> str:
    """Return how many answers each percentile needs."""
    rows = [[f"p{100 * q:.6g}", _count(10 / (1 - q))] for q in SHOWN]
    return _grid(["percentile", "answers needed"], rows, right=2)


def terms() -> str:
    """Return what may be expected; raises OptionsError for a row that cannot be read."""
    rows = [[f"`{Expectation.parse(text)}`", meaning] for text, meaning in EXPECTED.items()]
    return _grid(["expectation", ""], rows)


def codes() -> str:
    """Return the exit codes that `crawl load` can end with."""
    own = {code: _LOAD.sub("", text) for code, text in EXIT_CODES.items() if code != 3}  # a crawl's
    return _grid(["code", ""], [[str(code), own[code]] for code in sorted(own)])


def crossing() -> str:
    """Return what the kept search found, beside what is known of such a queue (M/M/1)."""
    found = report("find-max").found
    assert found is not None
    assert found.knee is not None
    full = 1000 / SERVICE_MS
    interval = f"{found.low:.0f}–{found.high:.0f}"
    true = queue_crossing(0.99, full, LIMIT_MS)
    rows = [
        [f"highest rate with {found.expect}", f"{found.rate:.0f} ({interval})", f"{true:.0f}"],
        ["most that it answers", f"{found.knee.peak_per_s or 0:.0f}", f"{full:.0f}"],
    ]
    return _grid(["requests/s", "found", "by arithmetic"], rows, right=2)


def engines() -> str:
    """Return what each engine got from the same server."""
    rows = []
    for name in ENGINES:
        one = report(f"engine-{name}")
        cpu = sum(process.cpu_s for process in one.processes) / (one.sent + one.warmup_sent)
        rows.append([
            f"`{name}`", str(one.options.connections), _count(one.requests_per_s),
            _ms(one.response.ms(0.5)), _ms(one.response.ms(0.99)), _count(cpu * 1e6),
            one.verdict.word,
        ])  # fmt: skip
    heads = ["engine", "connections", "answers/s", "p50 ms", "p99 ms", "CPU µs a request"]
    return _grid([*heads, "verdict"], rows, right=5)


def _slow(loop: LoadReport) -> float:
    return loop.response.count * histogram_of(loop.response).share_above(round(SLOW_MS * _NS))


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """Return a table whose second and next columns, *right* of them, are of numbers."""
    rule = ["--:" if 1 <= place <= right else ":--" for place in range(len(heads))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, rule, *rows))

"""Make a report of a run that never was, for tests that read one."""

from itertools import accumulate

from crawler.core.histogram import Histogram
from crawler.traffic.intervals import distribution
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import LoadReport, Slice, Verdict

EMPTY = distribution(Histogram())
TRUSTED = Verdict("server-limited", "the server is the limit")


def distribution_of(samples_ms):
    histogram = Histogram()
    histogram.record_all([round(ms * 1e6) for ms in samples_ms])
    return distribution(histogram)


def report_of(samples_ms, *, slices=40, failures=(), **fields):
    """Return the report of a closed loop on one connection whose answers took *samples_ms*.

    *failures* are indexes of samples at whose end a request failed at once.  *fields* replace
    those of the report.
    """
    samples_ms = list(samples_ms)
    ends = list(accumulate(ms / 1000 for ms in samples_ms))
    window = ends[-1] if ends else 1.0
    placed = [min(int(end / window * slices), slices - 1) for end in ends]
    parts: list[list[float]] = [[] for _ in range(slices)]
    for place, ms in zip(placed, samples_ms, strict=True):
        parts[place].append(ms)
    failed = [0] * slices
    for index in failures:
        failed[placed[index]] += 1
    count, bad = len(samples_ms), sum(failed)
    whole = {
        "version": "0", "started_at": "2026-01-01T00:00:00Z",
        "options": LoadOptions(connections=1), "target": "http://127.0.0.1/", "targets": (),
        "window_s": window,
        "scheduled": count + bad, "sent": count + bad, "unsent": 0, "ok": count, "http_error": 0,
        "network": bad, "timeout": 0, "in_flight_at_end": 0, "warmup_sent": 0,
        "statuses": {"200": count} if count else {}, "errors": {"reset": bad} if bad else {},
        "requests_per_s": count / window, "bytes_per_s": 0.0,
        "response": distribution_of(samples_ms), "service": EMPTY, "lag": EMPTY, "wait": EMPTY,
        "connect": EMPTY, "failed": {}, "in_flight_mean": 1.0, "processes": (),
        "verdict": TRUSTED,
        "series": tuple(
            _slice(place * window / slices, window / slices, part, lost)
            for place, (part, lost) in enumerate(zip(parts, failed, strict=True))
        ),
    }  # fmt: skip
    return LoadReport(**(whole | fields))


def _slice(at_s, seconds, samples_ms, failed):
    ranked = sorted(samples_ms)
    count = len(ranked)
    return Slice(
        at_s=at_s, seconds=seconds, sent=count + failed, ok=count, http_error=0, network=failed,
        timeout=0, in_flight=1.0,
        p50_ms=ranked[(count - 1) // 2] if count else None,
        p99_ms=ranked[(count * 99 - 1) // 100] if count else None,
        max_ms=ranked[-1] if count else None, lag_ms=0.0,
    )  # fmt: skip

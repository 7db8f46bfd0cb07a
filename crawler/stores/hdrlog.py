"""Write histograms as text that HdrHistogram's own tools read, and read them back."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from crawler.core.histogram import DIGITS, HOUR_NS, Histogram, greatest

__all__ = ["decoded", "encoded", "hdr_log"]

_MS = 1e6  # nanoseconds; a log names the greatest value in milliseconds


def encoded(histogram: Histogram) -> str:
    """Return the histogram in HdrHistogram's V2 form, compressed, in base64."""
    from hdrh.histogram import HdrHistogram  # when asked: it takes a while to import

    library = HdrHistogram(1, HOUR_NS, DIGITS)
    counts = histogram.sparse()
    for index, count in counts.items():
        library.counts[index] = count
    if counts:
        library.max_value = greatest(max(counts))
    library.total_count = sum(counts.values())
    text: str = library.encode().decode("ascii")
    return text


def decoded(text: str) -> Histogram:
    """Return the histogram in *text*; the sum and the extremes are those of the buckets' tops.

    Raises ValueError for what is none, or has other buckets than ``encoded`` gives it.
    """
    from hdrh.codec import HdrCookieException, HdrLengthException
    from hdrh.histogram import HdrHistogram

    try:
        library = HdrHistogram.decode(text)
    except (HdrCookieException, HdrLengthException, TypeError, ValueError, zlib.error):
        raise ValueError("no histogram in HdrHistogram's V2 form") from None
    settings = (
        library.lowest_trackable_value,
        library.highest_trackable_value,
        library.significant_figures,
    )
    if settings != (1, HOUR_NS, DIGITS):
        raise ValueError(f"a histogram from 1 ns to an hour with {DIGITS} digits is needed")
    histogram = Histogram()
    histogram.add_sparse({index: n for index, n in enumerate(library.counts[:]) if n})
    return histogram


def hdr_log(started_epoch_s: float, seconds: float, tagged: Mapping[str, str]) -> str:
    """Return a log in HdrHistogram's format 1.3: one interval, a line for each tag.

    *tagged* has encoded histograms.  Times of the lines are seconds since the start, the
    greatest value is in milliseconds.
    """
    started = datetime.fromtimestamp(started_epoch_s, UTC).isoformat(" ", "milliseconds")
    head = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {started_epoch_s:.3f} (seconds since epoch), {started}]",
        f"#[BaseTime: {started_epoch_s:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    intervals = [
        f"Tag={tag},0.000,{seconds:.3f},{decoded(text).most / _MS:.3f},{text}"
        for tag, text in tagged.items()
    ]
    return "".join(f"{line}\n" for line in head + intervals)

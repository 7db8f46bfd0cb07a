"""Crawl pages with the faults of the test server, and keep what each came to and the memory."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.meter import memory_of_all
from crawler import Options, Record, crawl

__all__ = ["FAULTS", "IN_FLIGHT", "WORKERS", "Crawled", "Page", "crawled", "urls_of"]

#: What a reader calls a fault, and what the server is asked for (docs/test-server.md).
FAULTS = {
    "reset at once": "fault=reset",
    "reset in headers": "fault=reset-headers",
    "reset in body": "fault=reset-body",
    "body cut short": "fault=truncate",
    "body never ends": "fault=longer",
    "no HTTP": "fault=garbage",
    "bad status line": "fault=bad-status-line",
    "bad header": "fault=bad-header",
    "endless headers": "fault=header-flood",
    "bad chunk": "fault=bad-chunk",
    "endless body": "fault=endless",
    "body of 30 MB": "size=30MB",
    "bomb of 100 MB": "bomb=100MB&encode=gzip",
    "silence": "fault=hang",
    "nothing read": "fault=mute",
    "byte by byte": "drip=50ms",
    "status 503": "status=503",
    "redirects in a ring": "ring=3",
}
IN_FLIGHT, WORKERS = 16, 2
GOOD = 3  # good pages before each fault
LOOK = 0.02  # seconds between two looks at the memory


class Page(NamedTuple):
    """What a URL came to; ``fault`` is empty for a good page."""

    url: str
    fault: str
    outcome: str
    digest: str
    ms: float


class Crawled(NamedTuple):
    """The pages of a crawl, and the most memory (PSS) that it took, workers included."""

    pages: list[Page]
    megabytes: float


def urls_of(site: str, faults: Sequence[str]) -> dict[str, str]:
    """Return each URL with its fault, good pages between the bad ones."""
    urls: dict[str, str] = {}
    for number, fault in enumerate(faults):
        first = number * (GOOD + 1)
        urls |= {f"{site}/p/{first + good}": "" for good in range(GOOD)}
        urls[f"{site}/p/{first + GOOD}?{FAULTS[fault]}"] = fault
    return urls


def crawled(urls: Mapping[str, str], mode: str) -> Crawled:
    """Crawl with short deadlines, a megabyte for a page and no second attempt."""
    pages: list[Page] = []

    def keep(record: Record) -> None:
        ms = getattr(record.ms, "total", 0.0)
        pages.append(Page(record.url, urls[record.url], record.outcome, str(record.sha256), ms))

    options = Options(
        mode=mode, concurrency=IN_FLIGHT, workers=WORKERS, timeout=2.0, read_timeout=1.0,
        max_bytes=1_000_000, retries=0,
    )  # fmt: skip
    with _memory() as seen:
        crawl(list(urls), options, on_record=keep)
    return Crawled(pages, max(seen) / 1e6)


@contextlib.contextmanager
def _memory() -> Iterator[list[int]]:
    """Look at the memory again and again while inside."""
    seen, done = [memory_of_all()], threading.Event()

    def look() -> None:
        while not done.wait(LOOK):
            with contextlib.suppress(OSError):  # a worker has just ended
                seen.append(memory_of_all())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()

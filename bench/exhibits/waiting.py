"""Hold so many pages in flight in a crawl of its own, and read what memory that takes."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cell import BenchError, environment
from bench.meter import memory_of
from bench.stand import Stand

__all__ = ["memory_in_flight", "until"]

PATIENCE = 60.0  # seconds for all requests to be under way; it takes a tenth of it
LOOK = 0.02


def memory_in_flight(stand: Stand, mode: str, pages: int) -> int:
    """Return the PSS in bytes of a crawl and its workers while so many requests are open.

    The server reads each request and never answers it.  Raises BenchError if it does not get
    them all.
    """
    stand.write_list("waiting", pages, "/p/{}?fault=hang".format)
    places = ["-w", str(pages)] if mode == "processes" else ["-c", str(pages), "-w", "2"]
    with _crawling(["--mode", mode, *places, str(stand.lists["waiting"])]) as crawl:
        until(lambda: stand.running.truth()["in_flight"] >= pages, f"{pages} in flight in {mode}")
        memory = sum(memory_of(pid) for pid in _family(crawl.pid))
    until(lambda: stand.running.truth()["in_flight"] == 0, "an idle server")
    return memory


def until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until it is true; raises BenchError when patience is at an end."""
    ends = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > ends:
            raise BenchError(f"{what}: that never came about")
        time.sleep(LOOK)


@contextmanager
def _crawling(words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program that users run, and end it; its workers end by themselves."""
    limits = ["--timeout", "1h", "--read-timeout", "1h", "--retries", "0", "-o", "/dev/null"]
    with subprocess.Popen(
        [sys.executable, "-m", "crawler", *limits, *words],
        stderr=subprocess.DEVNULL, env=environment(),
    ) as crawl:  # fmt: skip
        try:
            yield crawl
        finally:
            crawl.kill()


def _family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    return [pid, *(one for child in children for one in _family(child))]

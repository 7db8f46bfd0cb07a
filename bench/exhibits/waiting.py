"""Hold pages in flight in a crawl of its own; read what memory that takes, or make it stop."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cell import BenchError, environment
from bench.meter import memory_of
from bench.stand import Stand

__all__ = ["memory_in_flight", "stopped"]

PATIENCE = 60.0  # seconds for all requests to be under way; it takes a tenth of it
LOOK = 0.02
PAUSE = 0.5  # between two signals; two at once would be one


def memory_in_flight(stand: Stand, mode: str, pages: int) -> int:
    """Return the PSS in bytes of a crawl and its workers while so many requests are open.

    The server reads each request and never answers it.  Raises BenchError if it does not get
    them all.
    """
    with _in_flight(stand, mode, pages) as crawl:
        return sum(memory_of(pid) for pid in _family(crawl.pid))


def stopped(stand: Stand, mode: str, pages: int) -> tuple[float, int]:
    """Tell a crawl with so many requests open to stop, and then at once.

    Return the seconds from the second time to its end, and how many records it has written.
    """
    output = stand.folder / "stopped.jsonl"
    with _in_flight(stand, mode, pages, "-o", str(output)) as crawl:
        crawl.send_signal(signal.SIGINT)
        time.sleep(PAUSE)
        began = time.monotonic()
        crawl.send_signal(signal.SIGINT)
        # Waiting with a timeout would look every 50 ms only.
        with _at_last(crawl.kill):
            crawl.wait()
        seconds = time.monotonic() - began
    if crawl.returncode == -signal.SIGKILL:
        raise BenchError(f"{mode} did not stop when it was told to")
    return seconds, len(output.read_bytes().splitlines())


def _until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until it is true; raises BenchError when patience is at an end."""
    ends = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > ends:
            raise BenchError(f"{what}: that never came about")
        time.sleep(LOOK)


@contextmanager
def _in_flight(
    stand: Stand, mode: str, pages: int, *more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program that users run, go on when all is in flight, and end it afterwards."""
    stand.write_list("waiting", pages, "/p/{}?fault=hang".format)
    places = ["-w", str(pages)] if mode == "processes" else ["-c", str(pages), "-w", "2"]
    patient = ["--timeout", "1h", "--read-timeout", "1h", "--retries", "0", "-o", "/dev/null"]
    words = ["--mode", mode, *places, *patient, *more, str(stand.lists["waiting"])]
    with subprocess.Popen(
        [sys.executable, "-m", "crawler", *words], stderr=subprocess.DEVNULL, env=environment()
    ) as crawl:
        try:
            _until(lambda: stand.running.truth()["in_flight"] >= pages, f"all in flight in {mode}")
            yield crawl
        finally:
            crawl.kill()  # its workers end by themselves
    _until(lambda: stand.running.truth()["in_flight"] == 0, "an idle server")


@contextmanager
def _at_last(end: Callable[[], object]) -> Iterator[None]:
    """Call *end* if what is done inside takes longer than all patience."""
    timer = threading.Timer(PATIENCE, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    return [pid, *(one for child in children for one in _family(child))]

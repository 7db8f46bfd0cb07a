"""Truth of what the command costs: its memory on a long run, and its live screen."""

import contextlib
import os
import pty
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.cell import BenchError, environment
from bench.load import PAGE
from bench.load_contest import Look, judged
from bench.meter import cpu_of_family
from bench.nginx import CONNECTIONS, Count, Page, counter
from bench.rounds import say
from bench.tools import Said
from bench.truth_ground import Ledger, their_server
from bench.truth_results import Live, Memory
from bench.truth_scale import Scale
from crawler import LoadReport

__all__ = ["Started", "live", "memory", "memory_of_family", "started"]

TINY = b"ok"
OFTEN = 0.1  # seconds between two looks at memory
LOOKS = 100  # that are kept
SETTLED = 0.5  # seconds after the first request at which the cost of the screen is looked at first
PATIENCE = 30.0
_SIZES = ("VmRSS:", "VmHWM:")


@dataclass(frozen=True)
class Started:
    """The command as it runs; `report` reads its report once it has ended well."""

    child: subprocess.Popen[bytes]
    report: Callable[[], LoadReport]
    shown: Callable[[], int]


@contextlib.contextmanager
def started(words: Sequence[str]) -> Iterator[Started]:
    """Run `crawl load` with these *words*, its standard error a terminal."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as reading:
        path = Path(folder) / "report.json"
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "-m", "crawler", "load", *words, "-o", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
            env={**environment(), "TERM": "xterm", "COLUMNS": "100"},
        )  # fmt: skip
        os.close(theirs)
        screen = reading.submit(_all_of, ours)

        def report() -> LoadReport:
            status = child.wait(PATIENCE)
            if status:
                end = screen.result().decode(errors="replace").strip()[-300:]
                raise BenchError(f"crawl load ended with {status}: {end or 'it said nothing'}")
            return msgspec.json.decode(path.read_bytes(), type=LoadReport)

        try:
            yield Started(child, report, lambda: len(screen.result()))
        finally:
            child.kill()
            child.wait()


def _all_of(terminal: int) -> bytes:
    """Return what is shown until all who write have closed it."""
    shown = b""
    try:
        while piece := os.read(terminal, 65_536):
            shown += piece
    except OSError:
        pass  # so Linux says that they have
    finally:
        os.close(terminal)
    return shown


def memory(scale: Scale) -> Memory:
    """Ask nginx for a tiny page very often, and look at the memory of all processes."""
    wanted, ledger = scale.requests, Ledger()
    looks: list[tuple[int, int]] = []
    most = 0
    with their_server(TINY) as page, counter(page) as count:
        words = [page.url, "-n", f"{wanted}", "-c", f"{CONNECTIONS}", "--no-live"]
        before = count().requests
        with started(words) as running:
            while running.child.poll() is None:
                done = count().requests - before
                with contextlib.suppress(OSError):  # one of them has just ended
                    resident, peak = memory_of_family(running.child.pid)
                    most = max(most, peak)
                    # When all are done the processes end, and memory tells nothing any more.
                    if wanted * len(looks) / LOOKS <= done < wanted:
                        looks.append((done, resident))
                        _tell(looks, wanted)
                time.sleep(OFTEN)
            report = ledger.add(running.report(), count().requests - before)
    if not looks:
        raise BenchError(f"{wanted} requests were over before memory was looked at")
    return Memory(
        ran=ledger.ran(), requests=wanted, requests_per_s=report.requests_per_s, peak=most,
        looks=looks,
    )  # fmt: skip


def _tell(looks: Sequence[tuple[int, int]], wanted: int) -> None:
    if len(looks) % 10 == 1:
        done, size = looks[-1]
        say(f"memory: {done} of {wanted}: {size / 1e6:.1f} MB")


def memory_of_family(pid: int) -> tuple[int, int]:
    """Return the resident bytes of a process and its descendants, now and at most, each added up.

    What two share counts twice.  Raises OSError when one has ended.
    """
    now = most = 0
    for one in _family(pid):
        status = Path(f"/proc/{one}/status").read_text(encoding="ascii", errors="replace")
        sizes = dict(line.split()[:2] for line in status.splitlines() if line.startswith(_SIZES))
        if len(sizes) == len(_SIZES):  # else it has ended and waits for its parent
            now += 1024 * int(sizes["VmRSS:"])
            most += 1024 * int(sizes["VmHWM:"])
    return now, most


def _family(pid: int) -> Iterator[int]:
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text(encoding="ascii").split():
            yield from _family(int(child))


def live(scale: Scale) -> Live:
    """Run the command in pairs, with its live screen and without, on a terminal."""
    ledger = Ledger()
    cost: dict[str, list[float]] = {"--live": [], "--no-live": []}
    shown = []
    with their_server(PAGE) as page:
        for number in range(scale.screens):
            for flag in random.Random(number).sample(list(cost), len(cost)):
                cpu, written = _with(flag, page, scale.screen_s, ledger)
                cost[flag].append(cpu)
                if flag == "--live":
                    shown.append(written)
                say(f"live: {number + 1} of {scale.screens}: {flag}: {1e6 * cpu:.2f} µs")
    return Live(
        ran=ledger.ran(), with_screen=cost["--live"], without=cost["--no-live"], shown=shown
    )


def _with(flag: str, page: Page, seconds: float, ledger: Ledger) -> tuple[float, int]:
    """Return the CPU of a request between two looks, and the bytes that the screen wrote."""
    words = [page.url, "-c", f"{CONNECTIONS}", "-z", f"{2 * SETTLED + seconds:g}s", flag]
    with counter(page) as count, started(words) as running:
        before = count().requests
        until = time.monotonic() + PATIENCE
        while count().requests == before:
            if running.child.poll() is not None or time.monotonic() > until:
                running.report()  # which says why
                raise BenchError("crawl load asked for nothing")
            time.sleep(OFTEN / 10)
        seen = []
        for pause in (SETTLED, seconds):
            time.sleep(pause)
            seen.append(_look(running, count, page))
        report = ledger.add(running.report())
        said = Said(report.ok, report.failures)
        turn = judged("crawl load", 0.0, seen, count(), said)
        return turn.cpu, running.shown()


def _look(running: Started, count: Callable[[], Count], page: Page) -> Look:
    try:
        cpu = cpu_of_family(running.child.pid)
    except OSError:
        raise BenchError("crawl load ended before the last look") from None
    return Look(time.monotonic(), count(), cpu, cpu_of_family(page.pid))

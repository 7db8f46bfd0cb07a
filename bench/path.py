"""Where the CPU of a page goes on the loop of async and of hybrid: samples of what was running."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import FrameType

import msgspec

from bench.ceiling import ceiling
from bench.cell import BenchError, environment
from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say, warm_up
from bench.spread import spread
from bench.stand import Stand, set_up
from crawler import Options, crawl

__all__ = ["FULL", "QUICK", "PathResults", "PathRun", "Scale", "measure", "step_of", "tables"]

MODES = ("async", "hybrid")
IN_FLIGHT = 50
DIFFERENT = 1000
EVERY = 0.001  # seconds of CPU; the system may round it up

#: Steps of a page in their order, and the files whose code they are; the first that fits.
STEPS = {
    "decide what is next: frontier, retries, records' fields": ("crawler/core/",),
    "tasks, queues, the mode": (
        "crawler/modes/",
        "crawler/system/",
        "/asyncio/",
        "crawler/compose",
    ),
    "httpx's request and response": ("/httpx/",),
    "fetch stage": ("crawler/stages/fetch",),
    "read the answer: llhttp": ("crawler/wire/http1",),
    "send and receive": ("crawler/wire/connection",),
    "wire: pool, timings, body": ("crawler/wire/",),
    "content codings and charset": ("crawler/stages/decode", "crawler/stages/charset"),
    "parse: Lexbor, title, text": ("crawler/stages/parse", "/selectolax/"),
    "links: WHATWG resolution": ("/ada_url/", "crawler/stages/links"),
    "digests and text": ("crawler/stages/digest",),
    "analyse, the rest": ("crawler/stages/analyse",),
    "line of JSON": ("crawler/stages/write", "crawler/core/record", "crawler/core/entry"),
    "write blocks": ("crawler/stores/", "/aiofiles/"),
    "to the workers and back": ("/concurrent/", "/multiprocessing/"),
}
LOOP = "the loop: epoll, callbacks, reading sockets"
REST = "everything else"
THREADS = "other threads: pickling, pipes, files"


@dataclass(frozen=True)
class Scale:
    """How many pages in one run, and how often."""

    pages: int
    rounds: int


FULL = Scale(pages=30_000, rounds=3)
QUICK = Scale(pages=2000, rounds=1)


class PathRun(msgspec.Struct, kw_only=True, frozen=True):
    """CPU seconds a page by step on the thread of the loop, in other threads and in workers."""

    mode: str
    pages: int
    ok: int
    pages_per_s: float
    steps: dict[str, float]
    threads: float
    workers: dict[str, float]


class PathResults(Kept, kw_only=True, frozen=True):
    """All runs of both modes."""

    cells: list[PathRun]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if a run missed pages."""
        for one in self.cells:
            if one.ok != one.pages:
                raise BenchError(f"not kept: {one.mode} has {one.ok} pages instead of {one.pages}")


def measure(scale: Scale = FULL) -> PathResults:
    """Crawl pages of 30 kB with 60 links in both modes; raises BenchError."""
    with set_up(size="30kB", links=60, pages=DIFFERENT) as stand:
        stand.write_list("pages", scale.pages, lambda number: f"/p/{number % DIFFERENT}")
        stand.write_list("different", DIFFERENT, lambda number: f"/p/{number}")
        warm_up(stand, ["different"])
        most = ceiling(stand, "different")
        found = []
        for number in range(scale.rounds):
            for mode in random.Random(number).sample(MODES, len(MODES)):
                found.append(_run(stand, mode, scale.pages))
                say(f"{len(found)} of {2 * scale.rounds}: {mode}")
    return PathResults(
        name="path",
        machine=machine(),
        how=[
            f"Pages of 30 kB with 60 links, {IN_FLIGHT} in flight, 0 ms latency; crawl and server "
            "share all cores.",
            "CPU µs a page: the thread of the loop is looked at again and again, as its CPU time "
            "goes on, and what passed since the last look counts for the code that runs.",
            f"Medians of {scale.rounds} runs in shuffled rounds.",
        ],
        settings={},
        ceiling_per_s=most,
        cells=found,
    )


def tables(results: PathResults) -> list[Table]:
    """Return one table: a row for each step, a column for each mode."""
    rows = []
    for step in (LOOP, *STEPS, REST):
        cells = [_microseconds(results, mode, step) for mode in MODES]
        if any(cells):
            rows.append([step, *cells])
    rows.append([THREADS, *(_median(results, mode, "threads") for mode in MODES)])
    rows += [
        [f"in the workers: {stage}", "", _in_workers(results, stage)]
        for stage in ("analyse", "write")
    ]
    return [
        Table(
            title="Where the CPU of a page goes",
            columns=("step", *MODES),
            rows=rows,
            left=frozenset({"step"}),
            notes=results.notes,
        )
    ]


def step_of(path: str) -> str:
    """Return the step that the code in the file *path* belongs to."""
    if path.endswith("asyncio/runners.py"):
        return LOOP
    exact = (step for step, parts in STEPS.items() if any(part in path for part in parts[1:]))
    first = (step for step, parts in STEPS.items() if parts[0] in path)
    return next(exact, next(first, REST))


def _microseconds(results: PathResults, mode: str, step: str) -> str:
    found = [one.steps.get(step, 0.0) for one in results.cells if one.mode == mode]
    return f"{1e6 * median(found):.0f}" if any(found) else ""


def _median(results: PathResults, mode: str, field: str) -> str:
    return f"{1e6 * median(getattr(one, field) for one in results.cells if one.mode == mode):.0f}"


def _in_workers(results: PathResults, stage: str) -> str:
    found = (one.workers[stage] for one in results.cells if one.mode == "hybrid")
    return spread(found).text(scale=1e6)


def _run(stand: Stand, mode: str, pages: int) -> PathRun:
    done = subprocess.run(
        [sys.executable, "-m", "bench.path", mode, str(stand.lists["pages"]), str(pages)],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{mode} ended with {done.returncode}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=PathRun)


@contextmanager
def _sampled() -> Iterator[Counter[str]]:
    """Add up the CPU seconds of the main thread by the file whose code was running."""
    spent: Counter[str] = Counter()
    last = time.thread_time()

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.thread_time()
        if frame is not None:
            spent[frame.f_code.co_filename] += now - last  # type: ignore[assignment]
        last = now

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield spent
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Crawl a list in this fresh interpreter, and print where its CPU went as the last line."""
    mode, source, pages = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder, "pages.jsonl"))
        options = Options(mode=mode, concurrency=IN_FLIGHT, output=output)
        with _sampled() as spent:
            whole = time.process_time() - time.thread_time()
            report = crawl(source, options)
            whole = time.process_time() - time.thread_time() - whole
    steps: Counter[str] = Counter()
    for path, seconds in spent.items():
        steps[step_of(path)] += seconds / pages  # type: ignore[assignment]
    run = {
        "mode": mode,
        "pages": pages,
        "ok": report.outcomes.get("ok", 0),
        "pages_per_s": report.pages_per_s,
        "steps": dict(steps),
        "threads": whole / pages,
        "workers": {name: seconds / pages for name, seconds in report.stages.items()},
    }
    print(json.dumps(run))


if __name__ == "__main__":
    main()

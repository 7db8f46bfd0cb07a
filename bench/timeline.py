"""One timeline of the same 50 pages in each mode: what overlaps, what computes, what only waits."""

import hashlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from bench.ceiling import ceiling
from bench.cell import BenchError, environment
from bench.lanes import Lane, Span, crossing, length, most_at_once, read
from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say, warm_up
from bench.spread import spread
from bench.stand import Stand, set_up
from crawler import MODES, Options, Record, crawl

__all__ = [
    "COMPUTING", "FULL", "QUICK", "Scale", "TimelineResults", "TimelineRun", "measure", "run_of",
    "tables",
]  # fmt: skip

PAGES, IN_FLIGHT, WORKERS, LATENCY = 50, 8, 2, "20ms"
COMPUTING = frozenset({"analyse", "line", "write"})
WAITING = frozenset({"connect", "wait", "body"})


@dataclass(frozen=True)
class Scale:
    """How often each mode crawls the pages."""

    rounds: int


FULL = Scale(rounds=5)
QUICK = Scale(rounds=1)


class TimelineRun(msgspec.Struct, kw_only=True, frozen=True):
    """One crawl, from its first span to its last, without the start of its workers.

    ``overlap`` is the sum of what the lanes did, ``computing`` of what they computed, ``cpu`` of
    the CPU seconds that the report gives to stages, each over ``seconds``.  ``waiting`` is the
    share of the time in which no lane computed and at least one waited for the network.
    ``lanes`` are kept of the run in the middle only, in nanoseconds since its first span.
    """

    mode: str
    ok: int
    digest: str
    seconds: float
    overlap: float
    computing: float
    cpu: float
    waiting: float
    most: int
    lanes: list[Lane] = []

    @property
    def pages_per_s(self) -> float:
        """How fast it was."""
        return self.ok / self.seconds


class TimelineResults(Kept, kw_only=True, frozen=True):
    """All runs of all modes."""

    cells: list[TimelineRun]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if runs did not do the same, or a lane overlaps itself."""
        for one in self.cells:
            if one.ok != PAGES or one.digest != self.cells[0].digest:
                raise BenchError(f"not kept: {one.mode} did not do the same as the others")
            if any(crossing(lane.spans) for lane in one.lanes):
                raise BenchError(f"not kept: a lane of {one.mode} overlaps itself")


def measure(scale: Scale = FULL) -> TimelineResults:
    """Crawl 50 pages of 30 kB with 60 links in all modes; raises BenchError."""
    with set_up(size="30kB", links=60, pages=PAGES) as stand:
        stand.write_list("pages", PAGES, lambda number: f"/p/{number}?latency={LATENCY}")
        stand.write_list("at once", PAGES, lambda number: f"/p/{number}")
        warm_up(stand, ["at once"])
        most = ceiling(stand, "at once")
        found = []
        for number in range(scale.rounds):
            for mode in random.Random(number).sample(MODES, len(MODES)):
                found.append(_run(stand, mode))
                say(f"{len(found)} of {scale.rounds * len(MODES)}: {mode}")
    return TimelineResults(
        name="timeline",
        machine=machine(),
        how=[
            f"{PAGES} pages of 30 kB with 60 links, each after {LATENCY.removesuffix('ms')} ms; "
            f"{IN_FLIGHT} in flight where the mode has a choice, {WORKERS} worker processes; "
            "crawl and server share all cores.",
            f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest, "
            "from the first span to the last; the start of workers is not counted.",
            "`overlap`: what all lanes did, waiting included, over the time; `computing`: the "
            "same of analysing and writing; `CPU`: seconds of CPU a second, fetching included.",
            "`only waiting`: the share of the time in which nothing was computed.",
        ],
        settings={"pages": PAGES},
        ceiling_per_s=most,
        cells=list(_thinned(found)),
    )


def run_of(mode: str, lanes: list[Lane], digests: Iterable[str], cpu_s: float) -> TimelineRun:
    """Return what *lanes* say of one crawl whose stages took *cpu_s* of CPU."""
    spans = [span for lane in lanes for span in lane.spans]
    first, last = min(span.began for span in spans), max(span.ended for span in spans)
    wall = last - first
    busy = [_but(lane.spans, "queue") for lane in lanes]
    computing = _named(spans, COMPUTING)
    waiting = _named(spans, WAITING)
    found = sorted(digests)
    return TimelineRun(
        mode=mode,
        ok=len(found),
        digest=hashlib.sha256("".join(found).encode()).hexdigest(),
        seconds=wall / 1e9,
        overlap=sum(map(length, busy)) / wall,
        computing=sum(length(_named(lane.spans, COMPUTING)) for lane in lanes) / wall,
        cpu=cpu_s * 1e9 / wall,
        waiting=(length([*computing, *waiting]) - length(computing)) / wall,
        most=most_at_once(_named(spans, {"fetch"})),
        lanes=[
            Lane(group=lane.group, name=lane.name, spans=[_since(first, s) for s in lane.spans])
            for lane in lanes
        ],
    )


def tables(results: TimelineResults) -> list[Table]:
    """Return one table: a row for each mode."""
    by_mode = {mode: [one for one in results.cells if one.mode == mode] for mode in MODES}
    columns = ("mode", "ms", "× serial", "most in flight", "overlap", "computing", "CPU",
               "only waiting %")  # fmt: skip
    return [
        Table(
            title="The same 50 pages in five modes",
            columns=columns,
            rows=[_row(runs, by_mode["serial"]) for runs in by_mode.values()],
            notes=results.notes,
        )
    ]


def _row(runs: list[TimelineRun], serial: list[TimelineRun]) -> list[str]:
    pairs = zip(serial, runs, strict=True)
    return [
        runs[0].mode,
        spread(one.seconds for one in runs).text(scale=1000),
        spread(slow.seconds / one.seconds for slow, one in pairs).text(1),
        f"{median(one.most for one in runs):.0f}",
        spread(one.overlap for one in runs).text(2),
        spread(one.computing for one in runs).text(2),
        spread(one.cpu for one in runs).text(2),
        spread(one.waiting for one in runs).text(scale=100),
    ]


def _thinned(runs: list[TimelineRun]) -> Iterator[TimelineRun]:
    """Yield the runs, with lanes only where the time is the median of the mode's."""
    for mode in MODES:
        ours = [one for one in runs if one.mode == mode]
        middle = sorted(ours, key=lambda one: one.seconds)[(len(ours) - 1) // 2]
        for one in ours:
            yield one if one is middle else msgspec.structs.replace(one, lanes=[])


def _named(spans: Iterable[Span], names: Iterable[str]) -> list[Span]:
    return [span for span in spans if span.name in names]


def _but(spans: Iterable[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name != name]


def _since(first: int, span: Span) -> Span:
    return Span(span.began - first, span.ended - first, span.name)


def _run(stand: Stand, mode: str) -> TimelineRun:
    done = subprocess.run(
        [sys.executable, "-m", "bench.timeline", mode, str(stand.lists["pages"])],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{mode} ended with {done.returncode}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=TimelineRun)


def main() -> None:
    """Crawl a list in this fresh interpreter, and print its timeline as the last line."""
    mode, source = sys.argv[1:]
    digests = []

    def note(record: Record) -> None:
        if isinstance(record.sha256, str):
            digests.append(record.sha256)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        options = Options(
            mode=mode,
            concurrency=IN_FLIGHT,
            workers=WORKERS,
            output=str(Path(folder, "pages.jsonl")),
            trace=str(path),
        )
        report = crawl(source, options, on_record=note)
        lanes, _ = read(path)
    cpu_s = sum(seconds for stage, seconds in report.stages.items() if stage != "rest")
    print(msgspec.json.encode(run_of(mode, lanes, digests, cpu_s)).decode())


if __name__ == "__main__":
    main()

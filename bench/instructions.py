"""What a trace costs a page in instructions, which a busy machine hardly moves; by valgrind."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median

import msgspec

from bench.cell import BenchError, environment
from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say
from bench.spread import spread
from bench.stand import Stand, set_up
from bench.tracing import IN_FLIGHT, MOST
from crawler import MODES

__all__ = [
    "FULL",
    "QUICK",
    "Counted",
    "InstructionResults",
    "Scale",
    "counted",
    "measure",
    "tables",
]

SET_UP = "bench/instructions_setup.sh"
#: Crawls beside each other: what is counted does not depend on who else runs.
AT_ONCE = 2
LONG = "600s"  # no page is to time out because it is simulated
PATIENCE = 900.0  # seconds for one crawl
_COUNT = re.compile(r"I +refs: +([\d,]+)")


@dataclass(frozen=True)
class Scale:
    """Which modes, the numbers of pages of a short and a long crawl, and how often all that."""

    modes: Sequence[str]
    pages: tuple[int, int]
    rounds: int


FULL = Scale(modes=MODES, pages=(100, 300), rounds=2)
QUICK = Scale(modes=("serial",), pages=(10, 30), rounds=1)


class Counted(msgspec.Struct, kw_only=True, frozen=True):
    """The instructions of one crawl, those of its workers included."""

    mode: str
    traced: bool
    pages: int
    instructions: int

    @property
    def pages_per_s(self) -> float:
        """Return nothing: how fast it goes in a simulation says nothing."""
        return 0.0


class InstructionResults(Kept, kw_only=True, frozen=True):
    """What was counted in all crawls."""

    cells: list[Counted]

    @property
    def runs(self) -> Sequence[Run]:
        """All crawls."""
        return self.cells

    def a_page(self, mode: str, *, traced: bool) -> list[float]:
        """Return what a page takes, for each round: what more pages took more, over those pages."""
        runs = [one for one in self.cells if (one.mode, one.traced) == (mode, traced)]
        fewest = min(one.pages for one in runs)
        short, long = ([one for one in runs if (one.pages == fewest) is so] for so in (True, False))
        return [
            (more.instructions - less.instructions) / (more.pages - less.pages)
            for less, more in zip(short, long, strict=True)
        ]

    def added(self, mode: str) -> list[float]:
        """Return how much more a page takes with a trace, for each round, as a share."""
        without, with_it = (self.a_page(mode, traced=traced) for traced in (False, True))
        return [more / less - 1 for less, more in zip(without, with_it, strict=True)]

    def refuse(self) -> None:
        """Raise BenchError if a page took nothing."""
        for one in self.cells:
            if min(self.a_page(one.mode, traced=one.traced)) <= 0:
                raise BenchError(f"not kept: a page in {one.mode} took no instructions")


def measure(scale: Scale = FULL) -> InstructionResults:
    """Crawl pages of 30 kB with 60 links under valgrind; raises BenchError."""
    if shutil.which("valgrind") is None:
        raise BenchError(f"valgrind is not installed: {SET_UP} does that on Debian")
    jobs = list(product(scale.modes, (False, True), scale.pages)) * scale.rounds
    found: list[Counted] = []
    with set_up(size="30kB", links=60, pages=max(scale.pages)) as stand:
        for pages in scale.pages:
            stand.write_list(str(pages), pages, lambda number: f"/p/{number}")
        with ThreadPoolExecutor(AT_ONCE) as beside:
            for one in beside.map(lambda job: _count(stand, *job), jobs):
                found.append(one)
                say(f"{len(found)} of {len(jobs)}: {one.mode}")
    short, long = scale.pages
    return InstructionResults(
        name="instructions",
        machine=machine(),
        how=[
            f"Pages of 30 kB with 60 links, {IN_FLIGHT} in flight where the mode has a choice.",
            f"A page takes what a crawl of {long} pages takes more than one of {short}, divided "
            "by the pages that it has more; instructions outside the kernel, those of workers "
            "included, counted by valgrind.",
            "Crawls are many times slower so, and a trace looks at its loop by the clock: what "
            "async and hybrid take more is somewhat too much.",
            f"Medians of {scale.rounds} rounds, with the least and the greatest; the goal is "
            f"{MOST:.0%}.",
        ],
        settings={"most": MOST},
        ceiling_per_s=None,
        cells=found,
    )


def tables(results: InstructionResults) -> list[Table]:
    """Return one table: a row for each mode."""
    return [
        Table(
            title="What a trace costs a page, in instructions",
            columns=("mode", "thousands a page", "more with a trace %", "within the goal"),
            rows=[_row(results, mode) for mode in dict.fromkeys(one.mode for one in results.cells)],
            left=frozenset({"mode", "within the goal"}),
            notes=results.notes,
        )
    ]


def counted(said: str) -> int:
    """Return the instructions of all processes, each of which said its own; raises BenchError."""
    counts = [int(count.replace(",", "")) for count in _COUNT.findall(said)]
    if not counts:
        raise BenchError(f"valgrind counted nothing: {said[-500:]}")
    return sum(counts)


def _row(results: InstructionResults, mode: str) -> list[str]:
    shares = results.added(mode)
    return [
        mode,
        spread(results.a_page(mode, traced=False)).text(scale=1e-3),
        spread(shares).text(1, scale=100),
        "yes" if median(shares) < results.settings["most"] else "no",
    ]


def _count(stand: Stand, mode: str, traced: bool, pages: int) -> Counted:  # noqa: FBT001 (of a job)
    """Crawl so many pages once; raises BenchError if one of them failed."""
    with tempfile.TemporaryDirectory(dir=stand.folder) as name:
        folder = Path(name)
        trace = ["--trace", str(folder / "trace.json")] if traced else []
        done = subprocess.run(
            [
                "valgrind", "--tool=cachegrind", "--cache-sim=no",
                "--cachegrind-out-file=/dev/null", "--trace-children=yes",
                f"--log-file={folder}/%p.log",
                sys.executable, "-m", "crawler", "--mode", mode, "-c", str(IN_FLIGHT), "--quiet",
                "--timeout", LONG, "--read-timeout", LONG, "--analyse-timeout", LONG,
                "-o", str(folder / "records.jsonl"), *trace, str(stand.lists[str(pages)]),
            ],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
            env=environment() | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"{mode} under valgrind ended with {done.returncode}: {done.stderr}")
        said = "".join(log.read_text(encoding="utf-8") for log in folder.glob("*.log"))
    return Counted(mode=mode, traced=traced, pages=pages, instructions=counted(said))

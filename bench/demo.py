"""Show a crawl to somebody who has just arrived: one command, one record, then all five modes."""

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from bench.cell import BenchError, Cell, Measured
from bench.layout import Table, show
from bench.rounds import run_rounds
from bench.stand import Stand, set_up
from crawler import MODES, Options

__all__ = ["demo", "shortened", "table"]

PAGES = 200
LATENCY = "20ms"
LIST = Path("URLs.txt")
RECORDS = Path("pages.jsonl")
LINKS_SHOWN = 2
LONGEST = 60


def demo(pages: int = PAGES, modes: Sequence[str] = MODES) -> None:
    """Write the list and the records here, and tell on the way what is done; raises BenchError."""
    with set_up(latency=LATENCY, pages=pages) as stand:
        stand.write_list("demo", pages, lambda number: f"/p/{number}")
        LIST.write_bytes(stand.lists["demo"].read_bytes())
        say(f"A test server runs at {stand.running.url} and waits {LATENCY} before each answer.")
        say(f"{LIST} lists {pages} of its pages.\n")
        _crawl(["crawl", "--mode", "hybrid", str(LIST), "-o", str(RECORDS)])
        with RECORDS.open("rb") as records:
            say(f"\n{RECORDS} has one record a line. The first, shortened:\n")
            say(shortened(records.readline()))
        say(f"\nNow the same {pages} pages in each mode, each in a fresh interpreter:\n")
        show(table(_compare(stand, pages, modes)))
    say("Try it yourself: `crawl serve` starts the server, `crawl --help` tells the rest.")


def say(text: str) -> None:
    """Print at once, because others print to the same screen."""
    print(text, flush=True)


def shortened(line: bytes) -> str:
    """Return a record in lines that fit a screen, long values cut and most links left out."""
    record = json.loads(line)
    links = record.get("links", [])
    if len(links) > LINKS_SHOWN:
        record["links"] = [*links[:LINKS_SHOWN], f"... {len(links) - LINKS_SHOWN} more"]
    for name, value in record.items():
        if isinstance(value, str) and len(value) > LONGEST:
            record[name] = value[: LONGEST - 3] + "..."
    return json.dumps(record, indent=2, ensure_ascii=False)


def table(runs: Sequence[Measured]) -> Table:
    """Return the small table that compares the modes."""
    limits = dict(run.bound.partition(": ")[::2] for run in runs)
    return Table(
        title=f"{runs[0].cell.pages} pages, {LATENCY} latency",
        columns=("mode", "pages/s", "start-up s", "in flight", "CPU ms/page", "held by"),
        rows=[
            [
                run.cell.mode,
                f"{run.pages_per_s:.0f}",
                f"{run.startup_s:.2f}",
                str(run.in_flight_max),
                f"{1000 * run.cost.client:.1f}",
                run.bound.partition(": ")[0],
            ]
            for run in runs
        ],
        left=frozenset({"mode", "held by"}),
        notes=[
            "pages/s from the first to the last record; start-up from the start of Python to the "
            "first record; in flight as the server saw it.",
            *(f"{name}: {words}." for name, words in limits.items() if words),
        ],
    )


def _compare(stand: Stand, pages: int, modes: Sequence[str]) -> list[Measured]:
    in_flight = Options().concurrency
    runs = []
    for mode in modes:
        cell = Cell(work="demo", mode=mode, concurrency=in_flight, pages=pages)
        runs += run_rounds(stand, [cell], 1, tell=lambda _: None)
    return runs


def _crawl(command: list[str]) -> None:
    """Print the command and run it, with the program that stands beside this Python."""
    say(f"$ {shlex.join(command)}")
    program = Path(sysconfig.get_path("scripts"), command[0])
    if not program.exists():
        program = Path(sys.executable).with_name(command[0])
    try:
        code = subprocess.run([os.fspath(program), *command[1:]], check=False).returncode
    except FileNotFoundError:
        raise BenchError(f"{program} is not there: install the project first") from None
    if code:
        raise BenchError(f"{shlex.join(command)} ended with {code}")

"""Ours against other people's crawlers, at the same work, and hybrid against its own parts."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bench.ceiling import ceiling
from bench.cell import BenchError, environment
from bench.contest import steady, watch
from bench.fetch import run_client
from bench.findings import findings
from bench.interpreters import peers
from bench.machine import machine
from bench.rounds import say, warm_up
from bench.stand import Stand, set_up
from bench.standings import Parts, PeerResults, PeerRun

__all__ = ["FULL", "QUICK", "Scale", "measure"]

RIVALS = {
    "aiohttp": "aiohttp_script.py",
    "scrapy": "scrapy_spider.py",
    "crawlee": "crawlee_crawler.py",
    "requests+bs4": "soup_threads.py",
}
PACKAGES = (
    "aiohttp", "beautifulsoup4", "crawlee", "lxml", "requests", "Scrapy", "selectolax", "uvloop",
)  # fmt: skip
FOLDER = Path(__file__).resolve().parent / "rivals"


@dataclass(frozen=True)
class Scale:
    """How many pages each crawls, so that it takes some 20 s, and how often.

    The site has fewer *different* ones, which all lists ask for again and again: the pages
    must be a multiple of them.  All different ones together must be below some 40 MB, or the
    server makes them again and again.  *parts* is for how many pages each part is measured.
    """

    pages: Mapping[str, int]
    rounds: int
    different: int
    parts: int
    fetch_seconds: float
    in_flight: int = 50


FULL = Scale(
    pages={
        "hybrid": 80_000,
        "async": 40_000,
        "aiohttp": 25_000,
        "scrapy": 6_000,
        "crawlee": 10_000,
        "requests+bs4": 2_000,
    },
    rounds=3,
    different=1_000,
    parts=10_000,
    fetch_seconds=5,
)
QUICK = Scale(
    pages={"hybrid": 3_000, "async": 1_000, "aiohttp": 1_000, "scrapy": 300, "crawlee": 300,
           "requests+bs4": 100},
    rounds=1,
    different=100,
    parts=500,
    fetch_seconds=1,
)  # fmt: skip


def measure(scale: Scale = FULL) -> PeerResults:
    """Crawl pages of 30 kB with 60 links, each in its own way; raises BenchError."""
    guests = peers(PACKAGES)
    with set_up(size="30kB", links=60, pages=scale.different) as stand:
        for name, pages in {"pages": scale.different, **scale.pages}.items():
            stand.write_list(name, pages, lambda number: f"/p/{number % scale.different}")
        warm_up(stand, ["pages"])
        most = ceiling(stand, "pages")
        cells: list[PeerRun] = []
        parts: list[Parts] = []
        for number in range(scale.rounds):
            round_cells, round_parts = _round(stand, scale, guests.python, number)
            cells += round_cells
            parts.append(round_parts)
    stamp = machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return PeerResults(
        name="peers",
        machine=msgspec.structs.replace(stamp, versions=stamp.versions | guests.versions),
        how=_how(scale),
        settings={"different": scale.different, "cores": cores or 1},
        ceiling_per_s=most,
        parts=parts,
        cells=cells,
    )


def _round(stand: Stand, scale: Scale, python: str, number: int) -> tuple[list[PeerRun], Parts]:
    """Run everything once, in an order of its own."""
    cells: list[PeerRun] = []
    parts: dict[str, float] = {}

    def crawl(who: str) -> None:
        run = _crawl(stand, who, scale, python)
        say(f"round {number + 1}: {who}: {run.pages_per_s:.0f} pages/s")
        cells.append(run)

    def fetch_alone() -> None:
        found = run_client(stand, "pages", ("wire", scale.in_flight), scale.fetch_seconds)
        parts.update(fetch=found.client, server=found.server)

    def part_alone(name: str) -> None:
        parts[name] = _part(stand, name, scale.parts)

    jobs: list[Callable[[], None]] = [
        *(partial(crawl, who) for who in scale.pages),
        fetch_alone,
        partial(part_alone, "analyse"),
        partial(part_alone, "write"),
    ]
    for job in random.Random(number).sample(jobs, len(jobs)):
        job()
    return cells, Parts(**parts)


def _crawl(stand: Stand, who: str, scale: Scale, python: str) -> PeerRun:
    """Have one crawl its list, look on, and read what it wrote."""
    output = stand.folder / "pages.jsonl"
    output.unlink(missing_ok=True)
    source, in_flight = str(stand.lists[who]), str(scale.in_flight)
    command = (
        [python, str(FOLDER / RIVALS[who]), source, str(output), in_flight]
        if who in RIVALS
        else [sys.executable, "-m", "crawler", "--mode", who, "-c", in_flight, "--quiet",
              "-o", str(output), source]
    )  # fmt: skip
    looks = watch(command, output, stand.running.pid)
    try:
        found = findings(output)
    except msgspec.MsgspecError as error:
        raise BenchError(f"{who} wrote what is no record: {error}") from None
    asked = scale.pages[who]
    return PeerRun(who=who, asked=asked, found=found, speed=steady(looks, asked))


def _part(stand: Stand, name: str, pages: int) -> float:
    """Return the CPU seconds of a page, of one part in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.parts", name, str(stand.lists["pages"]), str(pages)],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"the measure of {name} alone ended with {done.returncode}")
    return float(done.stdout.splitlines()[-1])


def _how(scale: Scale) -> list[str]:
    return [
        f"Pages of 30 kB with 60 links and no latency, {scale.in_flight} in flight; a list asks "
        f"for {scale.different} different ones in turn. Crawl and server share all cores.",
        "All write a JSON line for each page, with the same status, SHA-256, title, links, length "
        "and SHA-256 of the text; these were compared for every page.",
        f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest; "
        "`hybrid ×` says how many times as fast hybrid was in the same round.",
        "Speed and CPU are seen from outside, by the output file and the processes, from the "
        "first record until 99 % are there; `start-up` goes from the start of the command to the "
        "first record in the file.",
        "async and hybrid are the command `crawl`; the others are the scripts in bench/rivals.",
        "aiohttp: one process, uvloop, selectolax. Scrapy: its selectors and its feed of JSON "
        "lines, uvloop. Crawlee: ParselCrawler and its own client, uvloop, lines to a plain file, "
        "as push_data is slower. requests+bs4: BeautifulSoup on lxml, a thread for each "
        "connection.",
    ]

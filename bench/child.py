"""Crawl one cell in this fresh interpreter, and print what came of it as the last line."""

import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from bench.cell import Cost, Errand, Measured
from bench.meter import memory_of_all, reading
from bench.steady import SteadyPart
from bench.works import WORKS
from crawler import CrawlReport, Options, Record, crawl

__all__ = ["Watch", "measure"]


class Watch:
    """Sees every record: counts, digests, and reads the meters where the steady part has its ends.

    What it keeps does not grow with the list, only with the number of different pages.
    """

    def __init__(self, errand: Errand):
        self._every = errand.sample_every
        self._digests: Counter[str] = Counter()
        self._count = 0
        cell = errand.cell
        self._steady = SteadyPart(
            cell.pages, cell.warm, cell.warm, lambda: reading(errand.site_pid)
        )
        self.first_at = 0.0
        self.memory: list[tuple[int, int]] = []

    def __call__(self, record: Record) -> None:
        """Take note of a record."""
        self._count += 1
        if isinstance(record.sha256, str):
            self._digests[record.sha256] += 1
        if self._count == 1:
            self.first_at = time.monotonic()
        self._steady.recorded()
        if self._every and self._count % self._every == 0:
            self.memory.append((self._count, memory_of_all()))

    @property
    def digest(self) -> str:
        """The SHA-256 over the sorted SHA-256 of all pages."""
        whole = hashlib.sha256()
        for one in sorted(self._digests):
            whole.update(one.encode() * self._digests[one])
        return whole.hexdigest()

    def steady(self) -> tuple[float, Cost]:
        """Return pages a second and CPU seconds a page of the steady part."""
        seconds, *used = (
            after - before for before, after in zip(*self._steady.readings(), strict=True)
        )
        pages = self._steady.pages
        user, system, workers, server = (cpu / pages for cpu in used)
        cost = Cost(own_user=user, own_system=system, workers=workers, server=server)
        return pages / max(seconds, 1e-6), cost


def measure(errand: Errand) -> Measured:
    """Crawl the cell's list, with the records written to a file as users have it."""
    if errand.cores:
        os.sched_setaffinity(0, errand.cores)
    cell, watch = errand.cell, Watch(errand)
    with tempfile.TemporaryDirectory() as folder:
        options = Options(
            mode=cell.mode,
            concurrency=cell.concurrency,
            output=str(Path(folder, "pages.jsonl")),
            trace=str(Path(folder, "trace.json")) if cell.traced else None,
        )
        work = WORKS[cell.analyser]
        report = crawl(errand.source, options, analyse=work, on_record=watch)
    pages_per_s, cost = watch.steady()
    return Measured(
        cell=cell,
        ok=report.outcomes.get("ok", 0),
        digest=watch.digest,
        pages_per_s=pages_per_s,
        startup_s=watch.first_at - errand.began,
        cost=cost,
        stages=_stages(report, cost),
        in_flight_mean=report.in_flight_mean,
        bound=report.bound,
        memory=watch.memory,
    )


def _stages(report: CrawlReport, cost: Cost) -> dict[str, float]:
    """Return CPU seconds a page by stage; the rest is that of the steady part, so no start-up."""
    named = {
        name: seconds / report.records for name, seconds in report.stages.items() if name != "rest"
    }
    return named | {"rest": max(0.0, cost.client - sum(named.values()))}


def main() -> None:
    """Do the errand that is given as JSON."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    print(msgspec.json.encode(measure(errand)).decode())


if __name__ == "__main__":
    main()

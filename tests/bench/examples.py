"""Small results to lay out and to check."""

import msgspec

from bench.cell import Cell, Cost, Measured
from bench.machine import Machine
from bench.results import Results

MACHINE = Machine(
    cores=2, cpu="a CPU", system="Linux", python="3.11.0", loop="uvloop",
    versions={"httpx": "0.28.1"}, date="2026-01-31",
)  # fmt: skip


def a_run(mode="threads", work="16-in-flight", pages_per_s=150.0, **changes):
    run = Measured(
        cell=Cell(work=work, mode=mode, concurrency=16, pages=100, warm=16),
        ok=100,
        digest="d" * 64,
        pages_per_s=pages_per_s,
        startup_s=0.3,
        cost=Cost(own_user=0.0008, own_system=0.0002, workers=0.0, server=0.0001),
        stages={"fetch": 0.0006, "analyse": 0.0003, "write": 0.00005, "rest": 0.00005},
        in_flight_mean=15.2,
        bound="places: all 16 in flight were used (-c, or -w for processes)",
        in_flight_max=16,
    )
    return msgspec.structs.replace(run, **changes)


def results(name="little", cells=(), settings=None, ceiling_per_s=40_000.0):
    return Results(
        name=name,
        machine=MACHINE,
        how=["How it was done."],
        settings=settings or {"latency": 0.1, "cores": 2, "pinned": 0.0},
        ceiling_per_s=ceiling_per_s,
        cells=list(cells),
    )

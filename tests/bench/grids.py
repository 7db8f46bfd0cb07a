"""Small grids, made up: runs at points, as fast as a test wants them."""

import msgspec

from bench.grid.plan import CHOOSING, Point
from bench.grid.results import GridResults, GridRun
from tests.bench.examples import MACHINE, a_run

ROUNDS = 3


def a_cell(point, mode, pages_per_s=100.0, number=0, **changes):
    """One run at *point*, which had in flight what it was given."""
    run = a_run(mode=mode, work=point.name, pages_per_s=pages_per_s, in_flight_max=point.places)
    cell = msgspec.structs.replace(run.cell, concurrency=point.places, analyser=point.work)
    return GridRun(
        round=number, point=point, run=msgspec.structs.replace(run, cell=cell, **changes)
    )


def a_grid(speeds, **changes):
    """Results from pages a second for each point and mode: one for all rounds, or one for each."""
    cells = [
        a_cell(Point(*point), mode, speed, number)
        for point, modes in speeds.items()
        for mode, given in modes.items()
        for number, speed in enumerate(given if isinstance(given, tuple) else (given,) * ROUNDS)
    ]
    found = GridResults(
        name="grid",
        machine=MACHINE,
        how=["How it was done."],
        settings={"rounds": float(ROUNDS), "cores": 2.0},
        ceiling_per_s=40_000.0,
        gil={"lexbor": 0.5, "python_light": 1.0, "python_heavy": 1.0, "c_heavy": 0.1},
        cells=cells,
    )
    return msgspec.structs.replace(found, **changes)


def a_whole_grid():
    """Four works at three latencies: threads lead with few in flight, async with many."""
    speeds = {}
    for work, cost in {"lexbor": 1, "python_light": 3, "python_heavy": 8, "c_heavy": 8}.items():
        for latency in (0, 20, 200):
            for places in (1, 4, 64):
                least = min(1000 / cost, 1000 * places / (latency + cost))
                modes = dict.fromkeys(CHOOSING, least)
                modes["async"] *= 1.2 if places == 64 else 0.9
                modes["hybrid"] *= 1.8 if cost > 1 else 1.0
                if places == 1:
                    modes["serial"] = least
                if places == 4:
                    modes["processes"] = min(1800 / cost, 2000 / (latency + cost))
                speeds[work, latency, places] = modes
    return a_grid(speeds)

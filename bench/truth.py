"""Whether what `crawl load` says is true, in eight parts, each of which can be measured alone."""

from collections.abc import Callable, Sequence

import msgspec

from bench.cell import BenchError
from bench.machine import machine
from bench.nginx import programs
from bench.rounds import say
from bench.truth_command import live, memory
from bench.truth_crowd import processes, search
from bench.truth_harm import sabotage
from bench.truth_results import AnyPart, Failed, TruthResults
from bench.truth_scale import FULL, QUICK, Scale
from bench.truth_tables import how, tables
from bench.truth_times import pacing, percentiles, stalls
from crawler import CrawlError
from fixtures.running import ServeError

__all__ = ["FULL", "PARTS", "QUICK", "Scale", "measure", "tables"]

PARTS: dict[str, Callable[[Scale], AnyPart]] = {
    "pacing": pacing,
    "percentiles": percentiles,
    "processes": processes,
    "memory": memory,
    "search": search,
    "stalls": stalls,
    "sabotage": sabotage,
    "live": live,
}


def measure(scale: Scale = FULL, parts: Sequence[str] = ()) -> TruthResults:
    """Measure these *parts*, or all; one that fails does not keep the others from it.

    Raises BenchError for a part that there is not.
    """
    unknown = [name for name in parts if name not in PARTS]
    if unknown:
        raise BenchError(f"--part {unknown[0]}: choose from {', '.join(PARTS)}")
    needed = programs()
    wanted = [name for name in PARTS if name in parts or not parts]
    cells = []
    for number, name in enumerate(wanted):
        say(f"part {number + 1} of {len(wanted)}: {name}")
        cells.append(_measured(name, scale))
    stamp = machine()
    return TruthResults(
        name="truth",
        machine=msgspec.structs.replace(stamp, versions=stamp.versions | needed.versions),
        how=how(),
        settings={},
        ceiling_per_s=None,
        cells=cells,
    )


def _measured(name: str, scale: Scale) -> AnyPart:
    try:
        return PARTS[name](scale)
    except (BenchError, CrawlError, OSError, ServeError) as error:
        say(f"{name} failed: {error}")
        return Failed(name=name, why=str(error))

"""Turn kept results into the tables that people read, on the screen and in the README."""

from collections.abc import Callable
from typing import Any

import msgspec

from bench import (
    border,
    connections,
    exhibition,
    fetch,
    goals,
    instructions,
    lessons,
    little,
    load_results,
    memory,
    modes,
    path,
    standings,
    timeline,
    tracing,
    truth_results,
    truth_tables,
)
from bench.grid import results as grid_results
from bench.grid import tables as grid_tables
from bench.layout import Table, markdown
from bench.results import Kept, Results

__all__ = ["TABLES", "printed", "tables"]

#: For each experiment the shape of its results, and what makes tables of them.
TABLES: dict[str, tuple[type[Kept], Callable[[Any], list[Table]]]] = {
    "border": (border.BorderResults, border.tables),
    "connections": (Results, connections.tables),
    "exhibits": (exhibition.ExhibitResults, exhibition.tables),
    "exhibits-3.14": (exhibition.ExhibitResults, exhibition.tables),
    "exhibits-3.15": (exhibition.ExhibitResults, exhibition.tables),
    "fetch": (fetch.FetchResults, fetch.tables),
    "grid": (grid_results.GridResults, grid_tables.tables),
    "instructions": (instructions.InstructionResults, instructions.tables),
    "lessons": (lessons.LessonResults, lessons.tables),
    "little": (Results, little.tables),
    "load": (load_results.LoadResults, load_results.tables),
    "memory": (Results, memory.tables),
    "modes": (Results, modes.tables),
    "path": (path.PathResults, path.tables),
    "peers": (standings.PeerResults, standings.tables),
    "server": (goals.ServerResults, goals.tables),
    "timeline": (timeline.TimelineResults, timeline.tables),
    "trace": (Results, tracing.tables),
    "truth": (truth_results.TruthResults, truth_tables.tables),
}


def tables(results: Kept) -> list[Table]:
    """Return the tables of one experiment."""
    _, made = TABLES[results.name]
    return made(results)


def printed(result: dict[str, object]) -> str:
    """Return the Markdown for one kept result, as its JSON was read."""
    shape, _ = TABLES[str(result["name"])]
    return "\n".join(map(markdown, tables(msgspec.convert(result, shape))))

"""Turn kept results into the tables that people read, on the screen and in the README."""

from collections.abc import Callable

import msgspec

from bench import little, memory, modes
from bench.layout import Table, markdown
from bench.results import Results

__all__ = ["TABLES", "printed", "tables"]

TABLES: dict[str, Callable[[Results], list[Table]]] = {
    "little": little.tables,
    "memory": memory.tables,
    "modes": modes.tables,
}


def tables(results: Results) -> list[Table]:
    """Return the tables of one experiment."""
    return TABLES[results.name](results)


def printed(result: dict[str, object]) -> str:
    """Return the Markdown for one kept result, as its JSON was read."""
    return "\n".join(map(markdown, tables(msgspec.convert(result, Results))))

"""Lay a table out: as Markdown, as aligned text, or in a terminal."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as Drawn

__all__ = ["Table", "aligned", "markdown", "show"]

WIDTH = 96
GAP = 2
NARROWEST = 16


@dataclass(frozen=True)
class Table:
    """A title, rows of words and numbers, and notes below; the *left* columns hold words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[str] = frozenset({"mode"})
    notes: Sequence[str] = ()


def markdown(table: Table) -> str:
    """Return the table as Markdown."""
    lines = [
        f"### {table.title}",
        "",
        _piped(table.columns),
        _piped([":--" if name in table.left else "--:" for name in table.columns]),
        *map(_piped, table.rows),
        "",
    ]
    return "\n".join([*lines, *table.notes]).rstrip() + "\n"


def aligned(table: Table, width: int = WIDTH) -> str:
    """Return the table as plain text; the last column is wrapped where it has words."""
    lines = [table.title, ""]
    cells = [table.columns, *table.rows]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left_over = width - sum(wide[:-1]) - GAP * (len(wide) - 1)
    if table.columns[-1] in table.left:
        wide[-1] = min(wide[-1], max(NARROWEST, left_over))
    for row in cells:
        lines += _folded(row, wide, [name in table.left for name in table.columns])
    notes = (line for note in table.notes for line in textwrap.wrap(note, width))
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def show(table: Table) -> None:
    """Print the table for a person: with lines on a terminal, as plain text elsewhere."""
    if not sys.stdout.isatty():
        print(aligned(table))
        return
    drawn = Drawn(title=table.title, title_justify="left", title_style="bold")
    for name in table.columns:
        is_left = name in table.left
        drawn.add_column(name, justify="left" if is_left else "right", overflow="fold")
    for row in table.rows:
        drawn.add_row(*row)
    screen = Console(highlight=False, markup=False)
    screen.print(drawn)
    screen.print(*table.notes, sep="\n", end="\n\n")


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _folded(row: Sequence[str], wide: Sequence[int], left: Sequence[bool]) -> Iterator[str]:
    """Yield a row in as many lines as its last cell needs."""
    *others, last = row
    first, *more = textwrap.wrap(last, wide[-1]) or [""]
    cells = [
        cell.ljust(size) if is_left else cell.rjust(size)
        for cell, size, is_left in zip([*others, first], wide, left, strict=True)
    ]
    yield (" " * GAP).join(cells).rstrip()
    indent = sum(wide[:-1]) + GAP * (len(wide) - 1)
    for line in more:
        yield " " * indent + line

"""Draw charts from kept results into the docs, and tell which are no longer what is kept."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from matplotlib.figure import Figure

from bench.cell import BenchError
from bench.charts import (
    break_even,
    convoy,
    crossover,
    faults,
    gil_step,
    memory_slope,
    timeline,
)
from bench.charts.style import styled
from bench.results import FOLDER
from bench.table import TABLES

__all__ = ["CHARTS", "FIGURES", "Chart", "draw", "measured", "stale"]

FIGURES = Path(__file__).resolve().parent.parent.parent / "docs" / "figures"
#: What would make two files of the same figure differ.
_NO_METADATA = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "png": {"Software": None},
}


class Chart(NamedTuple):
    """The experiment whose kept results are drawn, what draws them, and of which exhibit."""

    results: str
    draw: Callable[[Any], Figure]
    exhibit: str = ""

    @property
    def command(self) -> str:
        """What is to be run for it."""
        return f"python -m bench {self.results} {self.exhibit}".rstrip()


#: Every chart by its name, which is also that of its files.
CHARTS: dict[str, Chart] = {
    "crossover": Chart("grid", crossover.draw),
    "timeline": Chart("timeline", timeline.draw),
    "convoy": Chart("exhibits", convoy.draw, "convoy"),
    "gil-step": Chart("exhibits", gil_step.draw, "computing"),
    "break-even": Chart("exhibits", break_even.draw, "processes"),
    "memory-slope": Chart("exhibits", memory_slope.draw, "footprint"),
    "faults": Chart("exhibits", faults.draw, "faults"),
}


def measured(names: Sequence[str] = (), kept: Path = FOLDER) -> list[str]:
    """Return *names*, or all whose results are kept if there are none.

    Raises BenchError for a name of no chart, and for one whose results are not kept.
    """
    for name in names:
        if name not in CHARTS:
            raise BenchError(f"no chart is named {name!r}: choose from {', '.join(CHARTS)}")
        if not _is_kept(name, kept):
            raise BenchError(f"{name} cannot be drawn: run `{CHARTS[name].command}`")
    return list(names) or [name for name in CHARTS if _is_kept(name, kept)]


def draw(name: str, kept: Path = FOLDER, figures: Path = FIGURES) -> list[Path]:
    """Write one chart as SVG and PNG, and return where; raises BenchError as `measured` does."""
    measured([name], kept)
    figures.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in _NO_METADATA:
        path = figures / f"{name}.{kind}"
        path.write_bytes(_drawn(name, kind, kept))
        written.append(path)
    return written


def stale(kept: Path = FOLDER, figures: Path = FIGURES) -> list[str]:
    """Return the charts whose SVG is not what would be drawn now; PNGs are not compared."""
    return [
        name
        for name in measured(kept=kept)
        if not (path := figures / f"{name}.svg").exists()
        or path.read_bytes() != _drawn(name, "svg", kept)
    ]


def _drawn(name: str, kind: str, kept: Path) -> bytes:
    written = BytesIO()
    with styled():
        drawn = CHARTS[name].draw(_results(name, kept))
        drawn.savefig(written, format=kind, metadata=_NO_METADATA[kind])
    return written.getvalue()


def _is_kept(name: str, kept: Path) -> bool:
    """Tell whether what the chart shows was measured; an exhibit may have been left out."""
    if not _path(name, kept).exists():
        return False
    exhibit = CHARTS[name].exhibit
    return not exhibit or any(
        one.name == exhibit and one.figures for one in _results(name, kept).cells
    )


def _results(name: str, kept: Path) -> Any:
    shape, _ = TABLES[CHARTS[name].results]
    return msgspec.json.decode(_path(name, kept).read_bytes(), type=shape)


def _path(name: str, kept: Path) -> Path:
    return kept / f"{CHARTS[name].results}.json"

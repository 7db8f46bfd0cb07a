"""Draw charts from kept results into the docs, and tell which are no longer what is kept."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from matplotlib.figure import Figure

from bench.cell import BenchError
from bench.charts import crossover, timeline
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
    """The experiment whose kept results are drawn, and what draws them."""

    results: str
    draw: Callable[[Any], Figure]


#: Every chart by its name, which is also that of its files.
CHARTS: dict[str, Chart] = {
    "crossover": Chart("grid", crossover.draw),
    "timeline": Chart("timeline", timeline.draw),
}


def measured(names: Sequence[str] = (), kept: Path = FOLDER) -> list[str]:
    """Return *names*, or all whose results are kept if there are none.

    Raises BenchError for a name of no chart, and for one whose results are not kept.
    """
    for name in names:
        if name not in CHARTS:
            raise BenchError(f"no chart is named {name!r}: choose from {', '.join(CHARTS)}")
        if not _path(name, kept).exists():
            raise BenchError(
                f"{name} cannot be drawn: run `python -m bench {CHARTS[name].results}`"
            )
    return list(names) or [name for name in CHARTS if _path(name, kept).exists()]


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
    chart, written = CHARTS[name], BytesIO()
    shape, _ = TABLES[chart.results]
    results = msgspec.json.decode(_path(name, kept).read_bytes(), type=shape)
    with styled():
        chart.draw(results).savefig(written, format=kind, metadata=_NO_METADATA[kind])
    return written.getvalue()


def _path(name: str, kept: Path) -> Path:
    return kept / f"{CHARTS[name].results}.json"

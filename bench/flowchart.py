"""Write docs/choosing.md from the grid: which mode for which workload, and from where on."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from bench import border
from bench.branches import chart
from bench.cell import BenchError
from bench.grid.edges import Edge, cpu_ms, edges
from bench.grid.results import GridResults
from bench.grid.tables import WORDS, tables, verdicts
from bench.grid.wanted import leads
from bench.grid.winners import MATTERS
from bench.layout import Table, markdown
from bench.results import FOLDER
from crawler import MODES

__all__ = ["DOCUMENT", "document", "edge_table", "grid", "stale", "write"]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "choosing.md"
RUN = "../bench/results/grid.json"
#: How many pages hybrid sends to a worker at once, at most.
BATCH = 16


def grid(path: Path) -> GridResults:
    """Return a kept grid; raises BenchError if there is none or it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=GridResults)
    except FileNotFoundError:
        raise BenchError(f"{path} is not there: run `python -m bench grid`") from None
    except msgspec.ValidationError as error:
        raise BenchError(f"{path} is no kept grid: {error}") from None


def write(kept: Path = FOLDER, path: Path = DOCUMENT) -> Path:
    """Write the page anew, and return where; raises BenchError without a kept grid."""
    path.write_text(_wanted(kept), encoding="utf-8")
    return path


def stale(kept: Path = FOLDER, path: Path = DOCUMENT) -> bool:
    """Tell whether the page differs from what would be written; never where no grid is kept."""
    if not (kept / "grid.json").exists():
        return False
    return not path.exists() or path.read_text(encoding="utf-8") != _wanted(kept)


def document(results: GridResults, crossing: border.BorderResults | None = None) -> str:
    """Return the page: questions, chart, edges, and every point; *crossing* tells of bytes."""
    *_, last = tables(results)
    found = edges(results)
    maps = [table for table in tables(results) if table.title.startswith("Fastest")]
    return "\n".join(
        [
            *_questions(results, crossing),
            *map(markdown, maps),
            "The same as a picture:",
            "",
            f"![Fastest mode by latency and number in flight]({_FIGURE})",
            "",
            *chart(results, found),
            "## The edges, measured",
            "",
            markdown(edge_table(found)),
            "## How it was measured",
            "",
            *(f"{note}\n" for note in last.notes[-len(results.notes) :]),
            f"Every run is in [grid.json]({RUN}).",
            "`python -m bench grid` measures it on your machine, `python -m bench flowchart` "
            "writes this page from that, and `--compare OTHER.json` tells how another differs.",
            "",
        ]
    )


_FIGURE = "figures/crossover.svg"


def _wanted(kept: Path) -> str:
    crossed = kept / "border.json"
    crossing = (
        msgspec.json.decode(crossed.read_bytes(), type=border.BorderResults)
        if crossed.exists()
        else None
    )
    return document(grid(kept / "grid.json"), crossing)


def _questions(results: GridResults, crossing: border.BorderResults | None) -> Iterator[str]:
    yield from (
        "# Choosing a mode",
        "",
        "Written by `python -m bench flowchart` from what was measured; not by hand.",
        "",
        *_short(results),
        "## Your workload in four questions",
        "",
        "1. **How much CPU does a page cost you, and does that hold the GIL?** "
        "It chooses the table. `crawl` tells the CPU in its summary; take it from a local copy "
        "without latency, as here. Pure Python holds the GIL; of C code, only measuring tells.",
        "",
        *_works(results),
        "2. **How long does a page keep you waiting?** It chooses the row.",
        "3. **How many pages may be in flight at once?** It chooses the column: what the server "
        "and good manners allow.",
        "4. **How many bytes cross to another process?** " + _crossing(results, crossing),
        "",
        "A cell names the fastest mode, and how many times as fast as the next it is.",
        "`a = b`: the fastest of them, by its median, did not beat the others by "
        f"{MATTERS - 1:.0%} in every round; take the first, as they stand from simple to not: "
        f"{', '.join(MODES)}.",
        "In flight counts requests at the server: `hybrid` analyses earlier pages meanwhile, so "
        "that it can be ahead with one.",
        "`processes` has one page in flight a worker; `-w` gives it more, at the memory of a "
        "process each.",
        "`threads` analyses one page at a time, also where the GIL is free; `--mode hybrid --pool "
        "threads` is for such work, and not measured here.",
        "The figures are those of this machine; measure your own before you rely on a small lead.",
        "",
    )


def _short(results: GridResults) -> Iterator[str]:
    """Yield the answer in a few lines, where enough was measured for one."""
    if (found := leads(results)) is None:
        return
    below, above = found
    named = [verdict for verdict in verdicts(results).values() if verdict is not None]
    simpler = sum(verdict.mode != "hybrid" for verdict in named)
    late = {
        mode: median(one.run.startup_s for one in results.cells if one.mode == mode)
        for mode in MODES
        if any(one.mode == mode for one in results.cells)
    }
    yield from (
        "## In short",
        "",
        "Multiply the pages in flight with the CPU of a page, and divide by its latency and CPU "
        "together: so many cores could your crawl keep busy.",
        "",
        f"- **One or more**: `hybrid`, surely ahead of the modes of one process at {above.ahead} "
        f"of {above.points} points, {above.lead.text(2)} times as fast.",
        f"- **Less**: the simplest mode that has as many in flight; `hybrid` is surely ahead at "
        f"{below.ahead} of {below.points} points, and {below.lead.text(2)} times as fast.",
        "",
        f"In {simpler} of {len(named)} points a simpler mode is as fast as any.",
        "From the start of the interpreter to the first record it takes "
        + ", ".join(f"`{mode}` {seconds:.1f} s" for mode, seconds in late.items())
        + ": a short crawl wants a mode without workers.",
        "",
    )


def _works(results: GridResults) -> Iterator[str]:
    for work, words in WORDS.items():
        cost = cpu_ms(results, work)
        if cost is not None:
            held = results.gil[work]
            yield (
                f"   - {words}: {cost:.2g} ms a page in all; two threads that analyse at the same "
                f"time, waits for each other included, save {(1 - held) / 2:.0%} of their time"
            )
    yield ""


def _crossing(results: GridResults, crossing: border.BorderResults | None) -> str:
    rule = (
        "`processes` sends an address and gets a record, page by page; `hybrid` sends each body to "
        "a worker, and cannot pay where that costs more than analysing."
    )
    cost = cpu_ms(results, "lexbor")
    if crossing is None or cost is None:
        return rule
    batches = sorted({one.batch for one in crossing.cells if one.batch <= BATCH})
    micros = [
        1e6
        * median(
            one.parent + one.worker
            for one in crossing.cells
            if (one.way, one.batch) == (border.WAYS[0], batch)
        )
        for batch in (batches[0], batches[-1])
    ]
    return (
        f"{rule} A body of {border.BODY // 1000} kB costs {micros[0]:.0f} µs to cross alone and "
        f"{micros[1]:.0f} µs in batches of {batches[-1]}; the cheapest page here costs "
        f"{1000 * cost:.0f} µs in all ([border.json](../bench/results/border.json))."
    )


def edge_table(found: list[Edge]) -> Table:
    """Return all edges, each with its threshold, and the ratio where it is first sure."""
    return Table(
        title="From where on a mode is faster than another",
        columns=("edge", "threshold", "ratio", "run"),
        rows=[[one.name, one.threshold, one.ratio.text(2), f"[grid]({RUN})"] for one in found],
        left=frozenset({"edge", "threshold", "run"}),
        notes=[
            "A threshold lies between the last value at which the mode was not surely faster and "
            "the first from which on it always was; no closer is it known.",
            "`ratio` is that of the two at the first sure value, or at the last one if none is: "
            "the median of the rounds, the least and the greatest.",
        ],
    )

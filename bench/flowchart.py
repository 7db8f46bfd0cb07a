"""Write docs/choosing.md from the grid: which mode for which workload, and from where on."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from bench import border
from bench.cell import BenchError
from bench.grid.edges import CPU, PLACES, Edge, cpu_ms, edges
from bench.grid.plan import Point
from bench.grid.results import GridResults
from bench.grid.tables import WORDS, tables, verdicts
from bench.grid.winners import MATTERS, Verdict
from bench.layout import Table, markdown
from bench.results import FOLDER

__all__ = ["DOCUMENT", "document", "edge_table", "grid", "leaf", "stale", "summary", "write"]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "choosing.md"
RUN = "../bench/results/grid.json"
UNDECIDED = "not decided on this machine"
NOT_MEASURED = "not measured"


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
            *_chart(results, found),
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
        "## Your workload in four questions",
        "",
        "1. **How much CPU does a page cost you, and does that hold the GIL?** "
        "It chooses the table. `crawl` tells the CPU in its summary. Pure Python holds the "
        "GIL; of C code, only measuring tells.",
        "",
        *_works(results),
        "2. **How long does a page keep you waiting?** It chooses the row.",
        "3. **How many pages may be in flight at once?** It chooses the column: what the server "
        "allows, and good manners, not what you would like.",
        "4. **How many bytes cross to another process?** " + _crossing(results, crossing),
        "",
        "A cell names the fastest mode, and how many times as fast as the next it is.",
        "`a = b` means that this machine does not decide between them, as none was faster by more "
        f"than {MATTERS - 1:.0%} in every round: then take the first, which is the simplest.",
        "The figures are those of this machine; measure your own before you rely on a small lead.",
        "",
    )


def _works(results: GridResults) -> Iterator[str]:
    for work, words in WORDS.items():
        cost = cpu_ms(results, work)
        if cost is not None:
            held = results.gil[work]
            yield (
                f"   - {words}: {cost:.2g} ms a page in all; of the analysing, two threads overlap "
                f"{1 - held:.0%}"
            )
    yield ""


def _crossing(results: GridResults, crossing: border.BorderResults | None) -> str:
    rule = (
        "processes sends addresses only; hybrid sends each body to a worker, and cannot pay where "
        "that costs more than analysing."
    )
    cost = cpu_ms(results, "lexbor")
    if crossing is None or cost is None:
        return rule
    batch = max(one.batch for one in crossing.cells)
    runs = [one for one in crossing.cells if (one.way, one.batch) == (border.WAYS[0], batch)]
    micros = 1e6 * median(one.parent + one.worker for one in runs)
    return (
        f"{rule} A body of {border.BODY // 1000} kB costs {micros:.0f} µs to cross, in batches of "
        f"{batch}; the cheapest page here costs {1000 * cost:.0f} µs in all "
        "([border.json](../bench/results/border.json))."
    )


def summary(results: GridResults) -> Table:
    """Return what the chart's branches come to, a row for each."""
    named = verdicts(results)
    return Table(
        title="Which mode for my workload",
        columns=("a page costs", "and waits", "in flight", "take"),
        rows=[
            [
                WORDS[point.work],
                f"{point.latency_ms:g} ms",
                str(point.places),
                leaf(named.get(point)).replace("<br/>", " "),
            ]
            for point in _ends(results)
        ],
        left=frozenset({"a page costs", "take"}),
        notes=[],
    )


def _ends(results: GridResults) -> list[Point]:
    """Return where the branches of the chart end: heavy Python, heavy C, light pages."""
    named = verdicts(results)
    light = [point for point in named if point.work == "lexbor"]
    heavy = [point for point in named if point.work == "python_heavy"]
    numbers = sorted({point.places for point in light}) or [1]
    waits = sorted({point.latency_ms for point in light}) or [0.0]
    short, long = waits[0], waits[-1]
    most = max((point.places for point in heavy), default=numbers[-1])
    slow = max((point.latency_ms for point in heavy), default=long)
    return [
        *(
            Point(work, wait, most)
            for work in ("python_heavy", "c_heavy")
            for wait in (short, slow)
        ),
        *(Point("lexbor", wait, number) for wait in (short, long) for number in _both(numbers)),
    ]


def _both(numbers: list[int]) -> tuple[int, int]:
    return numbers[0], numbers[-1]


def _chart(results: GridResults, found: list[Edge]) -> Iterator[str]:
    """Yield the flowchart: the article's questions and those that it leaves out, with answers."""
    named, points = verdicts(results), _ends(results)
    a, b, c, d, e, f, g, h = (leaf(named.get(point)) for point in points)
    slow, one, many = points[1], points[4], points[7]
    short, long = one.latency_ms, many.latency_ms
    yield from (
        "## The flowchart",
        "",
        "```mermaid",
        "flowchart TD",
        f'    cpu{{"Does a page cost so much CPU that hybrid is worth it?<br/>hybrid over async: '
        f'{_threshold(found, ("hybrid", "async"), CPU)}"}}',
        '    cpu -- "yes: CPU-bound" --> gil{"Does that CPU hold the GIL?"}',
        '    cpu -- "no: I/O-bound" --> wait{"How long does a page wait?"}',
        f'    gil -- "yes, {short:g} ms of latency" --> a["{a}"]',
        f'    gil -- "yes, {slow.latency_ms:g} ms" --> b["{b}"]',
        f'    gil -- "no, {short:g} ms" --> c["{c}"]',
        f'    gil -- "no, {slow.latency_ms:g} ms" --> d["{d}"]',
        f'    wait -- "fast I/O, {short:g} ms" --> fast{{"How many in flight?<br/>async over '
        f'threads: {_threshold(found, ("async", "threads"), PLACES)}"}}',
        f'    wait -- "slow I/O, {long:g} ms" --> slow{{"How many in flight?<br/>async over '
        f'threads: {_threshold(found, ("async", "threads"), PLACES, last=True)}"}}',
        f'    fast -- "{one.places}" --> e["{e}"]',
        f'    fast -- "{many.places}" --> f["{f}"]',
        f'    slow -- "{one.places}" --> g["{g}"]',
        f'    slow -- "{many.places}" --> h["{h}"]',
        "```",
        "",
        f"The answers for CPU-bound pages are those at {slow.places} in flight.",
        "",
    )


def leaf(verdict: Verdict | None) -> str:
    """Return what stands at the end of a branch."""
    if verdict is None:
        return NOT_MEASURED
    if not verdict.decided:
        return f"{UNDECIDED}:<br/>{' = '.join(verdict.tied)}"
    if verdict.lead is None:
        return f"{verdict.mode}"
    return f"{verdict.mode}<br/>{verdict.lead.text(2)} × {verdict.next}"


def edge_table(found: list[Edge]) -> Table:
    """Return all edges, each with its threshold, and the ratio where it is first sure."""
    return Table(
        title="From where on a mode is faster than another",
        columns=("edge", "threshold", "ratio", "run"),
        rows=[[one.name, one.threshold, one.ratio.text(2), f"[grid]({RUN})"] for one in found],
        left=frozenset({"edge", "threshold", "run"}),
        notes=[
            "A threshold lies between the last value at which it is not so, or not sure, and the "
            "first from which on it always is; it is no closer known than the values measured.",
            "`ratio` is that of the two at the first sure value, or at the last one if none is: "
            "the median of the rounds, the least and the greatest.",
        ],
    )


def _threshold(found: list[Edge], pair: tuple[str, str], unit: str, *, last: bool = False) -> str:
    """Return the threshold of the first edge of *pair* along *unit*, which waits least, or last."""
    fitting = [one for one in found if (one.ours, one.theirs) == pair and one.unit == unit]
    if not fitting:
        return NOT_MEASURED
    return fitting[-1 if last else 0].threshold

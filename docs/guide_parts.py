"""The parts of the guide that kept results make: verdicts, other Pythons, theory held to data."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.bounds import bound
from bench.branches import summary
from bench.cell import Measured
from bench.charts.drawing import CHARTS
from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Verdict
from bench.exhibits.shelf import entries
from bench.flowchart import grid
from bench.results import FOLDER, load
from bench.rounds import by_cell
from bench.spread import spread
from crawler import MODES

__all__ = ["choice", "figure", "interpreters", "littles_law", "others", "verdict", "verdicts"]

DOCS = Path(__file__).resolve().parent
#: Pythons whose exhibits are kept beside ours.
OTHERS = ("3.14", "3.15")
LATENCY = 0.1  # seconds; that of the kept run for Little's law


def verdicts(results: Path = FOLDER) -> str:
    """Return all claims with their verdicts, or what to run where none are kept."""
    kept = _kept("exhibits", results)
    if kept is None:
        return "Not measured yet: `python -m bench exhibits` does.\n"
    programs = {one.name: one.module.rpartition(".")[2] for one in entries()}
    shown = [one for one in kept.cells if one.name in programs]
    heads = ["| row | claim | verdict |", "|--:|---|---|"]
    rows = [
        f"| [{one.row}](#{one.row}-{one.name}) | {one.claim} | **{one.verdict}** |" for one in shown
    ]
    reasons = [
        f"### {one.row} {one.name}\n\n"
        f"{one.claim}\n\n**{_capital(one.verdict)}.** {one.why}\n"
        f"[The program](../bench/exhibits/{programs[one.name]}.py).\n"
        for one in shown
    ]
    every = "Every round of every figure is in [exhibits.json](../bench/results/exhibits.json).\n"
    notes = [f"{note}\n" for note in kept.notes]
    return "\n".join([*heads, *rows, "", "## What was measured", "", *reasons, every, *notes])


def verdict(name: str, results: Path = FOLDER) -> str:
    """Return what one exhibit came to, in a paragraph that leads to its program."""
    [entry] = [one for one in entries() if one.name == name]
    link = f"[Exhibit {entry.row}](../bench/exhibits/{entry.module.rpartition('.')[2]}.py)"
    kept = _kept("exhibits", results)
    found = [one for one in kept.cells if one.name == name] if kept else []
    measured = f"**{found[0].verdict}**. {found[0].why}" if found else "not measured yet."
    return f'"{entry.claim}" {link}: {measured}\n'


def choice(results: Path = FOLDER) -> str:
    """Return the fastest mode for some workloads, or what to run where no grid is kept."""
    if not (results / "grid.json").exists():
        return "Not measured yet: `python -m bench grid` does.\n"
    table = summary(grid(results / "grid.json"))
    rows = [f"| {' | '.join(row)} |" for row in table.rows]
    heads = [f"| {' | '.join(table.columns)} |", "|---|--:|--:|---|"]
    return "\n".join([*heads, *rows, ""])


def figure(name: str, alt: str, docs: Path = DOCS) -> str:
    """Return a picture and what it was drawn from, or what to run where it was not drawn."""
    if (docs / "figures" / f"{name}.svg").exists():
        chart = CHARTS[name]
        data = f"[{chart.results}.json](../bench/results/{chart.results}.json)"
        return (
            f"![{alt}](figures/{name}.svg)\n\n"
            f"[PNG](figures/{name}.png), from {data}: measured by `{chart.command}`, "
            f"drawn by `python -m bench figure {name}`.\n"
        )
    return f"Not drawn yet: `python -m bench figure {name}` does, from kept results.\n"


def others(results: Path = FOLDER) -> str:
    """Return the exhibits whose verdict is another with another Python, and what was skipped."""
    ours = _kept("exhibits", results)
    lines = []
    for version in OTHERS:
        theirs = _kept(f"exhibits-{version}", results)
        if ours is None or theirs is None:
            lines.append(f"Not measured yet: `make exhibits-{version}` does.\n")
            continue
        lines += _differences(ours, theirs)
    return "\n".join(lines)


def interpreters(results: Path = FOLDER) -> str:
    """Return what other Pythons have, and what our packages say in a sub-interpreter."""
    found = {}
    for version in OTHERS:
        path = results / f"subinterpreters-{version}.json"
        if path.exists():
            found[version] = json.loads(path.read_text(encoding="utf-8"))
    if not found:
        return f"Not measured yet: `make exhibits-{OTHERS[0]}` does.\n"
    heads = ["", *(one["python"] for one in found.values())]
    rows = [heads, ["---"] * len(heads), *_features(list(found.values()))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def littles_law(results: Path = FOLDER) -> str:
    """Return for each number in flight what the law allows, and what was measured."""
    path = results / "little.json"
    if not path.exists():
        return "Not measured yet: `python -m bench little` does.\n"
    kept = load(path)
    rows = ["| mode | in flight | allowed | limit | measured |", "|---|--:|--:|---|--:|"]
    cells = by_cell(kept.cells)
    for cell in sorted(cells, key=lambda cell: (MODES.index(cell.mode), cell.concurrency)):
        runs = cells[cell]
        limits = [
            bound(run, latency=LATENCY, cores=kept.machine.cores, pinned=False) for run in runs
        ]
        allowed = spread(limit.pages_per_s for limit in limits)
        rows.append(
            f"| `{cell.mode}` | {cell.concurrency} | {allowed.median:.0f} pages/s "
            f"| {limits[0].name} | {_rate(runs)} |"
        )
    return "\n".join([*rows, "", kept.machine.sentence(), ""])


def _rate(runs: Sequence[Measured]) -> str:
    return f"{spread(run.pages_per_s for run in runs).text()} pages/s"


def _differences(ours: ExhibitResults, theirs: ExhibitResults) -> Iterator[str]:
    known = {one.name: one for one in ours.cells}
    here = [one for one in theirs.cells if one.name in known]
    skipped = [one for one in here if one.verdict == Verdict.SKIPPED]
    ran = [one for one in here if one not in skipped]
    changed = [one for one in ran if one.verdict != known[one.name].verdict]
    yield (
        f"Python {_python(theirs)}: exhibits run {len(ran)}, skipped {len(skipped)}, with another "
        f"verdict than with {_python(ours)} {len(changed)}.\n"
    )
    for one in changed:
        yield (
            f"- Row {one.row}, {one.name}: {known[one.name].verdict} became **{one.verdict}**. "
            f"{one.why}"
        )
    if changed:
        yield ""


def _features(found: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    yield ["start method by default", *(f"`{one['start_method']}`" for one in found)]
    yield ["built without the GIL", *(_yes(one["free_threading_build"]) for one in found)]
    yield ["sub-interpreters", *(_yes(one["subinterpreters"]) for one in found)]
    yield ["`python -m asyncio pstree` answers", *(_yes(bool(one["pstree"])) for one in found)]
    for kind in dict.fromkeys(kind for one in found for kind in one["speed_ups"]):
        ratios = (one["speed_ups"].get(kind) for one in found)
        yield [
            f"two {kind} against one, pages in Python",
            *("" if values is None else f"{spread(values).text(2)} ×" for values in ratios),
        ]
    packages = dict.fromkeys(name for one in found for name in one["import_failures"] or {})
    for name in packages:
        said = ((one["import_failures"] or {}).get(name, "") for one in found)
        yield [f"`import {name}` in a sub-interpreter", *(text or "works" for text in said)]


def _kept(name: str, results: Path) -> ExhibitResults | None:
    path = results / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=ExhibitResults) if path.exists() else None


def _python(results: ExhibitResults) -> str:
    return results.machine.python


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if value else "no"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

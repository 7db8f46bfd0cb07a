"""The command line: `python -m bench` and the name of an experiment; alone it measures our own."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench import (
    border,
    connections,
    exhibition,
    fetch,
    flowchart,
    instructions,
    lessons,
    little,
    load,
    memory,
    modes,
    path,
    peers,
    server,
    timeline,
    tracing,
    truth,
)
from bench.cell import BenchError
from bench.demo import demo
from bench.grid import measuring
from bench.grid.comparing import comparison
from bench.layout import show
from bench.results import FOLDER, Kept, checked, keep
from bench.table import tables
from bench.truth_results import joined
from fixtures.running import ServeError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Quick = Annotated[bool, typer.Option("--quick", help="Small and rough; nothing is kept.")]
Pinned = Annotated[
    bool, typer.Option("--pinned", help="Give the server one core and the crawl the others.")
]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """Measure on this machine: one name, or little, modes and memory (half an hour)."""
    if context.invoked_subcommand is None:
        for measure in (little.measure, modes.measure, memory.measure):
            _report(measure(), quick=False)


@app.command("border")
def border_command(*, quick: Quick = False) -> None:
    """What it costs a page to cross to a worker process, in three ways; 3 minutes."""
    _report(border.measure(border.QUICK if quick else border.FULL), quick=quick)


@app.command("connections")
def connections_command(*, quick: Quick = False) -> None:
    """Hundreds and ten thousand connections at once: speed and memory; 3 minutes."""
    _report(connections.measure(connections.QUICK if quick else connections.FULL), quick=quick)


@app.command("demo")
def demo_command() -> None:
    """Crawl 200 pages of a local site, then compare the five modes; under half a minute."""
    demo()


@app.command("exhibits")
def exhibits_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or rows; all if left out.")
    ] = None,
    *,
    quick: Quick = False,
    interpreter: Annotated[
        str, typer.Option("--interpreter", help="The command of another Python to run them with.")
    ] = "",
) -> None:
    """A verdict on each claim of the article, one experiment each; 30 minutes."""
    for found in exhibition.measure(names or (), interpreter, quick=quick):
        results = found if quick else exhibition.joined(found)
        if not quick:
            keep(results)  # it stays though a later one should fail
    _report(results, quick=quick)


@app.command("fetch")
def fetch_command(*, quick: Quick = False) -> None:
    """The CPU of a request at 1, 50 and 1000 in flight, ours and others'; 10 minutes."""
    _report(fetch.measure(fetch.QUICK if quick else fetch.FULL), quick=quick)


@app.command("figure")
def figure_command(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all if left out.")] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Draw nothing; fail if a figure is not up to date.")
    ] = False,
) -> None:
    """Draw the figures of docs/figures from kept results, as SVG and PNG; seconds."""
    from bench.charts import drawing  # matplotlib is slow to import

    if check:
        if old := drawing.stale():
            raise BenchError(f"not up to date: {', '.join(old)}: run `python -m bench figure`")
        return
    for name in drawing.measured(names or ()):
        print(*(path.name for path in drawing.draw(name)))


@app.command("flowchart")
def flowchart_command(
    *,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Write nothing; tell how this other kept grid differs."),
    ] = None,
) -> None:
    """Write docs/choosing.md from the kept grid: which mode for which workload; a second."""
    if compare is None:
        print(f"Wrote {flowchart.write().name}.")
        return
    ours = flowchart.grid(FOLDER / "grid.json")
    for table in comparison(ours, flowchart.grid(compare)):
        show(table)


@app.command("grid")
def grid_command(
    *,
    quick: Quick = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what a run that was broken off has measured.")
    ] = False,
) -> None:
    """Which mode is fastest: latency, work of a page, number in flight; 25 minutes, resumable."""
    with tempfile.TemporaryDirectory() as folder:
        scale, part = measuring.FULL, measuring.PART
        if quick:
            scale, part = measuring.QUICK, Path(folder, part.name)
        _report(measuring.measure(scale, part, fresh=fresh), quick=quick)
    part.unlink(missing_ok=True)  # the whole is kept


@app.command("instructions")
def instructions_command(*, quick: Quick = False) -> None:
    """What `--trace` costs a page in instructions, counted by valgrind; 10 minutes."""
    _report(instructions.measure(instructions.QUICK if quick else instructions.FULL), quick=quick)


@app.command("lessons")
def lessons_command(*, quick: Quick = False) -> None:
    """What the ten mistakes of docs/lessons cost, broken and repaired; 2 minutes."""
    _report(lessons.measure(lessons.QUICK if quick else lessons.FULL), quick=quick)


@app.command("little")
def little_command(*, quick: Quick = False, pinned: Pinned = False) -> None:
    """Little's law at 100 ms: threads, async and hybrid against what limits them; 6 minutes."""
    scale = little.QUICK if quick else little.FULL
    _report(little.measure(scale, pinned=pinned), quick=quick)


@app.command("load")
def load_command(*, quick: Quick = False) -> None:
    """Load tools against each other on nginx: speed and CPU of a request; 9 minutes."""
    _report(load.measure(load.QUICK if quick else load.FULL), quick=quick)


@app.command("memory")
def memory_command(*, quick: Quick = False) -> None:
    """Memory over 200 000 URLs in threads and a million in hybrid; 15 minutes."""
    _report(memory.measure(memory.QUICK if quick else memory.FULL), quick=quick)


@app.command("modes")
def modes_command(*, quick: Quick = False) -> None:
    """All five modes on 30 kB pages at 0 and 50 ms, CPU by stage; 6 minutes."""
    _report(modes.measure(modes.QUICK if quick else modes.FULL), quick=quick)


@app.command("path")
def path_command(*, quick: Quick = False) -> None:
    """Where the CPU of a page goes in async and hybrid, step by step; 2 minutes."""
    _report(path.measure(path.QUICK if quick else path.FULL), quick=quick)


@app.command("peers")
def peers_command(*, quick: Quick = False) -> None:
    """Ours against other people's crawlers, and hybrid against its parts; 10 minutes."""
    _report(peers.measure(peers.QUICK if quick else peers.FULL), quick=quick)


@app.command("server")
def server_command(*, quick: Quick = False) -> None:
    """The test server against nginx, and the truth of its delays; 4 minutes."""
    _report(server.measure(server.QUICK if quick else server.FULL), quick=quick)


@app.command("timeline")
def timeline_command(*, quick: Quick = False) -> None:
    """The same 50 pages in five modes, step by step on one axis of time; a minute."""
    _report(timeline.measure(timeline.QUICK if quick else timeline.FULL), quick=quick)


@app.command("trace")
def trace_command(*, quick: Quick = False) -> None:
    """What `--trace` costs a page in each mode, in ten pairs; a quarter of an hour."""
    _report(tracing.measure(tracing.QUICK if quick else tracing.FULL), quick=quick)


@app.command("truth")
def truth_command(
    *,
    quick: Quick = False,
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help=f"Measure this part only, and keep what is known of the others; may be repeated: "
            f"{', '.join(truth.PARTS)}.",
        ),
    ] = None,
) -> None:
    """Whether what `crawl load` says is true, against servers that know; 20 minutes."""
    results = truth.measure(truth.QUICK if quick else truth.FULL, part or ())
    _report(results if quick or not part else joined(results), quick=quick)


def _report(results: Kept, *, quick: bool) -> None:
    """Keep the results unless they are rough, and show them; raises BenchError if refused."""
    path = None if quick else keep(checked(results))
    for table in tables(checked(results)):
        show(table)
    print("Nothing kept: --quick is too rough." if path is None else f"Kept in {path.name}.")


def main(run: Callable[[], object] = app) -> None:
    """Run the command line; what cannot be measured ends in one line and 1."""
    try:
        run()
    except (BenchError, ServeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

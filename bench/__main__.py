"""The command line: `python -m bench` and demo, little, memory or modes; alone it measures all."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from bench import little, memory, modes
from bench.cell import BenchError
from bench.demo import demo
from bench.layout import show
from bench.results import Results, checked, keep
from bench.table import tables
from fixtures.running import ServeError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Quick = Annotated[bool, typer.Option("--quick", help="Small and rough; nothing is kept.")]
Pinned = Annotated[
    bool, typer.Option("--pinned", help="Give the server one core and the crawl the others.")
]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """Measure the crawl on this machine: one name, or all that is kept (half an hour)."""
    if context.invoked_subcommand is None:
        for measure in (little.measure, modes.measure, memory.measure):
            _report(measure(), quick=False)


@app.command("demo")
def demo_command() -> None:
    """Crawl 200 pages of a local site, then compare the five modes; under half a minute."""
    demo()


@app.command("little")
def little_command(*, quick: Quick = False, pinned: Pinned = False) -> None:
    """Little's law at 100 ms: threads, async and hybrid against what limits them; 6 minutes."""
    scale = little.QUICK if quick else little.FULL
    _report(little.measure(scale, pinned=pinned), quick=quick)


@app.command("memory")
def memory_command(*, quick: Quick = False) -> None:
    """Memory from 20 000 to 200 000 URLs, threads and hybrid; 10 to 15 minutes."""
    _report(memory.measure(memory.QUICK if quick else memory.FULL), quick=quick)


@app.command("modes")
def modes_command(*, quick: Quick = False) -> None:
    """All five modes on 30 kB pages at 0 and 50 ms, CPU by stage; 6 minutes."""
    _report(modes.measure(modes.QUICK if quick else modes.FULL), quick=quick)


def _report(results: Results, *, quick: bool) -> None:
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

"""All exhibits, one fresh interpreter for each, and the table of their verdicts."""

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.cell import BenchError, environment
from bench.exhibits.exhibit import Figure, Verdict
from bench.exhibits.shelf import Entry, entries, named
from bench.interpreters import installed
from bench.layout import Table
from bench.machine import Machine, machine
from bench.results import FOLDER, Kept, Run
from bench.rounds import say

__all__ = ["ExhibitResults", "Shown", "joined", "measure", "play", "tables"]

PATIENCE = 900.0  # seconds for one exhibit
NAME = "exhibits"


class Shown(msgspec.Struct, kw_only=True, frozen=True):
    """What came of one exhibit; ``shown`` is None where its evidence is a time."""

    row: int
    name: str
    claim: str
    python: str
    verdict: Verdict
    why: str
    shown: bool | None
    seconds: float
    figures: list[Figure]

    @property
    def pages_per_s(self) -> float:
        """Return nothing: each exhibit has looked after its own server."""
        return 0.0


class ExhibitResults(Kept, kw_only=True, frozen=True):
    """What came of all exhibits."""

    cells: list[Shown]

    @property
    def runs(self) -> Sequence[Run]:
        """All exhibits."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if what an exhibit is about was not seen."""
        if unseen := [one.name for one in self.cells if one.shown is False]:
            raise BenchError(f"not kept: {', '.join(unseen)} did not show what they are about")


def measure(
    names: Sequence[str] = (), interpreter: str = "", *, quick: bool = False
) -> Iterator[ExhibitResults]:
    """Run the exhibits of these names, or all, with our own Python or with *interpreter*.

    After each one yields what came of all so far.

    *interpreter* is a command, its words as a shell would split them.  Raises BenchError for an
    unknown name, and for an exhibit that fails.
    """
    try:
        wanted = named(list(names))
    except LookupError as error:
        raise BenchError(str(error)) from None
    command = shlex.split(interpreter) or [sys.executable]
    stamp = _stamp(command)
    found = []
    for entry in wanted:
        found.append(play(entry, command, quick=quick))
        say(f"{len(found)} of {len(wanted)}: {entry.name}: {found[-1].verdict}")
        yield _results(found, stamp)


def _stamp(command: Sequence[str]) -> Machine:
    """Return the stamp of this machine with the Python of *command* and the packages it has."""
    here = machine()
    python, versions = installed(command, here.versions)
    return msgspec.structs.replace(
        here,
        python=python,
        loop="uvloop" if "uvloop" in versions else "asyncio",
        versions={"crawl": here.versions["crawl"]} | versions,
    )


def _results(found: list[Shown], stamp: Machine) -> ExhibitResults:
    ours = stamp.python == platform.python_version()
    return ExhibitResults(
        name=NAME if ours else f"{NAME}-{_short(stamp.python)}",
        machine=stamp,
        how=[
            "Each exhibit is a program of its own in `bench/exhibits`, run in a fresh interpreter; "
            "what it compares is interleaved in shuffled rounds.",
            "Figures are medians, with the least and the greatest of all rounds in brackets.",
        ],
        settings={},
        ceiling_per_s=None,
        cells=found,
    )


def play(entry: Entry, interpreter: Sequence[str], *, quick: bool) -> Shown:
    """Run one exhibit in a fresh interpreter; raises BenchError if it fails or does not end."""
    words = [*interpreter, "-m", "bench.exhibits", entry.name, *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, env=environment(), check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{entry.name} did not end in {PATIENCE:.0f} s") from None
    if done.returncode:
        raise BenchError(f"{entry.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return msgspec.convert(json.loads(done.stdout.splitlines()[-1]), Shown)


def joined(results: ExhibitResults, folder: Path = FOLDER) -> ExhibitResults:
    """Return *results* with what is kept of the exhibits that were not run this time."""
    path = folder / f"{results.name}.json"
    if not path.exists():
        return results
    kept = msgspec.json.decode(path.read_bytes(), type=ExhibitResults)
    known = {one.name for one in entries()}
    both = {one.name: one for one in [*kept.cells, *results.cells] if one.name in known}
    return msgspec.structs.replace(results, cells=sorted(both.values(), key=lambda one: one.row))


def tables(results: ExhibitResults) -> list[Table]:
    """Return two tables: the verdicts, and all figures that they rest on."""
    return [
        Table(
            title="Claims and verdicts",
            columns=("row", "exhibit", "verdict", "claim, and what was measured"),
            rows=[
                [str(one.row), one.name, one.verdict, f"{one.claim} Measured: {one.why}"]
                for one in results.cells
            ],
            left=frozenset({"exhibit", "verdict", "claim, and what was measured"}),
            notes=results.notes,
        ),
        Table(
            title="What was measured",
            columns=("row", "exhibit", "figure", "measured"),
            rows=list(_figures(results.cells)),
            left=frozenset({"exhibit", "figure", "measured"}),
        ),
    ]


def _figures(shown: Sequence[Shown]) -> Iterator[list[str]]:
    for one in shown:
        for figure in one.figures:
            if figure.at is None:  # a curve is drawn
                yield [str(one.row), one.name, figure.name, figure.text()]


def _short(python: str) -> str:
    return ".".join(python.split(".")[:2])

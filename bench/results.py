"""Keep what was measured as JSON, unless it cannot be compared, and load it again."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from bench.ceiling import MOST
from bench.cell import BenchError, Measured
from bench.machine import Machine

__all__ = ["FOLDER", "Kept", "Results", "checked", "keep", "load"]

FOLDER = Path(__file__).resolve().parent / "results"


class Run(Protocol):
    """What the runs of all experiments have."""

    @property
    def pages_per_s(self) -> float:
        """Return how fast it was."""


class Kept(msgspec.Struct, kw_only=True, frozen=True):
    """What the results of all experiments have.

    ``how`` says in sentences how it was done, ``settings`` what the tables must know of that.
    ``ceiling_per_s`` is what the server gives to the cheapest client, None where there is no
    server.  An experiment adds ``cells``, as its last field, with each run by itself.
    """

    name: str
    machine: Machine
    how: list[str]
    settings: dict[str, float]
    ceiling_per_s: float | None

    @property
    def runs(self) -> Sequence[Run]:
        """All runs, of whatever shape."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Raise BenchError if the runs cannot be compared."""
        raise NotImplementedError

    @property
    def share_of_ceiling(self) -> float:
        """How much of what the server can give the fastest run took."""
        if self.ceiling_per_s is None:
            return 0.0
        return max(one.pages_per_s for one in self.runs) / self.ceiling_per_s

    @property
    def notes(self) -> list[str]:
        """What stands below the tables: how it was done, with how much of the server, where."""
        server = (
            []
            if self.ceiling_per_s is None
            else [
                f"The server gives {self.ceiling_per_s:.0f} answers/s to the cheapest client; the "
                f"fastest run took {self.share_of_ceiling:.0%} of that."
            ]
        )
        return [*self.how, *server, self.machine.sentence()]


_Kept = TypeVar("_Kept", bound=Kept)


class Results(Kept, kw_only=True, frozen=True):
    """Everything one experiment with our own modes measured."""

    cells: list[Measured]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if a run did not do its work, or another work than the others."""
        works: dict[str, list[Measured]] = defaultdict(list)
        for one in self.cells:
            works[one.cell.work].append(one)
            if one.ok != one.cell.pages:
                raise BenchError(
                    f"not kept: {one.cell.mode} on {one.cell.work} has {one.ok} ok records "
                    f"instead of {one.cell.pages}"
                )
        for work, runs in works.items():
            if len({(one.ok, one.digest) for one in runs}) > 1:
                found = ", ".join(
                    sorted({f"{one.cell.mode}: {one.ok} pages, {one.digest[:12]}" for one in runs})
                )
                raise BenchError(f"not kept: not the same work on {work}: {found}")


def checked(results: _Kept) -> _Kept:
    """Return *results* if its runs may be compared; raises BenchError that says why not."""
    results.refuse()
    if results.share_of_ceiling > MOST:
        raise BenchError(
            f"not kept: the crawl took {results.share_of_ceiling:.0%} of what the server can give "
            f"({results.ceiling_per_s:.0f} answers/s); above {MOST:.0%} the server is measured"
        )
    return results


def keep(results: Kept, folder: Path = FOLDER) -> Path:
    """Write *results* to its file, whole or not at all; raises BenchError as `checked` does."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{results.name}.json"
    coming = path.with_suffix(".part")
    coming.write_bytes(_lines(checked(results)))
    os.replace(coming, path)
    return path


def load(path: Path) -> Results:
    """Return what was kept of our own modes."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def _lines(results: Kept) -> bytes:
    """Return JSON with one run a line, so that a change can be read."""
    head, _, _ = msgspec.json.encode(msgspec.structs.replace(results, cells=[])).rpartition(b"[]")
    return head + b"[\n" + b",\n".join(map(msgspec.json.encode, results.runs)) + b"\n]}\n"

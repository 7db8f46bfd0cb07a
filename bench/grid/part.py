"""What a grid has measured so far, a line for each run, so that it can go on after a break."""

from pathlib import Path

import msgspec

from bench.grid.results import GridRun
from bench.machine import Machine

__all__ = ["Head", "Part"]


class Head(msgspec.Struct, kw_only=True, frozen=True):
    """What all runs of a grid share; the first line.

    Pages link to the *port* they came from: on another they would be other pages.
    """

    machine: Machine
    settings: dict[str, float]
    ceiling_per_s: float
    gil: dict[str, float]
    port: int

    def fits(self, machine: Machine, settings: dict[str, float]) -> bool:
        """Tell whether its runs may stand beside runs of now; the day does not matter."""
        then = msgspec.structs.replace(self.machine, date=machine.date)
        return (then, self.settings) == (machine, settings)


class Part:
    """The file at *path*; `head` is None while it holds nothing."""

    def __init__(self, path: Path):
        self._path = path
        self.head: Head | None = None
        self.runs: list[GridRun] = []
        # A last line without its end was being written when the run was broken off.
        whole = path.read_bytes().rpartition(b"\n")[0].splitlines() if path.exists() else []
        if whole:
            self.head = msgspec.json.decode(whole[0], type=Head)
            self.runs = [msgspec.json.decode(line, type=GridRun) for line in whole[1:]]

    def begin(self, head: Head) -> None:
        """Forget what was there."""
        self.head, self.runs = head, []
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_bytes(msgspec.json.encode(head) + b"\n")

    def go_on(self) -> None:
        """Write the file anew without a torn last line."""
        lines = [self.head, *self.runs]
        self._path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))

    def add(self, run: GridRun) -> None:
        """Keep one more run, on the disk before this returns."""
        self.runs.append(run)
        with self._path.open("ab") as lines:
            lines.write(msgspec.json.encode(run) + b"\n")

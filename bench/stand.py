"""A test server for one experiment: its lists of pages, and the cores it and the crawl run on."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.running import Running, serve

__all__ = ["Stand", "set_up"]


@dataclass(frozen=True)
class Stand:
    """A running server; ``lists`` has the file of each work.

    Unless both run on all cores (``cores`` is empty) the server has the last core to itself
    and the crawl the ``cores``.
    """

    running: Running
    folder: Path
    cores: list[int]
    lists: dict[str, Path] = field(default_factory=dict)

    def write_list(self, work: str, pages: int, path: Callable[[int], str]) -> None:
        """Write the list of a work: line number *n* asks for `path(n)`."""
        self.lists[work] = self.folder / f"{work}.txt"
        with self.lists[work].open("w", encoding="ascii") as lines:
            lines.writelines(f"{self.running.url}{path(number)}\n" for number in range(pages))


@contextlib.contextmanager
def set_up(*, pinned: bool = False, **options: object) -> Iterator[Stand]:
    """Serve for as long as the body runs; *options* are those of the server."""
    with tempfile.TemporaryDirectory() as folder, serve(**options) as running:
        yield Stand(running, Path(folder), _pin(running.pid) if pinned else [])


def _pin(site_pid: int) -> list[int]:
    """Put the server on the last core, and return the others."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    *others, last = sorted(os.sched_getaffinity(0))
    if others:
        os.sched_setaffinity(site_pid, [last])
    return others

"""Run a load tool against nginx, and learn its speed and cost from outside, the same for all.

Requests are those that nginx counts and CPU is what the processes have used, both between two
looks inside the run: so start-up, compiling at run time and reports are in nobody's figures, and
what a tool says of itself is only compared.
"""

import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.cell import BenchError, environment
from bench.meter import cpu_of_family
from bench.nginx import Count, Page, counter, on_cores
from bench.tools import Said, Tool

__all__ = ["Look", "Looks", "Turn", "contest", "judged"]

#: Seconds that a tool is to run beyond the last look: Locust's clock is 1 s ahead at its start.
SPARE = 3
PATIENCE = 30.0  # seconds for the first request, and again for the end after the last look
OFTEN = 0.01  # seconds between two looks for the first request


class Look(NamedTuple):
    """At a monotonic instant: what nginx has had, and CPU seconds of the tool and of nginx."""

    at: float
    had: Count
    client: float
    server: float


class Looks(NamedTuple):
    """When to look, in seconds after the first request."""

    begin: float
    end: float


class Turn(msgspec.Struct, kw_only=True, frozen=True):
    """One run of a tool: requests a second, and CPU seconds of a request, between the looks.

    ``server_busy`` is the share of its core that nginx used.  ``startup_s`` goes from the start
    of the command to the first request.  Of the whole run: the requests and ``connections`` that
    nginx ``counted``, and the answers and troubles that the tool says it had.
    """

    who: str
    requests_per_s: float
    cpu: float
    server_cpu: float
    server_busy: float
    startup_s: float
    connections: int
    counted: int
    said: int
    troubles: int

    @property
    def pages_per_s(self) -> float:
        """Return how fast it was."""
        return self.requests_per_s


def contest(tool: Tool, page: Page, cores: Sequence[int], looks: Looks) -> Turn:
    """Have *tool* ask nginx for its page, on *cores*; raises BenchError if it does not."""
    with tempfile.TemporaryDirectory() as name, counter(page) as count:
        folder = Path(name)
        words = tool.command(page.url, math.ceil(looks.end) + SPARE, folder / "report")
        before = count()
        began = time.monotonic()
        with (folder / "said").open("wb") as said, (folder / "trouble").open("wb") as trouble:
            child = subprocess.Popen(
                on_cores(cores, words), stdout=said, stderr=trouble, env=environment()
            )
            try:
                first = _first_request(child, count, before)
                seen = [_look(child, count, page, first + after) for after in looks]
                status = child.wait(PATIENCE)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise BenchError(f"{tool.name}: {error}; {_end_of(folder)}") from None
            finally:
                child.kill()
                child.wait()
        if status:
            raise BenchError(f"{tool.name} ended with {status}: {_end_of(folder)}")
        report = folder / "report.json"
        text = (report if report.exists() else folder / "said").read_text(encoding="utf-8")
        whole = Count(*(now - then for now, then in zip(count(), before, strict=True)))
        return judged(tool.name, first - began, seen, whole, tool.said(text))


def judged(who: str, startup_s: float, seen: Sequence[Look], whole: Count, said: Said) -> Turn:
    """Return the turn of *who* from its first look to its last; raises BenchError without any."""
    begin, end = seen[0], seen[-1]
    done, seconds = end.had.requests - begin.had.requests, end.at - begin.at
    if not done:
        raise BenchError(f"{who} asked for nothing between the looks")
    server = end.server - begin.server
    return Turn(
        who=who,
        requests_per_s=done / seconds,
        cpu=(end.client - begin.client) / done,
        server_cpu=server / done,
        server_busy=server / seconds,
        startup_s=startup_s,
        connections=whole.connections,
        counted=whole.requests,
        said=said.answers,
        troubles=said.troubles,
    )


def _first_request(
    child: subprocess.Popen[bytes], count: Callable[[], Count], before: Count
) -> float:
    """Wait until nginx has had a request, and return when that was; raises OSError."""
    until = time.monotonic() + PATIENCE
    while count().requests == before.requests:
        if child.poll() is not None or time.monotonic() > until:
            raise OSError("no request")
        time.sleep(OFTEN)
    return time.monotonic()


def _look(
    child: subprocess.Popen[bytes], count: Callable[[], Count], page: Page, at: float
) -> Look:
    """Wait until *at* and look; raises OSError if the tool has ended by then."""
    time.sleep(max(0.0, at - time.monotonic()))
    if child.poll() is not None:
        raise OSError("it ended before the last look")
    counted = count()
    return Look(time.monotonic(), counted, cpu_of_family(child.pid), cpu_of_family(page.pid))


def _end_of(folder: Path) -> str:
    """Return the last lines of what a tool said of its troubles, or else of all it said."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("trouble", "said")]
    lines = next((text for text in texts if text.strip()), "it said nothing").strip().splitlines()
    return " / ".join(lines[-3:])

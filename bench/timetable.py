"""Ask for pages by a timetable that waits for no answer, from this fresh interpreter."""

import asyncio
import json
import os
import random
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.meter import memory_of
from fixtures.net.timer import make_timer

__all__ = ["Asked", "Errand", "TimetableError", "answer_in", "ask", "injected_in", "timetable"]

TOGETHER = 500  # connections opened at once: below what a listener lines up
SPARE = 100  # open files beside the connections
PATIENCE = 30.0  # seconds for the last answer, when nothing more is asked for

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TIMING = re.compile(rb"\r\nserver-timing: *([^\r]*)", re.IGNORECASE)
_INJECTED = re.compile(r"\binjected;dur=([\d.]+)")


class TimetableError(Exception):
    """An answer is not what it should be, or a request found no connection that is free."""


@dataclass(frozen=True)
class Errand:
    """Ask for the first *pages* of the site *url* in turn, each with *query*.

    All *connections* are opened first. Then so many *requests* leave at random instants of so
    many *seconds*, or all at once (0). The server's memory is read before the first connection
    and *look* seconds after the first request. An empty list of *cores* means any.
    """

    url: str
    query: str
    pages: int
    requests: int
    connections: int
    seconds: float
    look: float
    site_pid: int
    cores: list[int]


@dataclass(frozen=True)
class Asked:
    """How early and how late an answer came at most, by the client's clock, in seconds.

    That is the time from asking to the first byte, beyond the delay that the answer says was
    injected: below 0 it came too early. ``memory`` is what the server took more, in bytes.
    """

    answers: int
    earliest: float
    latest: float
    memory: int


def timetable(requests: int, seconds: float, seed: int = 1) -> list[float]:
    """Return when requests leave, in seconds from the start: independent instants, in order.

    So many in so long a time are those of a Poisson process, as of many people who do not know
    of each other.
    """
    drawn = random.Random(seed)
    return sorted(drawn.uniform(0.0, seconds) for _ in range(requests))


def injected_in(timing: str) -> float | None:
    """Return the injected delay in seconds that the value of Server-Timing holds, None if none.

    The metric is `injected;dur=20.5`, in milliseconds.
    """
    found = _INJECTED.search(timing)
    return float(found[1]) / 1000 if found else None


def answer_in(got: bytes) -> float | None:
    """Return the delay in seconds that a whole answer says was injected; None when not all came.

    Raises TimetableError if it is no answer with a length, a status of 200, and the delay.
    """
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return None
    length, timing = _LENGTH.search(head), _TIMING.search(head)
    injected = injected_in(timing[1].decode("latin-1")) if timing else None
    if not head.startswith(b"HTTP/1.1 200 ") or length is None or injected is None:
        raise TimetableError(f"no page with its injected delay: {head.decode('latin-1')!r}")
    return injected if len(body) >= int(length[1]) else None


class Client:
    """Open connections, those of them that are free, and the errors of the answers so far."""

    def __init__(self, errand: Errand) -> None:
        where = urlsplit(errand.url)
        self._errand = errand
        self._where = (where.hostname or "", where.port or 80)
        self._host = where.netloc
        self._free: list[Line] = []
        self._asked = 0
        self.errors: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open all connections."""
        loop = asyncio.get_running_loop()
        missing = self._errand.connections
        while missing:
            some = min(missing, TOGETHER)
            opening = (
                loop.create_connection(lambda: Line(self), *self._where) for _ in range(some)
            )
            self._free += [line for _, line in await asyncio.gather(*opening)]
            missing -= some

    def ask(self) -> None:
        """Ask for the next page, on the connection that was free last."""
        if not self._free:
            self.fail(TimetableError("no connection is free: the errand needs more of them"))
            return
        path = f"/p/{self._asked % self._errand.pages}?{self._errand.query}"
        self._asked += 1
        self._free.pop().ask(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    def answered(self, line: "Line", error: float) -> None:
        """Note the error of an answer in seconds; with the last one all is done."""
        self._free.append(line)
        self.errors.append(error)
        if len(self.errors) == self._errand.requests and not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        """End it all."""
        if not self.done.done():
            self.done.set_exception(error)


class Line(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._transport: asyncio.Transport
        self._asked = self._waited = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, unless all is done already."""
        self._client.fail(exc or TimetableError("the server closed a connection"))

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self._asked = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note when the first byte came, and what the answer says once it is whole."""
        if not self._got:
            self._waited = time.monotonic() - self._asked
        self._got += data
        try:
            injected = answer_in(self._got)
        except TimetableError as error:
            self._client.fail(error)
            return
        if injected is not None:
            self._got = b""
            self._client.answered(self, self._waited - injected)


async def ask(errand: Errand) -> Asked:
    """Do the errand; raises TimetableError, TimeoutError, and OSError if the system refuses."""
    client = Client(errand)
    read: list[int] = [memory_of(errand.site_pid)]
    await client.connect()
    timer = make_timer(asyncio.get_running_loop())
    began = time.monotonic()
    for at in timetable(errand.requests, errand.seconds):
        timer.at(began + at, client.ask)
    timer.at(began + errand.look, lambda: read.append(memory_of(errand.site_pid)))
    try:
        await asyncio.wait_for(client.done, errand.seconds + PATIENCE)
    finally:
        timer.close()
    before, waiting = read
    return Asked(len(client.errors), min(client.errors), max(client.errors), waiting - before)


def main() -> None:
    """Do the errand that is given as JSON."""
    errand = Errand(**json.loads(sys.argv[1]))
    if errand.cores:
        os.sched_setaffinity(0, errand.cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < errand.connections + SPARE:
        sys.exit(f"{errand.connections} connections need more open files than {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(ask(errand)))))


if __name__ == "__main__":
    main()

"""Ask for pages with one client in this fresh interpreter, and print what a request costs.

It runs in both environments, so it needs the standard library only, uvloop, and the client.
"""

import asyncio
import hashlib
import itertools
import json
import os
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.clients import AWAITING, BLOCKING, UnexpectedAnswerError
from bench.meter import Reading, reading

__all__ = ["Errand", "Fetching", "Tally", "fetch"]


@dataclass(frozen=True)
class Errand:
    """Ask with *client* for the pages of the list *source* again and again for some *seconds*.

    An empty list of *cores* means any.
    """

    client: str
    in_flight: int
    seconds: float
    source: str
    site_pid: int
    cores: list[int]


@dataclass(frozen=True)
class Fetching:
    """What came of it: ``digest`` is over all different bodies, CPU seconds are of one request.

    ``connected_s`` is what it took to ask for every page once, over all connections.
    """

    digest: str
    answers: int
    pages_per_s: float
    client: float
    server: float
    connected_s: float


class Tally:
    """Counts answers, and reads the meters where the steady part begins and ends.

    It begins when everybody in flight has had an answer on a connection of his own and all
    different pages were seen; nobody waits for it, so that all the others are in flight then.
    From there on a body must have the length that it had the first time.
    """

    def __init__(self, urls: list[str], errand: Errand):
        self.urls = urls
        self.endless = itertools.cycle(urls)  # shared by all who ask
        self._errand = errand
        self._digests: dict[str, bytes] = {}
        self._lengths: dict[str, int] = {}
        self._connected = itertools.count(1)  # a step of it is atomic, += is not
        self._answers = itertools.count(1)
        self._until = 0.0
        self._ends: list[tuple[int, Reading]] = []
        self._lock = threading.Lock()

    def first(self, place: int) -> list[str]:
        """Return what number *place* of those in flight asks for first: one page at least."""
        count = len(self.urls)
        return self.urls[place :: self._errand.in_flight] or [self.urls[place % count]]

    def see(self, url: str, body: bytes) -> None:
        """Remember how a page looks; raises UnexpectedAnswerError if it has changed."""
        digest = hashlib.sha256(body).digest()
        if self._digests.setdefault(url, digest) != digest:
            raise UnexpectedAnswerError(f"{url}: the page has changed")
        self._lengths[url] = len(body)

    def connected(self) -> None:
        """Count one whose first pages came; with the last one the steady part begins."""
        if next(self._connected) == self._errand.in_flight:
            self._ends.append((0, reading(self._errand.site_pid)))
            self._until = time.monotonic() + self._errand.seconds

    def count(self, url: str, body: bytes) -> bool:
        """Count an answer, and say whether to go on; the first that comes too late is the last."""
        if not self._until:
            self.see(url, body)
            return True
        if len(body) != self._lengths[url]:
            raise UnexpectedAnswerError(f"{url}: {len(body)} bytes")
        number = next(self._answers)
        if time.monotonic() < self._until:
            return True
        with self._lock:
            if len(self._ends) == 1:
                self._ends.append((number, reading(self._errand.site_pid)))
        return False

    def give_up(self) -> None:
        """Let everybody stop, because somebody failed."""
        self._until = -1.0

    def result(self, began: float) -> Fetching:
        """Return what was measured by one who *began* to connect at that monotonic time."""
        (_, before), (answers, after) = self._ends
        client = after.own_user + after.own_system - before.own_user - before.own_system
        whole = hashlib.sha256(b"".join(sorted(self._digests.values())))
        return Fetching(
            digest=whole.hexdigest(),
            answers=answers,
            pages_per_s=answers / (after.at - before.at),
            client=client / answers,
            server=(after.server - before.server) / answers,
            connected_s=before.at - began,
        )


def fetch(errand: Errand) -> Fetching:
    """Do the errand; raises UnexpectedAnswerError, and whatever the client raises."""
    if errand.cores:
        os.sched_setaffinity(0, errand.cores)
    urls = list(dict.fromkeys(Path(errand.source).read_text(encoding="ascii").split()))
    tally = Tally(urls, errand)
    began = time.monotonic()
    if errand.client in BLOCKING:
        _drive(errand, tally)
    else:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_adrive(errand, tally))
    return tally.result(began)


def _drive(errand: Errand, tally: Tally) -> None:
    """Ask from as many threads as there shall be requests in flight."""

    def ask(place: int) -> None:
        with BLOCKING[errand.client]() as get:
            for url in tally.first(place):
                tally.see(url, get(url))
            tally.connected()
            for url in tally.endless:
                if not tally.count(url, get(url)):
                    break

    pool = ThreadPoolExecutor(errand.in_flight)
    asking = [pool.submit(ask, place) for place in range(errand.in_flight)]
    done, _ = wait(asking, return_when=FIRST_COMPLETED)
    try:
        for one in done:
            one.result()
    except BaseException:
        tally.give_up()
        raise
    finally:
        pool.shutdown()


async def _adrive(errand: Errand, tally: Tally) -> None:
    """Ask from as many tasks as there shall be requests in flight."""
    async with AWAITING[errand.client](errand.in_flight) as get, asyncio.TaskGroup() as asking:

        async def ask(place: int) -> None:
            for url in tally.first(place):
                tally.see(url, await get(url))
            tally.connected()
            for url in tally.endless:
                if not tally.count(url, await get(url)):
                    break
            for task in tasks:
                task.cancel()

        tasks = [asking.create_task(ask(place)) for place in range(errand.in_flight)]


def main() -> None:
    """Do the errand that is given as JSON."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(asdict(fetch(Errand(**given)))))


if __name__ == "__main__":
    main()

"""How pages best cross to a worker process: pickled, packed, or in shared memory; and how many."""

import os
import random
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory

import msgspec

from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say
from bench.spread import spread
from crawler import Fetched, Outcome

__all__ = ["FULL", "QUICK", "BorderResults", "Crossing", "Scale", "measure", "tables"]

BODY = 30_000
AHEAD = 2  # batches on their way, as in hybrid
SLOTS = AHEAD + 1
WAYS = ("pickle", "msgpack", "shared memory")


@dataclass(frozen=True)
class Scale:
    """How many pages cross in one run, in batches of which sizes, and how often."""

    pages: int
    batches: Sequence[int]
    rounds: int


FULL = Scale(pages=8192, batches=(1, 4, 16, 64), rounds=5)
QUICK = Scale(pages=512, batches=(1, 16), rounds=2)


class Crossing(msgspec.Struct, kw_only=True, frozen=True):
    """CPU seconds a page on both sides of the border, for one way and size of batch."""

    way: str
    batch: int
    parent: float
    worker: float

    @property
    def pages_per_s(self) -> float:
        """Return what one core could move if it did nothing else."""
        return 1 / (self.parent + self.worker)


class BorderResults(Kept, kw_only=True, frozen=True):
    """What each crossing cost."""

    cells: list[Crossing]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def refuse(self) -> None:
        """Compare anything: whether all pages arrived whole was checked on the way."""


def measure(scale: Scale = FULL) -> BorderResults:
    """Let pages cross and come to nothing on the other side."""
    found = []
    for number in range(scale.rounds):
        cells = [(way, batch) for way in WAYS for batch in scale.batches]
        for way, batch in random.Random(number).sample(cells, len(cells)):
            found.append(_cross(way, batch, scale.pages))
            say(f"{len(found)} of {scale.rounds * len(cells)}: {way}, batches of {batch}")
    return BorderResults(
        name="border",
        machine=machine(),
        how=[
            f"Pages of {BODY // 1000} kB cross to one worker of a process pool, {AHEAD} batches on "
            "their way at once; the worker looks at each body and forgets it.",
            "Packed means one bytes object of msgpack; in shared memory are the bodies, the rest "
            "is packed.",
            f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest.",
        ],
        settings={},
        ceiling_per_s=None,
        cells=found,
    )


def tables(results: BorderResults) -> list[Table]:
    """Return one table: a row for each size of batch, a column for each way."""
    batches = sorted({one.batch for one in results.cells})
    return [
        Table(
            title="CPU µs a page to cross to a worker process, both sides together",
            columns=("batch", *WAYS),
            rows=[[str(batch), *(_cell(results, way, batch) for way in WAYS)] for batch in batches],
            left=frozenset(),
            notes=results.notes,
        )
    ]


def _cell(results: BorderResults, way: str, batch: int) -> str:
    runs = [one for one in results.cells if (one.way, one.batch) == (way, batch)]
    return spread(one.parent + one.worker for one in runs).text(scale=1e6)


def _cross(way: str, batch: int, pages: int) -> Crossing:
    shared = SharedMemory(create=True, size=SLOTS * batch * BODY)
    body = os.urandom(BODY)
    fetched = [_page(number, body) for number in range(batch)]
    try:
        with ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_attach, initargs=(shared.name,)
        ) as pool:
            _send(pool, _sender(way, shared), fetched, pages // 10)
            parent, worker = _cpu(), pool.submit(_cpu).result()
            _send(pool, _sender(way, shared), fetched, pages)
            parent, worker = _cpu() - parent, pool.submit(_cpu).result() - worker
    finally:
        shared.close()
        shared.unlink()
    return Crossing(way=way, batch=batch, parent=parent / pages, worker=worker / pages)


Submit = Callable[[ProcessPoolExecutor, int, list[Fetched]], "Future[int]"]


def _send(pool: ProcessPoolExecutor, submit: Submit, fetched: list[Fetched], pages: int) -> None:
    under_way: list[Future[int]] = []
    for number in range(max(1, pages // len(fetched))):
        under_way.append(submit(pool, number % SLOTS, fetched))
        if len(under_way) == AHEAD:
            assert under_way.pop(0).result() == BODY * len(fetched)
    assert all(future.result() == BODY * len(fetched) for future in under_way)


def _sender(way: str, shared: SharedMemory) -> Submit:
    if way == "pickle":
        return lambda pool, _, fetched: pool.submit(_take_pickled, fetched)
    if way == "msgpack":
        return lambda pool, _, fetched: pool.submit(_take_packed, _pack(fetched))

    def submit(pool: ProcessPoolExecutor, slot: int, fetched: list[Fetched]) -> "Future[int]":
        at, buffer = slot * len(fetched) * BODY, _buffer(shared)
        rest = []
        for number, one in enumerate(fetched):
            start = at + number * BODY
            buffer[start : start + BODY] = one.body or b""
            rest.append(msgspec.structs.replace(one, body=None))
        return pool.submit(_take_shared, _pack(rest), at)

    return submit


def _page(number: int, body: bytes) -> Fetched:
    url = f"http://127.0.0.1:8000/p/{number}"
    return Fetched(url=url, final_url=url, outcome=Outcome.OK, status=200, body=body)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Fetched]).decode
_attached: list[SharedMemory] = []


def _attach(name: str) -> None:
    _attached.append(SharedMemory(name=name))


def _take_pickled(pages: list[Fetched]) -> int:
    return sum(len(page.body or b"") for page in pages)


def _take_packed(packed: bytes) -> int:
    return _take_pickled(_unpack(packed))


def _take_shared(packed: bytes, at: int) -> int:
    buffer, pages = _buffer(*_attached), _unpack(packed)
    for number, page in enumerate(pages):
        start = at + number * BODY
        page.body = bytes(buffer[start : start + BODY])
    return _take_pickled(pages)


def _buffer(shared: SharedMemory) -> memoryview:
    assert shared.buf is not None  # it is not closed
    return shared.buf


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

"""A warm process pool, and two ways for a page to cross to it: pickled, or in shared memory."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from typing import Any

__all__ = ["AHEAD", "Border", "border", "drive"]

AHEAD = 4  # pages on their way at once

Task = Callable[..., Any]


@dataclass(frozen=True)
class Border:
    """A pool of worker processes, and memory shared with them that has a slot for each page."""

    pool: ProcessPoolExecutor
    memory: SharedMemory

    def pickled(self, _number: int, task: Task, body: bytes, *rest: object) -> Future[Any]:
        """Have a worker do *task* with a body that goes through a pipe."""
        return self.pool.submit(task, body, *rest)

    def shared(self, number: int, task: Task, body: bytes, *rest: object) -> Future[Any]:
        """Have a worker do *task* with a body in shared memory, in the slot of page *number*."""
        begin = number % AHEAD * len(body)
        _buffer(self.memory)[begin : begin + len(body)] = body
        return self.pool.submit(_with_shared, task, begin, begin + len(body), *rest)


@contextmanager
def border(size: int, workers: int) -> Iterator[Border]:
    """Start *workers* that have imported all they need; bodies have at most *size* bytes."""
    memory = SharedMemory(create=True, size=AHEAD * size)
    try:
        with ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_attach, initargs=(memory.name,)
        ) as pool:
            for ready in [pool.submit(os.getpid) for _ in range(workers)]:
                ready.result()
            yield Border(pool, memory)
    finally:
        memory.close()
        memory.unlink()


def drive(send: Callable[[int], Future[Any]], pages: int) -> list[Any]:
    """Send pages by their numbers, a few of them under way at once; return their results."""
    under_way, results = deque[Future[Any]](), []
    for number in range(pages):
        if len(under_way) == AHEAD:
            results.append(under_way.popleft().result())
        under_way.append(send(number))
    return results + [future.result() for future in under_way]


_attached: list[SharedMemory] = []


def _attach(name: str) -> None:
    _attached.append(SharedMemory(name=name))


def _with_shared(task: Task, begin: int, end: int, *rest: object) -> object:
    return task(bytes(_buffer(*_attached)[begin:end]), *rest)


def _buffer(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None  # it is not closed
    return memory.buf

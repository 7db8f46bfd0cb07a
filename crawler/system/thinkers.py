"""Run batches on worker processes or threads from a loop, and single out the piece that breaks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from typing import Generic, TypeVar

from crawler.core.errors import WorkerError
from crawler.system.pools import Crew

__all__ = ["BATCHES_AHEAD", "Thinkers"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

#: Batches in flight for each worker: one being worked on, one ready so that it never idles.
BATCHES_AHEAD = 2


class Thinkers(Generic[_In, _Out]):
    """Runs *task*, which takes a list and returns a list of the same length.

    *timeout* is for one batch, in seconds; it counts twice because another batch may be ahead.
    On a plain executor (threads) nothing can be killed, and the wait has no end.
    """

    def __init__(
        self, workers: Crew | Executor, task: Callable[[list[_In]], list[_Out]], timeout: float
    ):
        self._workers = workers
        self._task = task
        self._timeout = timeout
        self._one_at_a_time = asyncio.Lock()

    async def run(self, batch: list[_In]) -> list[_Out | WorkerError]:
        """Return a result for each piece, in order; WorkerError for one that broke its worker."""
        if isinstance(self._workers, Executor):
            return [*await asyncio.wrap_future(self._workers.submit(self._task, batch))]
        future = self._workers.submit(self._task, batch)
        pool = self._workers.pool  # after submit, which may have replaced a broken one
        try:
            async with asyncio.timeout(BATCHES_AHEAD * self._timeout):
                return [*await asyncio.wrap_future(future)]
        except (BrokenProcessPool, TimeoutError):
            self._workers.replace(pool)
        except Exception:  # noqa: BLE001 (a result that does not pickle: find out whose)
            pass
        async with self._one_at_a_time:
            return [await asyncio.to_thread(self._alone, self._workers, piece) for piece in batch]

    def close(self, *, kill: bool) -> None:
        """Let go of the workers: when they are idle, or at once."""
        if isinstance(self._workers, Executor):
            self._workers.shutdown(wait=not kill, cancel_futures=True)
        else:
            self._workers.close(kill=kill)

    def _alone(self, crew: Crew, piece: _In) -> _Out | WorkerError:
        try:
            return crew.alone(self._task, [piece], self._timeout)[0]
        except WorkerError as error:
            return error

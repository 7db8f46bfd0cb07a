"""Worker processes: spawned, deaf to Ctrl-C, gone with their parent, replaced when broken."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from crawler.core.errors import WorkerError

__all__ = ["Crew", "begin", "deaf_to_ctrl_c", "threads"]

_T = TypeVar("_T")


class _Pool(ProcessPoolExecutor):
    """A process pool that ends when it breaks, before Python 3.11.5, too (gh-94777).

    There the thread that feeds the workers would write on at a task that nobody is left to read.
    """

    def submit(self, fn: Callable[..., _T], /, *args: object, **kwargs: object) -> Future[_T]:
        """Hand a task to the pool, which stops feeding its workers if it comes back as broken."""
        future = super().submit(fn, *args, **kwargs)
        if sys.version_info < (3, 11, 5):
            future.add_done_callback(partial(_stop_feeding, self._call_queue))  # type: ignore[attr-defined]
        return future


def _stop_feeding(queue: Any, future: Future[Any]) -> None:
    """Close the end of the pipe that is read, so that who writes to it sees it broken."""
    if not future.cancelled() and isinstance(future.exception(), BrokenProcessPool):
        queue._reader.close()  # noqa: SLF001 (as Python does since 3.11.5)


class Crew:
    """One process pool for a run, and a one-worker pool to find out which page is to blame.

    When a pool breaks nobody can tell whose fault it was.  So whoever had work in it takes a
    new pool with ``replace``, and has its pieces done one by one with ``alone``.
    """

    def __init__(self, workers: int, setup: Callable[..., object] = int, *args: object):
        self._workers = workers
        self._setup = (setup, args)
        self._alone: ProcessPoolExecutor | None = None
        self._closed = False
        self._pool = self._new(workers)
        try:
            for ready in [self.submit(os.getpid) for _ in range(workers)]:
                ready.result()
        except BrokenProcessPool:
            raise WorkerError(
                "a worker ended while it started; a script that calls crawl() must do so "
                "under: if __name__ == '__main__'"
            ) from None

    @property
    def pool(self) -> ProcessPoolExecutor:
        """The pool of the moment; remember it to say which one broke."""
        return self._pool

    def submit(self, task: Callable[..., _T], *args: object) -> Future[_T]:
        """Hand a task to the pool, or to a new one if an idle worker's death broke it."""
        with deaf_to_ctrl_c():
            try:
                return self._pool.submit(task, *args)
            except BrokenProcessPool:
                self.replace(self._pool)
                return self._pool.submit(task, *args)

    def replace(self, broken: ProcessPoolExecutor) -> None:
        """Kill what is left of *broken* and start another, unless that was done already."""
        if broken is self._pool:
            self._pool = self._new(self._workers)
            _kill(broken)

    def alone(self, task: Callable[..., _T], argument: object, timeout: float) -> _T:
        """Run one task in a pool of one; raises WorkerError if it kills its worker or hangs.

        One at a time: its callers see to that.
        """
        future = self._submit_alone(task, argument)
        try:
            return future.result(timeout)
        except BrokenProcessPool:
            self._end_alone()
            raise WorkerError("the analyser killed its worker") from None
        except TimeoutError:
            self._end_alone()
            raise WorkerError("the analyser took too long") from None
        except Exception as error:  # noqa: BLE001 (such as a result that does not pickle)
            raise WorkerError(f"the worker raised {type(error).__name__}") from None

    def _submit_alone(self, task: Callable[..., _T], argument: object) -> Future[_T]:
        """Hand a task to a lone worker that was seen to live."""
        if self._closed:
            raise WorkerError("the workers are gone")
        with deaf_to_ctrl_c():
            try:
                if self._alone is not None:
                    self._alone.submit(os.getpid).result()
            except BrokenProcessPool:
                self._end_alone()
            if self._alone is None:
                self._alone = self._new(1)
                self._alone.submit(os.getpid).result()
            return self._alone.submit(task, argument)

    def _end_alone(self) -> None:
        if self._alone is not None:
            _kill(self._alone)
            self._alone = None

    def close(self, *, kill: bool) -> None:
        """End all workers: when they are idle, or at once."""
        self._closed = True
        for pool in filter(None, (self._pool, self._alone)):
            if kill:
                _kill(pool)
            else:
                pool.shutdown(wait=True)

    def _new(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return _Pool(workers, context, initializer=begin, initargs=self._setup)


def threads(workers: int) -> Executor:
    """Return a thread pool for analysers that release the GIL; nothing in it can be killed."""
    return ThreadPoolExecutor(workers, thread_name_prefix="analyse")


def begin(setup: Callable[..., object], args: tuple[object, ...]) -> None:
    """Prepare a worker: Ctrl-C is its parent's business, and it ends when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    setup(*args)


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _kill(pool: ProcessPoolExecutor) -> None:
    """Kill a pool's workers by their ids; Python 3.14 has ``kill_workers`` for it."""
    processes = list((pool._processes or {}).values())  # noqa: SLF001 (see above)
    for process in processes:
        with contextlib.suppress(ProcessLookupError, OSError):
            process.kill()
    for process in processes:
        process.join()
    # What was in it gets BrokenProcessPool; cancelled futures would look like our own doing.
    # Its thread is waited for: at the interpreter's end it would be woken through a closed pipe.
    pool.shutdown(wait=True)


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that are started in here inherit a blocked SIGINT, until they ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""A process of our own at the other end of a pipe: deaf to Ctrl-C, and gone with its parent."""

import contextlib
import multiprocessing
import multiprocessing.connection
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from crawler.core.errors import WorkerError
from crawler.system.pools import begin, deaf_to_ctrl_c

__all__ = ["Child", "heard"]


class Child:
    """Runs ``task(hears, says, *args)`` in a fresh interpreter, with its ends of two pipes.

    Two, because a loop that watches one makes it non-blocking, and what is said must not be cut.
    """

    def __init__(self, task: Callable[..., object], *args: object):
        context = multiprocessing.get_context("spawn")
        hears, self._mouth = context.Pipe(duplex=False)
        self.pipe, says = context.Pipe(duplex=False)
        self._process = context.Process(target=begin, args=(task, (hears, says, *args)))
        # It is started with the first process, and makes this one hear Ctrl-C again.
        resource_tracker.ensure_running()
        with deaf_to_ctrl_c():
            self._process.start()
        hears.close()
        says.close()

    def tell(self, word: object) -> None:
        """Say something to it, if it is there to hear it."""
        with contextlib.suppress(BrokenPipeError):
            self._mouth.send(word)

    def close(self) -> None:
        """End it, if it has not ended by itself, and wait for it."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._mouth.close()
        self.pipe.close()


def heard(
    children: list[Child], timeout: float, gone: str = "a process of the load test ended by itself"
) -> list[tuple[Child, Any]]:
    """Return what children have said, waiting *timeout* seconds at most for the first word.

    Raises WorkerError that says *gone* when one is gone that was still to say something.
    """
    by_pipe = {child.pipe: child for child in children}
    said = []
    for pipe in multiprocessing.connection.wait(list(by_pipe), timeout):
        assert isinstance(pipe, Connection)
        try:
            said.append((by_pipe[pipe], pipe.recv()))
        except (EOFError, ConnectionResetError):
            raise WorkerError(gone) from None
    return said

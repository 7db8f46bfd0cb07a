"""A process of our own at the other end of a pipe: deaf to Ctrl-C, and gone with its parent."""

import multiprocessing
import multiprocessing.connection
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from crawler.core.errors import WorkerError
from crawler.system.pools import begin, deaf_to_ctrl_c

__all__ = ["Child", "heard"]


class Child:
    """Runs ``task(pipe, *args)`` in a fresh interpreter; ``pipe`` is this side's end."""

    def __init__(self, task: Callable[..., object], *args: object):
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_run, args=(task, far, *args), daemon=True
        )
        with deaf_to_ctrl_c():
            self.process.start()
        far.close()

    def close(self) -> None:
        """End it, if it has not ended by itself, and wait for it."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


def heard(children: list[Child], timeout: float) -> list[tuple[Child, Any]]:
    """Return what children have said, waiting *timeout* seconds at most for the first word.

    Raises WorkerError when one is gone that was still to say something.
    """
    by_pipe = {child.pipe: child for child in children}
    said = []
    for pipe in multiprocessing.connection.wait(list(by_pipe), timeout):
        assert isinstance(pipe, Connection)
        try:
            said.append((by_pipe[pipe], pipe.recv()))
        except (EOFError, ConnectionResetError):
            raise WorkerError("a process of the load test ended by itself") from None
    return said


def _run(task: Callable[..., object], pipe: Connection, *args: object) -> None:
    begin(task, (pipe, *args))

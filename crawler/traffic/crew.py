"""The generator processes of one run, started together, listened to, and told to stop."""

import contextlib
from collections.abc import Callable

from crawler.core.errors import WorkerError
from crawler.core.ports import Stop
from crawler.system.children import Child, heard
from crawler.system.clock import now_ns
from crawler.system.stop import LOOK
from crawler.traffic.books import Books
from crawler.traffic.plan import Plan
from crawler.traffic.tally import Piece
from crawler.traffic.worker import Failed, Go, Halt, Ready, work

__all__ = ["Crew"]

#: Nanoseconds from the word to go until all begin, so that all have heard it.
AHEAD = 50_000_000
_WHY_GONE = (
    "a process of the load test ended while it started; a script that calls load() must do so "
    "under: if __name__ == '__main__'"
)


class Crew:
    """Runs one process for each of *plans*; a context manager that leaves none behind."""

    def __init__(self, plans: list[Plan], stop: Stop):
        self._stop = stop
        self._children: list[Child] = []
        with contextlib.ExitStack() as started:
            for plan in plans:
                child = Child(work, plan)
                started.callback(child.close)
                self._children.append(child)
            self._open = started.pop_all()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ready(self) -> int:
        """Wait until all have opened their connections; return when they could begin.

        In monotonic nanoseconds.  A request to stop ends the wait.  Raises WorkerError.
        """
        waiting = list(self._children)
        while waiting and not self._stop.requested:
            for child, word in heard(waiting, LOOK, _WHY_GONE):
                _refuse(word)
                assert isinstance(word, Ready)
                waiting.remove(child)
        return now_ns() + AHEAD

    def run(self, go: Go, on_piece: Callable[[Piece], object]) -> list[Books]:
        """Begin, and return what all have counted; raises WorkerError.

        *on_piece* is called with each piece of each process.  A request to stop ends the run
        before its time, a second one does not wait for answers.
        """
        self._tell(go)
        told = 0
        books: list[Books] = []
        waiting = list(self._children)
        while waiting:
            wanted = 2 if self._stop.forced else int(self._stop.requested)
            if told < wanted:
                told = wanted
                self._tell(Halt(at_once=self._stop.forced))
            for child, word in heard(waiting, LOOK):
                _refuse(word)
                if isinstance(word, Piece):
                    on_piece(word)
                elif isinstance(word, Books):
                    books.append(word)
                    waiting.remove(child)
        return books

    def _tell(self, word: Go | Halt) -> None:
        for child in self._children:
            child.tell(word)


def _refuse(word: object) -> None:
    if isinstance(word, Failed):
        raise WorkerError(word.reason)

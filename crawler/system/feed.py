"""Read the intake from one thread, as much as is asked for, for owners that must not wait."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from crawler.core.errors import SourceError
from crawler.core.pages import Batch
from crawler.core.ports import Intake

__all__ = ["Feed"]


class Feed:
    """Calls *deliver* from its thread with what was read; one of them is the last.

    The owner asks with ``ask`` and says ``answered`` when it has taken delivery.  The thread is
    a daemon, because it may be waiting for standard input when the run is over.
    """

    def __init__(self, intake: Intake, deliver: Callable[[Batch | SourceError], object]):
        self._intake = intake
        self._deliver = deliver
        self._asked = False
        self._wanted: SimpleQueue[int] = SimpleQueue()
        threading.Thread(target=self._run, name="intake", daemon=True).start()

    def ask(self, room: int) -> None:
        """Ask for at most *room* inputs, unless some are on their way."""
        if room and not self._asked:
            self._asked = True
            self._wanted.put(room)

    def answered(self) -> None:
        """Take note that what was asked for has come."""
        self._asked = False

    def close(self) -> None:
        """Let the thread end; it reads nothing more."""
        self._wanted.put(0)

    def _run(self) -> None:
        while wanted := self._wanted.get():
            self._deliver(self._next(wanted))

    def _next(self, wanted: int) -> Batch | SourceError:
        """Return what there is, waiting for it; never raises, or the owner would wait for ever."""
        try:
            while True:
                self._intake.wait_ready()
                batch = self._intake.read(wanted)
                if batch.targets or batch.ended:
                    return batch
        except SourceError as error:
            return error
        except Exception as error:  # noqa: BLE001 (a thread has nobody to raise it to)
            return SourceError(f"the input failed: {type(error).__name__}")

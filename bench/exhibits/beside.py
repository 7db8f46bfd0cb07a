"""What goes on in other threads beside the one that is measured, and how often they change."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["STEP", "computing", "gil_enabled", "steps_during", "switching_every"]

#: Seconds; so long that nobody has to let go of the GIL: whoever does, does so by himself.
NEVER = 100.0
STEP = 0.001  # seconds


def gil_enabled() -> bool:
    """Tell whether threads of this interpreter share a GIL; before 3.13 they all did."""
    enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return enabled()


@contextmanager
def switching_every(seconds: float) -> Iterator[None]:
    """Have a thread that wants the GIL wait for so long before it is handed over."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """Have so many other threads execute Python until the body ends."""
    over = False

    def spin() -> None:
        while not over:
            pass

    others = [threading.Thread(target=spin) for _ in range(threads)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        over = True
        for other in others:
            other.join()


def steps_during(task: Callable[[], object]) -> int:
    """Return how many steps, one a millisecond, another thread could take while *task* ran.

    Nobody is made to let go of the GIL: with one there are steps only if *task* let go of it.
    """
    steps, over, walking = 0, False, threading.Event()

    def walk() -> None:
        nonlocal steps
        while not over:
            time.sleep(STEP)
            steps += 1
            walking.set()

    walker = threading.Thread(target=walk)
    with switching_every(NEVER):
        walker.start()
        try:
            walking.wait()
            before = steps
            task()
            return steps - before
        finally:
            over = True
            walker.join()

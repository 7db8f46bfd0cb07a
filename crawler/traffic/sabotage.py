"""Harm a generator on purpose, from outside, to see whether it notices: stop it, burn its core."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

__all__ = ["BURN", "burnt_core", "stop_after"]

#: What burns a core.
BURN = "while True: pass"


def stop_after(delay: float, length: float) -> threading.Thread:
    """Have all generators of this process stand still for *length* seconds, *delay* from now."""

    def stop() -> None:
        time.sleep(delay)
        pids = [child.pid for child in multiprocessing.active_children() if child.pid]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(length)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop, name="sabotage", daemon=True)
    thread.start()
    return thread


@contextlib.contextmanager
def burnt_core(burners: int = 2) -> Iterator[None]:
    """Start children of this process on one core, and others that burn it, while inside."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with contextlib.ExitStack() as burning:
            for _ in range(burners):
                child = subprocess.Popen([sys.executable, "-c", BURN])
                burning.callback(child.wait)
                burning.callback(child.kill)
            yield
    finally:
        os.sched_setaffinity(0, before)

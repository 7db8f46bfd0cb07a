"""A process is forked while another thread holds a lock: the child has the lock, not the thread."""

import json
import multiprocessing
import threading

PATIENCE = 1.0  # seconds
LOG = threading.Lock()


def work() -> None:
    """Do what a worker does: it takes the lock to write a line."""
    with LOG:
        pass


def write(writing: threading.Event, written: threading.Event) -> None:
    """Hold the lock for as long as it takes to write."""
    with LOG:
        writing.set()
        written.wait()


def main() -> dict[str, float]:
    """Return how many of one child hung for ever."""
    writing, written = threading.Event(), threading.Event()
    writer = threading.Thread(target=write, args=(writing, written))
    writer.start()
    writing.wait()  # now is the worst moment to fork
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    written.set()
    writer.join()  # the lock is free, in the parent
    child.join(PATIENCE)
    hung = child.is_alive()
    child.kill()
    child.join()
    return {"children that hung": int(hung)}


if __name__ == "__main__":
    print(json.dumps(main()))

"""How much of a work holds the GIL: the part that two threads on two cores do not overlap."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench.cell import BenchError, environment
from bench.works import WORKS
from crawler import Fetched, Outcome

__all__ = ["held", "share_held"]

PAGES = 40
ROUNDS = 5


def held(url: str, work: str) -> float:
    """Return the share of the CPU of *work* on the page at *url* that holds the GIL, 0 to 1.

    Measured in a fresh interpreter; raises BenchError if that fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.grid.gil", url, work],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"the measure of the GIL in {work} ended with {done.returncode}")
    return float(done.stdout)


def share_held(alone: float, together: float) -> float:
    """Return the share, from the seconds of one thread and of two that each do as much.

    Two threads take as long as one if all of it overlaps, and twice as long if nothing does.
    What one waits for the other to let go of the GIL counts as held.
    """
    return min(1.0, max(0.0, together / alone - 1.0))


def _measured(page: Fetched, work: str) -> float:
    def some() -> None:
        for _ in range(PAGES):
            WORKS[work](page)

    found = []
    with ThreadPoolExecutor(2) as pool:
        some()
        for _ in range(ROUNDS):
            began = time.perf_counter()
            pool.submit(some).result()
            between = time.perf_counter()
            for future in [pool.submit(some), pool.submit(some)]:
                future.result()
            found.append(share_held(between - began, time.perf_counter() - between))
    return median(found)


def main() -> None:
    """Fetch the page that is given and measure the work that is."""
    from urllib.request import urlopen

    url, work = sys.argv[1:]
    with urlopen(url) as answer:  # our own test server
        body = answer.read()
    page = Fetched(
        url=url, final_url=url, outcome=Outcome.OK, status=200, content_type="text/html", body=body
    )
    print(_measured(page, work))


if __name__ == "__main__":
    main()

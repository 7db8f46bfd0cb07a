"""Threads add to one count without a lock: between read and write, the others do the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

THREADS = 4
PAGES = 100  # of each thread


class Count:
    """How many pages there were.

    Where a thread may be interrupted between read and write, it is: there it meets the others.
    """

    def __init__(self, meeting: Barrier) -> None:
        self.pages = 0
        self._meeting = meeting

    def add_one(self) -> None:
        """Do what `pages += 1` does, in its three steps."""
        seen = self.pages
        self._meeting.wait()
        self.pages = seen + 1


def crawl(count: Count) -> None:
    """Count the pages of one thread."""
    for _ in range(PAGES):
        count.add_one()


def main() -> dict[str, float]:
    """Return how many pages are missing in the count."""
    shared = Count(Barrier(THREADS))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(crawl, [shared] * THREADS))
    return {"pages not counted": THREADS * PAGES - shared.pages}


if __name__ == "__main__":
    print(json.dumps(main()))

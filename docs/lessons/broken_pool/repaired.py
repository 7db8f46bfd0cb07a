"""What a broken pool leaves undone is done again in halves, until the page at fault is alone."""

import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

PAGES = 8
POISON = 2


def analyse(page: int) -> None:
    """Think about a page; one of them is the end of its worker, as a fault in C code would be."""
    if page == POISON:
        os._exit(1)


def crawl(pages: Sequence[int]) -> set[int]:
    """Return the pages that were analysed; a page may be begun twice, so that must do no harm."""
    done = attempt(pages)
    left = [page for page in pages if page not in done]
    if len(pages) == 1 or not left:
        return done
    middle = (len(left) + 1) // 2
    return done | crawl(left[:middle]) | crawl(left[middle:])


def attempt(pages: Sequence[int]) -> set[int]:
    """Return the pages that one pool could do."""
    done = set()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        futures = {page: pool.submit(analyse, page) for page in pages}
        for page, future in futures.items():
            if not isinstance(future.exception(), BrokenProcessPool):
                done.add(page)
    return done


def main() -> dict[str, float]:
    """Return how many pages were lost without being at fault."""
    lost = set(range(PAGES)) - crawl(range(PAGES)) - {POISON}
    return {"good pages lost": len(lost)}


if __name__ == "__main__":
    print(json.dumps(main()))

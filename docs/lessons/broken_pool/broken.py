"""One page kills its worker: the pool breaks, and every page that waited for it is lost."""

import json
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

PAGES = 8
POISON = 2


def analyse(page: int) -> None:
    """Think about a page; one of them is the end of its worker, as a fault in C code would be."""
    if page == POISON:
        os._exit(1)


def crawl(pages: Iterable[int]) -> set[int]:
    """Return the pages that were analysed."""
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

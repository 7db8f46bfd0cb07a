"""An except clause that means well takes the cancellation too: the crawl cannot be stopped."""

import asyncio
import contextlib
import json

PAGES = 100


async def crawl(begun: list[int]) -> None:
    """Visit all pages, whatever goes wrong with one of them."""
    for page in range(PAGES):
        begun.append(page)
        try:
            await visit(page)
        except (OSError, asyncio.CancelledError):  # "a visit may be cancelled: go on"
            continue


async def visit(page: int) -> None:
    """Wait once, as for an answer; every tenth page is out of order."""
    await asyncio.sleep(0)
    if page % 10 == 0:
        raise ConnectionResetError


async def stop_early() -> int:
    """Return how many pages were begun after the crawl had been cancelled."""
    begun: list[int] = []
    crawling = asyncio.create_task(crawl(begun))
    await asyncio.sleep(0)  # the first page is being fetched
    crawling.cancel()
    before = len(begun)
    with contextlib.suppress(asyncio.CancelledError):
        await crawling
    return len(begun) - before


def main() -> dict[str, float]:
    """Return what the cancellation did not stop."""
    return {"pages begun after the cancellation": asyncio.run(stop_early())}


if __name__ == "__main__":
    print(json.dumps(main()))

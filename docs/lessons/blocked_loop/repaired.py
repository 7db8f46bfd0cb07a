"""What blocks is handed to a thread: the coroutine waits for it, and the loop goes on."""

import asyncio
import itertools
import json

import httpx

from fixtures.running import serve


def download(url: str) -> bytes:
    """Return a page; blocks its thread while the server thinks."""
    return httpx.get(url).content


async def crawl(url: str) -> int:
    """Return how many turns another task had while a page was fetched."""
    turns = itertools.count()
    async with asyncio.TaskGroup() as group:
        other = group.create_task(tick(turns))
        await asyncio.sleep(0)  # it has begun
        before = next(turns)
        await asyncio.to_thread(download, f"{url}/p/1")
        had = next(turns) - before - 1
        other.cancel()
    return had


async def tick(turns: "itertools.count[int]") -> None:
    """Count the turns of a task that wants one each millisecond."""
    while True:
        next(turns)
        await asyncio.sleep(0.001)


def main() -> dict[str, float]:
    """Return how the other task fared."""
    with serve(latency="50ms") as site:
        return {"turns of another task meanwhile": asyncio.run(crawl(site.url))}


if __name__ == "__main__":
    print(json.dumps(main()))

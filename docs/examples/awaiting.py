"""Await a page: this coroutine pauses, and whatever other task there is goes on meanwhile."""

import asyncio
import itertools
import json

import httpx

from fixtures.running import serve


async def fetch(client: httpx.AsyncClient, path: str) -> str:
    """Return a page as text; raises httpx.HTTPError if there is none."""
    answer = await client.get(path)
    answer.raise_for_status()
    return answer.text


async def crawl(url: str) -> dict[str, float]:
    """Return the characters of a page, and how many turns another task had meanwhile."""
    turns = itertools.count()
    other = asyncio.create_task(tick(turns))
    async with httpx.AsyncClient(base_url=url) as client:
        page = await fetch(client, "/p/1")  # the pause
    other.cancel()
    return {"characters": len(page), "turns of another task": next(turns)}


async def tick(turns: "itertools.count[int]") -> None:
    """Count the turns of a task that wants one each millisecond."""
    while True:
        next(turns)
        await asyncio.sleep(0.001)


def main() -> dict[str, float]:
    """Fetch from a server that thinks for 50 ms."""
    with serve(latency="50ms", size="2kB") as site:
        return asyncio.run(crawl(site.url))


if __name__ == "__main__":
    print(json.dumps(main()))

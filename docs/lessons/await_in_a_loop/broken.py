"""Pages are awaited one by one in a for loop: async in every line, and one request in flight."""

import asyncio
import json
import time

import httpx

from fixtures.running import serve

PAGES = 16


async def crawl(url: str) -> None:
    """Fetch all pages."""
    async with httpx.AsyncClient(base_url=url) as client:
        for number in range(PAGES):
            await client.get(f"/p/{number}")  # the next is not asked for before this one is here


def main() -> dict[str, float]:
    """Return what the server saw, and the seconds of the crawl."""
    with serve(latency="50ms") as site:
        began = time.perf_counter()
        asyncio.run(crawl(site.url))
        seconds = time.perf_counter() - began
        return {"requests in flight at most": site.truth()["in_flight_max"], "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main()))

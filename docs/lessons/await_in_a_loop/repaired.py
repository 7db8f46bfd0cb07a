"""Each page has a task, and a semaphore bounds how many there are: eight requests in flight."""

import asyncio
import json
import time

import httpx

from fixtures.running import serve

PAGES = 16
IN_FLIGHT = 8


async def crawl(url: str) -> None:
    """Fetch all pages."""
    room = asyncio.Semaphore(IN_FLIGHT)
    async with httpx.AsyncClient(base_url=url) as client, asyncio.TaskGroup() as group:
        for number in range(PAGES):
            await room.acquire()
            visit = group.create_task(client.get(f"/p/{number}"))
            visit.add_done_callback(lambda _: room.release())


def main() -> dict[str, float]:
    """Return what the server saw, and the seconds of the crawl."""
    with serve(latency="50ms") as site:
        began = time.perf_counter()
        asyncio.run(crawl(site.url))
        seconds = time.perf_counter() - began
        return {"requests in flight at most": site.truth()["in_flight_max"], "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main()))

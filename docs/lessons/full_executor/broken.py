"""Slow jobs fill the threads that also look up names: an idle server seems out of reach."""

import asyncio
import json
import threading

import httpx

from fixtures.running import serve

JOBS = 64  # the loop's own threads are 32 at most
PATIENCE = 0.5  # seconds


async def crawl(port: int) -> int:
    """Return how many of one request timed out while jobs of another kind were slow."""
    ready = threading.Event()
    async with httpx.AsyncClient(timeout=PATIENCE) as client, asyncio.TaskGroup() as group:
        for _ in range(JOBS):
            group.create_task(asyncio.to_thread(ready.wait))
        await asyncio.sleep(0)  # all jobs are handed over
        try:
            await client.get(f"http://localhost:{port}/p/1")
        except httpx.ConnectTimeout:
            return 1
        finally:
            ready.set()
    return 0


def main() -> dict[str, float]:
    """Return what became of the request."""
    with serve() as site:
        return {"timeouts of an idle server": asyncio.run(crawl(site.port))}


if __name__ == "__main__":
    print(json.dumps(main()))

"""Slow jobs have threads of their own: those that look up names stay free."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from fixtures.running import serve

JOBS = 64
THREADS = 8
PATIENCE = 30.0  # seconds


async def crawl(port: int) -> int:
    """Return how many of one request timed out while jobs of another kind were slow."""
    ready = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as own:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            jobs = [loop.run_in_executor(own, ready.wait) for _ in range(JOBS)]
            try:
                await client.get(f"http://localhost:{port}/p/1")
            except httpx.ConnectTimeout:
                return 1
            finally:
                ready.set()
            await asyncio.gather(*jobs)
    return 0


def main() -> dict[str, float]:
    """Return what became of the request."""
    with serve() as site:
        return {"timeouts of an idle server": asyncio.run(crawl(site.port))}


if __name__ == "__main__":
    print(json.dumps(main()))

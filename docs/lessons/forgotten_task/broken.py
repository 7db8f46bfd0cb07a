"""Tasks run in the background and nobody asks for their results: an error ends there, unheard."""

import asyncio
import json

import httpx

from fixtures.running import serve

PAGES = 8
GONE = "/p/3"


async def visit(client: httpx.AsyncClient, number: int) -> None:
    """Fetch a page; raises httpx.HTTPStatusError if the server has none."""
    answer = await client.get(f"/p/{number}")
    answer.raise_for_status()


async def crawl(url: str) -> None:
    """Fetch all pages."""
    background: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(base_url=url) as client:
        for number in range(PAGES):
            task = asyncio.create_task(visit(client, number))
            background.add(task)  # the loop itself would not keep it alive
            task.add_done_callback(background.discard)  # and its error is discarded with it
        while background:
            await asyncio.wait(background)


def main() -> dict[str, float]:
    """Return how many errors there were that the caller of `crawl` does not know of."""
    with serve(rule=[f"{GONE} status=404"]) as site:
        heard = 0
        try:
            asyncio.run(crawl(site.url))
        except* httpx.HTTPStatusError as errors:
            heard = len(errors.exceptions)
        return {"errors nobody heard of": site.truth()["outcomes"]["4xx"] - heard}


if __name__ == "__main__":
    print(json.dumps(main()))

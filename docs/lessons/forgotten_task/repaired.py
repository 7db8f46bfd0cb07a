"""A group owns the tasks: it does not end before they do, and raises what they raise."""

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
    """Fetch all pages; raises a group of what went wrong, and gives up the other pages."""
    async with httpx.AsyncClient(base_url=url) as client, asyncio.TaskGroup() as group:
        for number in range(PAGES):
            group.create_task(visit(client, number))


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

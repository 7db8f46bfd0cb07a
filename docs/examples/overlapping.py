"""Make a task: it begins when its maker first waits, and ends inside the group that owns it."""

import asyncio
import json

import httpx

from fixtures.running import serve

PAGES = 2


async def fetch(client: httpx.AsyncClient, number: int, order: list[str]) -> int:
    """Return the bytes of a page; raises httpx.HTTPError if there is none."""
    order.append("a task begins")
    answer = await client.get(f"/p/{number}")
    answer.raise_for_status()
    return len(answer.content)


async def crawl(url: str, order: list[str]) -> int:
    """Return the bytes of all pages; raises a group of errors if one of them is not had."""
    async with httpx.AsyncClient(base_url=url) as client:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch(client, number, order)) for number in range(PAGES)]
            order.append("their maker goes on")
            await asyncio.sleep(0)
            order.append("their maker has waited once")
        return sum(task.result() for task in tasks)  # none is pending here, and none has failed


def main() -> dict[str, float]:
    """Return how many tasks had begun before their maker waited, and after; and what overlapped."""
    order: list[str] = []
    with serve(latency="50ms", size="2kB") as site:
        size = asyncio.run(crawl(site.url, order))
        in_flight = site.truth()["in_flight_max"]
    return {
        "bytes": size,
        "begun before their maker waited": order.index("their maker goes on"),
        "begun when it had": order.index("their maker has waited once") - 1,
        "requests in flight at most": in_flight,
    }


if __name__ == "__main__":
    print(json.dumps(main()))

"""The semaphore is inside the task: few visits run at once, but all tasks exist at once."""

import asyncio
import json

PAGES = 500
IN_FLIGHT = 10


class Crawl:
    """Visits pages, and remembers how many tasks there were."""

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(IN_FLIGHT)
        self.most = 0

    async def visit(self, _page: int) -> None:
        """Count, then let the others run, as a request would."""
        async with self.room:
            self.most = max(self.most, len(asyncio.all_tasks()) - 1)  # one is that of `run`
            await asyncio.sleep(0)

    async def run(self) -> None:
        """Visit all pages."""
        async with asyncio.TaskGroup() as group:
            for page in range(PAGES):
                group.create_task(self.visit(page))


def main() -> dict[str, float]:
    """Return how many tasks were alive."""
    crawl = Crawl()
    asyncio.run(crawl.run())
    return {"tasks alive at most": crawl.most}


if __name__ == "__main__":
    print(json.dumps(main()))

"""One client for the crawl: what it opens for the first page is used for the others."""

import json
import time

import httpx

from fixtures.running import serve

PAGES = 10


def crawl(url: str) -> None:
    """Fetch all pages."""
    with httpx.Client(base_url=url) as client:
        for number in range(PAGES):
            client.get(f"/p/{number}")


def main() -> dict[str, float]:
    """Return what the server saw, and the seconds of the crawl."""
    with serve() as site:
        began = time.perf_counter()
        crawl(site.url)
        seconds = time.perf_counter() - began
        return {"connections opened": len(site.truth()["ports"]), "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main()))

"""Each page has a client of its own: a connection and a TLS context made, and thrown away."""

import json
import time

import httpx

from fixtures.running import serve

PAGES = 10


def crawl(url: str) -> None:
    """Fetch all pages."""
    for number in range(PAGES):
        httpx.get(f"{url}/p/{number}")  # short for: make a client, ask, close the client


def main() -> dict[str, float]:
    """Return what the server saw, and the seconds of the crawl."""
    with serve() as site:
        began = time.perf_counter()
        crawl(site.url)
        seconds = time.perf_counter() - began
        return {"connections opened": len(site.truth()["ports"]), "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main()))

"""A list crawled with Crawlee: ParselCrawler, its own client, storage in memory, uvloop below."""

import hashlib
import json
import logging
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import uvloop
from crawlee import ConcurrencySettings, Request
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.http_clients import ImpitHttpClient
from crawlee.storage_clients import MemoryStorageClient
from parsel import Selector

WORDS = (
    "//body//text()[not(ancestor::script or ancestor::style"
    " or ancestor::noscript or ancestor::template)]"
)


async def page(context: ParselCrawlingContext) -> dict[str, object]:
    """Return what is found on a page."""
    body = await context.http_response.read()
    title = " ".join(context.selector.css("title::text").getall())
    text = " ".join("".join(context.selector.xpath(WORDS).getall()).split())
    return {
        "url": context.request.url,
        "status": context.http_response.status_code,
        "sha256": hashlib.sha256(body).hexdigest(),
        "title": " ".join(title.split()),
        "links": list(dict.fromkeys(http_links(context.selector, context.request.url))),
        "bytes": len(body),
        "text_sha256": hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest(),
    }


def http_links(selector: Selector, url: str) -> Iterator[str]:
    """Yield the absolute http(s) links without their fragments."""
    root = urljoin(url, selector.css("base::attr(href)").get(default=""))
    for href in selector.css("a::attr(href), area::attr(href)").getall():
        link = urldefrag(urljoin(root, href.strip())).url
        if link.startswith(("http://", "https://")):
            yield link


async def crawl(source: str, output: str, in_flight: int) -> None:
    """Crawl the list *source* into the file *output*, with nothing that slows Crawlee down."""
    crawler = ParselCrawler(
        concurrency_settings=ConcurrencySettings(
            min_concurrency=in_flight, desired_concurrency=in_flight, max_concurrency=in_flight
        ),
        configure_logging=False,
        http_client=ImpitHttpClient(),
        retry_on_blocked=False,
        storage_client=MemoryStorageClient(),
        use_session_pool=False,
    )
    with Path(output).open("w", encoding="utf-8") as records:

        @crawler.router.default_handler
        async def keep(context: ParselCrawlingContext) -> None:
            # push_data keeps everything in memory or writes a file a page: a line is faster.
            records.write(json.dumps(await page(context)) + "\n")

        urls = Path(source).read_text(encoding="ascii").split()
        await crawler.run([Request.from_url(url, always_enqueue=True) for url in urls])


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvloop.run(crawl(sys.argv[1], sys.argv[2], int(sys.argv[3])))

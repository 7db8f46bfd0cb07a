"""A list crawled with Scrapy: its own selectors, its own feed of JSON lines, uvloop below."""

import hashlib
import sys
import unicodedata
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import HtmlResponse, Response

WORDS = (
    "//body//text()[not(ancestor::script or ancestor::style"
    " or ancestor::noscript or ancestor::template)]"
)


class PageSpider(scrapy.Spider):
    """Asks for each line of a list and yields what is found on the page."""

    name = "pages"

    def __init__(self, source: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.source = source

    async def start(self) -> AsyncIterator[Any]:
        """Yield the requests, as the list has them: what stands there twice is asked for twice."""
        with Path(self.source).open(encoding="ascii") as lines:
            for line in lines:
                yield scrapy.Request(line.strip(), dont_filter=True)

    def parse(self, response: Response, **_: Any) -> Iterator[dict[str, object]]:
        """Yield the record of a page."""
        title = " ".join(response.css("title::text").getall())
        text = " ".join("".join(response.xpath(WORDS).getall()).split())
        yield {
            "url": response.url,
            "status": response.status,
            "sha256": hashlib.sha256(response.body).hexdigest(),
            "title": " ".join(title.split()),
            "links": list(dict.fromkeys(http_links(response))),
            "bytes": len(response.body),
            "text_sha256": hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest(),
        }


def http_links(response: Response) -> Iterator[str]:
    """Yield the absolute http(s) links without their fragments; `urljoin` knows of `<base>`."""
    assert isinstance(response, HtmlResponse)
    for href in response.css("a::attr(href), area::attr(href)").getall():
        link = urldefrag(response.urljoin(href.strip())).url
        if link.startswith(("http://", "https://")):
            yield link


def crawl(source: str, output: str, in_flight: int) -> None:
    """Crawl the list *source* into the file *output*, with nothing that slows Scrapy down."""
    process = CrawlerProcess(
        {
            "ASYNCIO_EVENT_LOOP": "uvloop.Loop",
            "AUTOTHROTTLE_ENABLED": False,
            "CONCURRENT_REQUESTS": in_flight,
            "CONCURRENT_REQUESTS_PER_DOMAIN": in_flight,
            "COOKIES_ENABLED": False,
            "DOWNLOAD_DELAY": 0,
            "FEEDS": {output: {"format": "jsonlines"}},
            "LOG_LEVEL": "WARNING",
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(PageSpider, source=source)
    process.start()


if __name__ == "__main__":
    crawl(sys.argv[1], sys.argv[2], int(sys.argv[3]))

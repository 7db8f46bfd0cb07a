"""A list crawled with aiohttp, uvloop and selectolax: one process, tasks that share a queue."""

import asyncio
import hashlib
import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from urllib.parse import urldefrag, urljoin

import aiohttp
import uvloop
from selectolax.lexbor import LexborHTMLParser


def page(url: str, status: int, body: bytes) -> dict[str, object]:
    """Return what is found in the HTML *body*."""
    tree = LexborHTMLParser(body.decode("utf-8", "replace"))
    title = tree.css_first("title")
    base = tree.css_first("base[href]")
    root = urljoin(url, base.attributes["href"] or "") if base else url
    links = dict.fromkeys(http_links(tree, root))
    return {
        "url": url,
        "status": status,
        "sha256": hashlib.sha256(body).hexdigest(),
        "title": " ".join(title.text().split()) if title else None,
        "links": list(links),
        "bytes": len(body),
        "text_sha256": hashlib.sha256(text(tree).encode()).hexdigest(),
    }


def http_links(tree: LexborHTMLParser, root: str) -> Iterator[str]:
    """Yield the absolute http(s) links without their fragments."""
    for node in tree.css("a[href], area[href]"):
        link = urldefrag(urljoin(root, (node.attributes["href"] or "").strip())).url
        if link.startswith(("http://", "https://")):
            yield link


def text(tree: LexborHTMLParser) -> str:
    """Return the words of the body; the tree loses its scripts and styles."""
    tree.strip_tags(["script", "style", "noscript", "template"])
    words = tree.body.text() if tree.body else ""
    return unicodedata.normalize("NFC", " ".join(words.split()))


async def work(session: aiohttp.ClientSession, queue: asyncio.Queue[str], records: TextIO) -> None:
    """Do one URL of the queue after the other until there is none."""
    while not queue.empty():
        url = queue.get_nowait()
        async with session.get(url) as response:
            body = await response.read()
        records.write(json.dumps(page(url, response.status, body)) + "\n")


async def crawl(source: str, output: str, in_flight: int) -> None:
    """Crawl the list *source* into the file *output*."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    for url in Path(source).read_text(encoding="ascii").split():
        queue.put_nowait(url)
    connector = aiohttp.TCPConnector(limit=in_flight)
    with Path(output).open("w", encoding="utf-8") as records:
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session, queue, records) for _ in range(in_flight)))


if __name__ == "__main__":
    uvloop.run(crawl(sys.argv[1], sys.argv[2], int(sys.argv[3])))

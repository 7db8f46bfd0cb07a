"""A list crawled with requests and BeautifulSoup (on lxml) in a pool of threads."""

import hashlib
import json
import sys
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import requests
from bs4 import BeautifulSoup

own = threading.local()


def page(url: str) -> dict[str, object]:
    """Fetch a page over the connection of this thread, and return what is found on it."""
    if not hasattr(own, "session"):
        own.session = requests.Session()
    response = own.session.get(url)
    body = response.content
    soup = BeautifulSoup(body, "lxml", from_encoding=response.encoding)
    return {
        "url": url,
        "status": response.status_code,
        "sha256": hashlib.sha256(body).hexdigest(),
        "title": " ".join(soup.title.get_text().split()) if soup.title else None,
        "links": list(dict.fromkeys(http_links(soup, url))),
        "bytes": len(body),
        "text_sha256": hashlib.sha256(text(soup).encode()).hexdigest(),
    }


def http_links(soup: BeautifulSoup, url: str) -> Iterator[str]:
    """Yield the absolute http(s) links without their fragments."""
    base = soup.find("base", href=True)
    root = urljoin(url, str(base["href"])) if base else url
    for anchor in soup.find_all(["a", "area"], href=True):
        link = urldefrag(urljoin(root, str(anchor["href"]).strip())).url
        if link.startswith(("http://", "https://")):
            yield link


def text(soup: BeautifulSoup) -> str:
    """Return the words of the body; the soup loses its scripts and styles."""
    if soup.body is None:
        return ""
    for tag in soup.body.find_all(["script", "style", "noscript", "template"]):
        tag.decompose()
    return unicodedata.normalize("NFC", " ".join(soup.body.get_text().split()))


def crawl(source: str, output: str, in_flight: int) -> None:
    """Crawl the list *source* into the file *output*."""
    urls = Path(source).read_text(encoding="ascii").split()
    with Path(output).open("w", encoding="utf-8") as records, ThreadPoolExecutor(in_flight) as pool:
        for record in pool.map(page, urls):
            records.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    crawl(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""Analyses a page with the standard library alone, for interpreters without our packages."""

import hashlib
import unicodedata
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

__all__ = ["analyse", "analyse_often"]

#: Elements whose text is no text of the page, as in our own analyser.
_SILENT = frozenset({"script", "style", "noscript", "template"})


class _Page(HTMLParser):
    """Collects title, references and text in one pass, without a tree."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] | None = None
        self.hrefs: list[str] = []
        self.base = ""
        self.text: list[str] = []
        self._in_title = False
        self._in_body = False
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of where a tag leads and of what it begins."""
        href = dict(attrs).get("href")
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag == "body":
            self._in_body = True
        elif tag == "title" and self.title is None:
            self._in_title, self.title = True, []
        elif tag == "base" and not self.base:
            self.base = href or ""
        elif tag in {"a", "area"} and href is not None and "template" not in self._silent:
            self.hrefs.append(href)

    def handle_endtag(self, tag: str) -> None:
        """Take note of what a tag ends."""
        if tag == "title":
            self._in_title = False
        elif self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        """Keep text of the title and of the body."""
        if self._in_title and self.title is not None:
            self.title.append(data)
        elif self._in_body and not self._silent:
            self.text.append(data)


def analyse(body: bytes, address: str) -> dict[str, object]:
    """Return title, links, sha256 and text_sha256 of the UTF-8 page *body* found at *address*.

    The fields are those of our record; ``html.parser`` repairs no markup and ``urllib.parse``
    resolves by RFC 3986, so on broken pages both may differ from Lexbor and the URL Standard.
    Bytes that are no UTF-8 are replaced; a reference that cannot be resolved is left out.
    """
    page = _Page()
    page.feed(body.decode("utf-8-sig", "replace"))
    page.close()
    base = urljoin(address, page.base)
    links = filter(None, (_resolved(base, href) for href in page.hrefs))
    return {
        "title": None if page.title is None else _collapsed("".join(page.title)),
        "links": list(dict.fromkeys(links)),
        "sha256": hashlib.sha256(body).hexdigest(),
        "text_sha256": hashlib.sha256(_collapsed("".join(page.text)).encode()).hexdigest(),
    }


def analyse_often(body: bytes, address: str, times: int) -> None:
    """Analyse the same page so many times: CPU work in Python that any worker can be given."""
    for _ in range(times):
        analyse(body, address)


def _resolved(base: str, href: str) -> str:
    try:
        link = urldefrag(urljoin(base, href.strip())).url
    except ValueError:
        return ""
    return link if link.startswith(("http://", "https://")) else ""


def _collapsed(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))

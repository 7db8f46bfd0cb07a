"""Makes the references of a page into http(s) URLs, as the URL Standard does, many at a time."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import ada_url

__all__ = ["links_of", "resolved"]

# Plain references are joined once their start is resolved: what follows it holds no dot segments
# and nothing to escape.  The start is an authority, a slash, dot segments or nothing; a page has
# few of them.  Those of another scheme lead nowhere.  A property test holds all this equal to
# ada_url.
_START = r"/|(?=\w)|(?i:https?:)?//[\w.:\[\]-]++/|(?:\.\.?/)++"
_PATH = r"(?:[\w~-][\w.~-]*+/?+)*+(?:\?[\w.~=&;:+,/-]*+)?+"
_OTHER_SCHEME = r"(?!(?i:https?:))[a-zA-Z][\w+.-]*+:"
_BLANKS = r"[\0-\x09\x0b-\x20]*+"
#: All references of a page are told apart in one call, a line each: 57 take 28 us.
_REFERENCES = re.compile(
    rf"^(?:{_BLANKS}(?:{_OTHER_SCHEME}.*|({_START})({_PATH})(?:#.*|{_BLANKS}))|(.*))$",
    re.ASCII | re.MULTILINE,
)
_AT_ONCE = 1_000  # references held at the same time
MAX_STARTS = 1_000  # remembered for a page; an honest one has some dozens

_CREDENTIALS = re.compile(r"^(https?://)[^/]*@")


def links_of(hrefs: Iterable[str], base: str, max_links: int) -> tuple[list[str], int]:
    """Return where *hrefs* lead, each once, at most *max_links*, and how many there are in all.

    Those beyond the cap are counted by 64-bit hash.  What is no http(s) URL is left out.
    """
    kept: dict[str, None] = {}
    beyond: set[int] = set()
    join, coming = _Join(base), iter(hrefs)
    while some := list(islice(coming, _AT_ONCE)):
        links = dict.fromkeys(join.all(some))
        links.pop("", None)
        if len(kept) + len(links) <= max_links:
            kept |= links
            continue
        for link in links:
            if len(kept) < max_links:
                kept[link] = None
            elif link not in kept:
                beyond.add(hash(link))
    return list(kept), len(kept) + len(beyond)


def resolved(base: str, href: str) -> str:
    """Return the http(s) URL that *href* means, without fragment and credentials, or ""."""
    try:
        link = ada_url.join_url(base, href).partition("#")[0]
    except ValueError:
        return ""
    if not link.startswith(("http://", "https://")):
        return ""
    return _CREDENTIALS.sub(r"\1", link) if "@" in link else link


class _Join:
    """Joins references to one base; the starts of plain ones are resolved once."""

    def __init__(self, base: str):
        self._base = base
        self._here = here = resolved(base, "")
        root = here[: here.find("/", len("https://")) + 1]
        folder = here and here.partition("?")[0].rpartition("/")[0] + "/"
        self._starts = {"/": root, root: root, "": folder} if here else {}

    def all(self, hrefs: list[str]) -> Iterator[str]:
        """Yield what each reference means, or "", or nothing."""
        lines = "\n".join([href or "#" for href in hrefs])
        if lines.count("\n") >= len(hrefs):  # the URL Standard drops line feeds (4.4)
            lines = "\n".join([href.replace("\n", "") or "#" for href in hrefs])
        starts, base = self._starts, self._base
        for start, path, other in _REFERENCES.findall(lines):
            if other:
                yield self._here if other[0] == "#" else resolved(base, other)
            elif start or path:
                before = starts.get(start)
                if before is None:
                    before = self._resolve_start(start)
                yield before and before + path

    def _resolve_start(self, start: str) -> str:
        before = resolved(self._base, start)
        if len(self._starts) < MAX_STARTS:
            self._starts[start] = before
        return before

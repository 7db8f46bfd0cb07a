"""Reads a page: title, links and text by Lexbor, behind a guard against ruinous markup."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import ada_url
import msgspec
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from crawler.stages.links import links_of, resolved

__all__ = ["Page", "parse"]

#: Without events Lexbor does not fill <selectedcontent>, which is no text of the page, and a
#: <select> of 31 250 <option> costs 7 ms instead of 1.8 s (it is quadratic with them).
_OPTIONS = int(LexborDocumentOptions.WO_EVENTS)

#: A page with more "<" is scanned before it is parsed, a smaller one if it looks suspect.
#: Below, the worst that was found costs 2.1 s of CPU (19 900 open <b>, all different).
SCANNED_TAGS = 20_000
#: A longer page is searched for tags that hold too many attributes; below, 1.6 s at most.
SCANNED_CHARACTERS = 250_000

#: Lexbor is quadratic in depth: 5 000 open <div> cost 0.03 s, 50 000 cost 3 s.
MAX_DEPTH = 5_000
#: Tags times the depth they stand at: an end tag may search all that is open.  300 million
#: (62 500 "</p>" under 4 900 <span>) cost 0.7 s.
MAX_STEPS = 500_000_000
#: Formatting elements left open are opened again in every block (HTML Standard, 13.2.4.3);
#: 800 000 such copies, from a page of 36 kB, cost 0.24 s and 259 MB.
MAX_COPIES = 500_000
#: From this many "<" on, a page can reach MAX_COPIES: half of them <b>, half of them <p>.
COPYING_TAGS = 1_400
#: Lexbor compares each attribute with all before it: 26 000 of one tag cost 1.4 s.
MAX_ATTRIBUTES = 10_000

_VOID = (
    "area|base|basefont|bgsound|br|col|embed|frame|hr|image|img|input|keygen|link|meta"
    "|param|source|track|wbr"
)
_OPTIONAL_END = (
    "body|caption|colgroup|dd|dt|head|html|li|optgroup|option|p|plaintext"
    "|rb|rp|rt|rtc|tbody|td|tfoot|th|thead|tr"
)
_ENDED_BY_THE_NEXT = "a|button|form|nobr|select"
_NOT_COUNTED = frozenset(f"{_VOID}|{_OPTIONAL_END}|{_ENDED_BY_THE_NEXT}".split("|"))
_RAW_TEXT = frozenset(
    {"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"}
)
_FORMATS = "b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"  # and <a>, which ends itself
_IS_FORMAT = frozenset(_FORMATS.split("|"))
_EQUAL_FORMATS = 3  # of equal ones no more are opened again (HTML Standard, 13.2.4.3)

# A tag as the tokenizer sees it (HTML Standard, 13.2.5); each match ends at ">" or at the end.
_WITH_VALUE = r"""(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>)))?+"""
_ONE_ATTRIBUTE = rf"=?[^\s/>=]++{_WITH_VALUE}"
_ATTRIBUTES = rf"(?:[\s/]++|{_ONE_ATTRIBUTE}|=)*+(?:>|\Z)"
_ATTRIBUTE = re.compile(_ONE_ATTRIBUTE)
# Only what follows "<" ignores case, so that the search may leap from one "<" to the next.
_FORMAT = re.compile(rf"<(?i:{_FORMATS})(?=[\s/>]){_ATTRIBUTES}")
_TAG = re.compile(rf"<[a-zA-Z]{_ATTRIBUTES}")
_MARKUP = re.compile(
    rf"<(?:(/?)([a-zA-Z][^\s/>]*+){_ATTRIBUTES}|!--(?:-?>|.*?(?:--!?>|\Z))|[!?/][^>]*+>?)",
    re.DOTALL,
)
_RAW_TEXT_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW_TEXT}

_anchors = LexborHTMLParser("<a></a><area>").css("a, area")
_ANCHOR_IDS = frozenset(node.tag_id for node in _anchors)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says; when ``problem`` is given it was not parsed and the rest is empty.

    ``links_total`` counts the distinct links of the page, also those past the cap.
    """

    title: str | None = None
    links: list[str] = []
    links_total: int = 0
    content: str = ""
    problem: str | None = None

    @property
    def text(self) -> str:
        """The content in NFC, each run of Unicode white space one space, trimmed."""
        return _collapse(self.content)


def parse(markup: str, address: str, max_links: int, *, utf8: bytes | None = None) -> Page:
    """Return title, links and text of the HTML *markup* that was found at *address*.

    The tree is the HTML Standard's, with scripting off: what stands in ``<noscript>`` gives
    links, what stands in ``<template>`` gives none.

    * The title is the first HTML ``<title>``, white space collapsed; None without one.
    * Links are resolved as the URL Standard does against the first ``<base href>`` or
      *address*: http(s) only, no fragment, no credentials, document order, each once.  At
      most *max_links* are kept; the distinct ones beyond are counted by 64-bit hash.
    * The content is the body's ``textContent`` without script, style, noscript and template.

    Markup that would cost Lexbor more than some seconds is refused as a ``problem``.  The
    guard reads what a page would cost if it were written by mistake; markup built to deceive
    it (end tags that close nothing) is left to the time limit of the pool.  The tree takes
    about 500 bytes a link.  Never raises on any text, lone surrogates and NUL included.
    *utf8* is *markup* in UTF-8, for a caller who has it; Lexbor reads that.
    """
    tags = markup.count("<")
    if problem := _problem(markup, tags):
        return Page(problem=problem)
    tree = LexborHTMLParser(markup if utf8 is None else utf8, options=_OPTIONS)
    title = tree.css_first("title:not(svg title, math title)")
    base = _base(tree, resolved(address, ""))  # as the URL Standard writes it
    links, total = links_of(_hrefs(tree, walk=tags > SCANNED_TAGS), base, max_links)
    return Page(
        title=None if title is None else _collapse(title.text()),
        links=links,
        links_total=total,
        content=_content(tree),
    )


def _content(tree: LexborHTMLParser) -> str:
    body = tree.body
    if body is None:  # a frameset has none
        return ""
    # From the last to the first, because a noscript may hold a style.
    for node in reversed(body.css("script,style,noscript,template")):
        node.decompose()
    return body.text()


def _collapse(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _hrefs(tree: LexborHTMLParser, *, walk: bool) -> Iterator[str]:
    """Yield what each link refers to; a walk costs twice a query, but holds one node only."""
    if not walk:
        for node in tree.css("a[href],area[href]"):
            yield node.attrs.get("href") or ""
    elif tree.root is not None:
        for node in tree.root.traverse():
            if node.tag_id in _ANCHOR_IDS and "href" in node.attrs:
                yield node.attrs.get("href") or ""


def _base(tree: LexborHTMLParser, address: str) -> str:
    """Return the document's base URL (HTML Standard, 2.4.3 and 4.2.3)."""
    node = tree.css_first("base[href]")
    if node is None:
        return address
    try:
        base = ada_url.join_url(address, node.attrs.get("href") or "")
    except ValueError:
        return address
    return address if base.startswith(("data:", "javascript:")) else base


def _problem(markup: str, tags: int) -> str | None:
    """Say why Lexbor should not be given *markup*, or None; the time taken is linear."""
    if not _is_suspect(markup, tags):
        return None
    scan = _Scan()
    at = 0
    while found := _MARKUP.search(markup, at):
        at = found.end()
        slash, name = found.groups()
        if name is None:
            continue
        name = name.lower()
        problem = scan.end(name) if slash else scan.start(name, found[0])
        if problem:
            return problem
        if name in _RAW_TEXT and not slash and not scan.foreign:
            ended = _RAW_TEXT_END[name].search(markup, at)
            at = ended.start() if ended else len(markup)
    return None


def _is_suspect(markup: str, tags: int) -> bool:
    """Tell at a tenth of the scan's cost whether a page might be worth the scan."""
    if tags > SCANNED_TAGS:
        return True
    # What is left open: void elements too, but those are few.
    if tags >= COPYING_TAGS and tags * (tags - 2 * markup.count("</")) > MAX_COPIES:
        distinct = len(set(_FORMAT.findall(markup)))
        if _EQUAL_FORMATS * distinct * tags > MAX_COPIES:
            return True
    if len(markup) <= SCANNED_CHARACTERS:
        return False
    return max(map(len, _TAG.findall(markup)), default=0) > 2 * MAX_ATTRIBUTES


class _Scan:
    """Follows what is open through the tags of a page, roughly, and says when it is too much."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._depth = 0
        self._steps = 0
        self._formats: dict[str, list[str]] = {}
        self._equal: Counter[str] = Counter()
        self._active = 0
        self._copies = 0
        self._merged = 0  # attributes of <html> and <body>, which collect those of all copies

    @property
    def foreign(self) -> bool:
        """Whether SVG or MathML is open, where <title> and <style> hold markup."""
        return bool(self._open.get("svg") or self._open.get("math"))

    def start(self, name: str, source: str) -> str | None:
        self._steps += self._depth
        counted = name not in _NOT_COUNTED
        if source.endswith("/>") and (name in {"svg", "math"} or self.foreign):
            counted = False
        if name not in _IS_FORMAT:
            self._copies += self._active
        elif self._equal[source] < _EQUAL_FORMATS:
            self._equal[source] += 1
            self._formats.setdefault(name, []).append(source)
            self._active += 1
        else:
            counted = False
        if counted:
            self._open[name] = self._open.get(name, 0) + 1
            self._depth += 1
        return self._verdict(name, source)

    def end(self, name: str) -> str | None:
        self._steps += self._depth
        if self._open.get(name):
            self._open[name] -= 1
            self._depth -= 1
        if self._formats.get(name):
            self._equal[self._formats[name].pop()] -= 1
            self._active -= 1
        return "nested too deep" if self._steps > MAX_STEPS else None

    def _verdict(self, name: str, source: str) -> str | None:
        if self._depth > MAX_DEPTH or self._steps > MAX_STEPS:
            return "nested too deep"
        if self._copies > MAX_COPIES:
            return "too many formatting elements left open"
        attributes = len(_ATTRIBUTE.findall(source)) if len(source) > 2 * MAX_ATTRIBUTES else 0
        if name in {"html", "body"}:
            self._merged += len(_ATTRIBUTE.findall(source))
        return "too many attributes" if max(attributes, self._merged) > MAX_ATTRIBUTES else None

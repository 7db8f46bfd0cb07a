"""Thinks about a fetched body: decodes it, parses it, hashes it; needs CPU and waits never."""

import codecs
import time
from functools import cache

from crawler.core.pages import Analysed, AnalyseLimits, Fetched, Outcome
from crawler.core.ports import Analyse
from crawler.stages.charset import decode_html
from crawler.stages.decode import decode
from crawler.stages.digest import sha256, simhash, text_sha256
from crawler.stages.parse import parse
from crawler.system.clock import now
from crawler.system.lanes import here

__all__ = ["analyse", "analyse_guarded"]

#: Twice as much may stay with each heap; a page of 30 kB and its tree take some 320 kB.
KEPT_BYTES = 1 << 20

_XHTML = "application/xhtml+xml"
_SNIFFED_BYTES = 512
_LIKE_HTML = (b"<!doctype html", b"<html", b"<head", b"<title", b"<body", b"<!--", b"<h1", b"<p>")


def analyse(fetched: Fetched) -> Analysed:
    """Return what stands in the body of *fetched*, within ``fetched.limits``.

    Length and digest of every decoded body, whatever the status.  For a complete 2xx answer
    in HTML also encoding, title, links and digests of the text; the SimHash if it is asked
    for.  HTML is ``text/html`` or ``application/xhtml+xml``; an answer without a content type
    is HTML if its first 512 bytes begin, after a UTF-8 byte order mark and white space, with
    one of a few tags (after MIME Sniffing, 7.1).  XHTML that declares no encoding is UTF-8
    (XML 1.0, 4.3.3) and is parsed as HTML.

    Without a body there is nothing to find.  Raises nothing on purpose; a body that cannot be
    decoded or parsed is a ``too-large``, ``decode-error`` or ``analyse-error`` outcome.
    """
    if fetched.body is None:
        return Analysed()
    _keep_freed_memory()
    decoded = decode(fetched.body, fetched.content_encoding, fetched.limits)
    body = decoded.body
    if body is None:
        return Analysed(outcome=decoded.outcome, error=decoded.error)
    analysed = Analysed(bytes=len(body), sha256=sha256(body))
    if fetched.outcome is Outcome.OK and (kind := _html_type(fetched.content_type, body)):
        _read_page(analysed, fetched, body, fallback="utf-8" if kind == _XHTML else "windows-1252")
    return analysed


def analyse_guarded(analyse: Analyse, fetched: Fetched) -> Analysed | None:
    """Return what *analyse* makes of *fetched*, and in ``cpu_s`` its CPU seconds.

    None without a body.  An exception, or a result that is no :class:`Analysed`, becomes an
    ``analyse-error`` that names its type and keeps nothing else; what is no ``Exception``
    (KeyboardInterrupt, SystemExit) passes through.
    """
    if fetched.body is None:
        return None
    moment, began = now(), time.thread_time()
    try:
        analysed: object = analyse(fetched)
    except Exception as error:  # noqa: BLE001 - the analyser may be anybody's code
        analysed = _broken(f"the analyser raised {type(error).__name__}")
    if not isinstance(analysed, Analysed):
        analysed = _broken(f"the analyser returned {type(analysed).__name__}")
    analysed.cpu_s = time.thread_time() - began
    if fetched.spans is not None:
        fetched.spans.append((here(), "analyse", moment, now()))
    return analysed


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep what a page leaves behind, for the next page; elsewhere do nothing.

    It gives the top of its heap back at 128 kB, and from then on at twice the size of the
    largest mapped block that was freed (mallopt(3), M_MMAP_THRESHOLD); so one is freed.  3 000
    pages of 30 kB cost ``--mode serial`` 80 page faults each before, 3 after, and a third of
    the CPU time of the whole run.
    """
    bytes(KEPT_BYTES)


def _broken(error: str) -> Analysed:
    return Analysed(outcome=Outcome.ANALYSE_ERROR, error=error)


def _read_page(analysed: Analysed, fetched: Fetched, body: bytes, *, fallback: str) -> None:
    limits: AnalyseLimits = fetched.limits
    markup, analysed.encoding = decode_html(body, fetched.content_type, fallback)
    # Lexbor reads UTF-8: a body that is just that need not be encoded again.
    sound = analysed.encoding == "UTF-8" and "\ufffd" not in markup
    utf8 = body.removeprefix(codecs.BOM_UTF8) if sound else None
    page = parse(markup, fetched.final_url, limits.max_links, utf8=utf8)
    if page.problem is not None:
        analysed.outcome, analysed.error = Outcome.ANALYSE_ERROR, page.problem
        return
    analysed.title = page.title
    analysed.links = page.links
    analysed.links_total = page.links_total
    analysed.text_sha256 = text_sha256(page.content)
    if limits.simhash:
        analysed.simhash = simhash(page.text)


def _html_type(content_type: str | None, body: bytes) -> str | None:
    """Return the type if it is one of HTML's, else None."""
    if content_type:
        essence = content_type.partition(";")[0].strip().lower()
        return essence if essence in {"text/html", _XHTML} else None
    head = body[:_SNIFFED_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "text/html" if head.startswith(_LIKE_HTML) else None

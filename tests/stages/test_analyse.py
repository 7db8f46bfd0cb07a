"""The stages together: what a fetched body becomes, and what a broken analyser costs."""

import gzip
import hashlib
import platform
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.core.pages import Analysed, AnalyseLimits, Fetched, Outcome, Timing, outcome_of_status
from crawler.stages.analyse import analyse, analyse_guarded

MARKUP = b"<!doctype html><title>A page</title><p>Caf\xc3\xa9 &amp; <a href=x>more</a>"
TEXT = "Café & more"


def fetched(body, *, status=200, content_type="text/html; charset=utf-8", coding="", **limits):
    return Fetched(
        url="http://site.test/",
        final_url="http://site.test/d/",
        outcome=outcome_of_status(status),
        status=status,
        content_type=content_type,
        content_encoding=coding,
        body=body,
        timing=Timing(queue=0.0, total=1.0),
        limits=AnalyseLimits(**limits),
    )


def test_a_page_gives_every_finding():
    sent = gzip.compress(MARKUP)

    assert analyse(fetched(sent, coding="gzip", simhash=True)) == Analysed(
        bytes=len(MARKUP),
        sha256=hashlib.sha256(MARKUP).hexdigest(),
        encoding="UTF-8",
        title="A page",
        links=["http://site.test/d/x"],
        links_total=1,
        text_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
        simhash=analyse(fetched(MARKUP, simhash=True)).simhash,
    )


scraps = st.sampled_from(
    [b"<a href=/", b">", b"<title>", b"</title>", b"\xc3\xa9", b"\xe4\xb8", b"\xad", b"&eacute;",
     b"\xef\xbf\xbd", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\0", b"\r", b"<b>"]
)  # fmt: skip


@given(st.lists(scraps | st.binary(max_size=3), max_size=30).map(b"".join), st.booleans())
@example(b"\xe4\xb8</x>\xad", False)  # what no longer stands apart in the tree
@example(b"\xe4\xb8\0\xad", True)
def test_utf_8_gives_what_the_same_text_gives_in_another_encoding(scrap, marked):
    body = b"<p>" + scrap
    other = b"\xff\xfe" + body.decode("utf-8", "replace").encode("utf-16-le")

    one = analyse(fetched(b"\xef\xbb\xbf" + body if marked else body))
    two = analyse(fetched(other))

    assert (one.title, one.links, one.text_sha256) == (two.title, two.links, two.text_sha256)


def test_the_simhash_is_made_on_request_only():
    assert analyse(fetched(MARKUP)).simhash is None
    assert len(analyse(fetched(MARKUP, simhash=True)).simhash or "") == 16


@pytest.mark.parametrize(
    ("status", "content_type"),
    [(404, "text/html"), (503, "text/html"), (304, "text/html"), (200, "text/plain")],
)
def test_what_is_no_good_page_has_length_and_digest_only(status, content_type):
    analysed = analyse(fetched(MARKUP, status=status, content_type=content_type))

    assert analysed == Analysed(bytes=len(MARKUP), sha256=hashlib.sha256(MARKUP).hexdigest())


@pytest.mark.parametrize(
    ("content_type", "body", "encoding"),
    [
        ("TEXT/HTML", MARKUP, "windows-1252"),
        ("application/xhtml+xml", MARKUP, "UTF-8"),
        ("application/xhtml+xml; charset=koi8-r", MARKUP, "KOI8-R"),
        ("text/html-ish", MARKUP, None),
        (None, MARKUP, "windows-1252"),
        ("", b"\xef\xbb\xbf\n <HTML>", "UTF-8"),
        (None, b"%PDF-1.7", None),
        (None, b"", None),
        ("text/html", b"", "windows-1252"),
    ],
)
def test_html_is_told_by_its_type_or_without_one_by_its_first_bytes(content_type, body, encoding):
    assert analyse(fetched(body, content_type=content_type)).encoding == encoding


def test_a_bomb_and_a_damaged_body_give_an_outcome_and_nothing_else():
    bomb = gzip.compress(bytes(1 << 20))

    assert analyse(fetched(bomb, coding="gzip", max_bytes=1000)) == Analysed(
        outcome=Outcome.TOO_LARGE, error="more than 1000 bytes decoded"
    )
    assert analyse(fetched(bomb[:-9], coding="gzip")) == Analysed(
        outcome=Outcome.DECODE_ERROR, error="gzip data is damaged"
    )


def test_a_page_nested_too_deep_keeps_length_and_digest():
    deep = b"<div>" * 30_000

    analysed = analyse(fetched(deep))

    assert (analysed.outcome, analysed.error) == (Outcome.ANALYSE_ERROR, "nested too deep")
    assert (analysed.bytes, analysed.sha256) == (len(deep), hashlib.sha256(deep).hexdigest())
    assert analysed.links is None
    assert analysed.text_sha256 is None


@given(
    st.binary(max_size=400),
    st.text(max_size=30) | st.none(),
    st.sampled_from(["", "gzip", "br", "zstd", "deflate", "gzip, br", "foo"]),
)
def test_no_answer_raises(body, content_type, coding):
    analysed = analyse(fetched(body, content_type=content_type, coding=coding))

    assert (analysed.sha256 is None) == (analysed.outcome is not None)


def raises(error, _fetched):
    raise error("a secret of the page")


def returns_text(_fetched):
    return "not findings"


def spends(_fetched):
    return Analysed(title=str(sum(range(200_000))))


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, AssertionError])
def test_an_analyser_that_raises_costs_one_page_and_tells_the_type_only(error):
    analysed = analyse_guarded(partial(raises, error), fetched(MARKUP))

    assert analysed is not None
    analysed.cpu_s = 0.0
    assert analysed == Analysed(
        outcome=Outcome.ANALYSE_ERROR, error=f"the analyser raised {error.__name__}"
    )


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_stop_passes_through_the_guard(stop):
    with pytest.raises(stop):
        analyse_guarded(partial(raises, stop), fetched(MARKUP))


def test_a_result_of_another_type_is_an_error():
    analysed = analyse_guarded(returns_text, fetched(MARKUP))

    assert analysed is not None
    assert analysed.error == "the analyser returned str"


def test_without_a_body_there_is_nothing_to_analyse():
    assert analyse_guarded(partial(raises, ValueError), fetched(None)) is None
    assert analyse(fetched(None)) == Analysed()


def test_the_cpu_seconds_of_the_analyser_are_counted():
    analysed = analyse_guarded(spends, fetched(MARKUP))

    assert analysed is not None
    assert analysed.cpu_s > 0


FAULTS = """
import resource
from crawler.core.pages import Fetched, Outcome
from crawler.stages.analyse import analyse
analyse(Fetched(url="", final_url="", outcome=Outcome.OK, body=b""))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    [bytearray(100_000) for _ in range(10)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators do otherwise")
def test_memory_that_was_freed_is_not_asked_for_again():
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], check=False, capture_output=True, text=True
    )

    assert not done.stderr
    # A megabyte is 250 pages: once, not 20 times.
    assert int(done.stdout) < 1_000

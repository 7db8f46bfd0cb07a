"""What is read from a page; the expectations were written by hand from the standards."""

import resource
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.stages import parse as stage
from crawler.stages.parse import parse

AT = "http://site.test/a/b.html?q=1"


def page(markup, address=AT, max_links=10_000):
    return parse(markup, address, max_links)


def links(*hrefs, address=AT, head=""):
    body = "".join(f'<a href="{href}">x</a>' for href in hrefs)
    return page(f"{head}{body}", address).links


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title> A \n\t page&nbsp;&amp; more </title><title>two</title>", "A page & more"),
        ("<body><svg><title>drawn</title></svg><title>real</title>", "real"),
        ("<svg><title>drawn</title></svg>", None),
        ("<title></title>", ""),
        ("<p>no title", None),
        ("<title>caf\u0065\u0301</title>", "caf\u00e9"),
    ],
)
def test_the_title_is_the_first_html_title(markup, title):
    assert page(markup).title == title


@pytest.mark.parametrize(
    ("href", "link"),
    [
        ("c.html", "http://site.test/a/c.html"),
        ("../c", "http://site.test/c"),
        ("../../../c", "http://site.test/c"),
        ("./d/./e/..", "http://site.test/a/d/"),
        ("/x", "http://site.test/x"),
        ("/x/", "http://site.test/x/"),
        ("?p=2", "http://site.test/a/b.html?p=2"),
        ("", "http://site.test/a/b.html?q=1"),
        ("#top", "http://site.test/a/b.html?q=1"),
        ("c#", "http://site.test/a/c"),
        ("//other.test/y", "http://other.test/y"),
        ("HTTPS://Other.TEST:443/Y", "https://other.test/Y"),
        ("http://other.test", "http://other.test/"),
        ("http:c", "http://site.test/a/c"),
        (" \t/sp\nace ", "http://site.test/space"),
        ("/a b", "http://site.test/a%20b"),
        ("/ü?ü", "http://site.test/%C3%BC?%C3%BC"),
        ("\\x\\y", "http://site.test/x/y"),
        ("/?a=1&amp;b=2", "http://site.test/?a=1&b=2"),
        ("http://bücher.test/", "http://xn--bcher-kva.test/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("/%2e%2E/x", "http://site.test/x"),
        ("http://user:secret@other.test/p@q", "http://other.test/p@q"),
        ("/past/http://me@other.test/", "http://site.test/past/http://me@other.test/"),
        ("http://1.2.3.4.5/", None),
        ("http://a b/", None),
        ("http://[::1/", None),
        ("javascript:void(0)", None),
        ("mailto:a@b.test", None),
        ("ftp://other.test/", None),
        ("data:text/html,x", None),
    ],
)
def test_a_link_is_resolved_as_browsers_do(href, link):
    assert links(href) == ([] if link is None else [link])


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("/d/", "http://site.test/d/x"),
        ("sub/", "http://site.test/a/sub/x"),
        ("https://cdn.test/z", "https://cdn.test/x"),
        ("data:text/plain,", "http://site.test/a/x"),
        ("javascript:1", "http://site.test/a/x"),
        ("http://a b/", "http://site.test/a/x"),
    ],
)
def test_the_base_moves_relative_links(base, link):
    assert links("x", head=f'<base href="{base}">') == [link]


def test_the_first_base_with_href_counts_even_below_the_links():
    markup = "<a href=x>1</a><base target=_top><base href=/one/><base href=/two/>"

    assert page(markup).links == ["http://site.test/one/x"]


def test_a_base_that_is_no_hierarchy_leaves_absolute_links_only():
    head = '<base href="mailto:a@b.test">'

    assert links("x", "http://other.test/", head=head) == ["http://other.test/"]


def test_links_keep_document_order_and_stand_once():
    markup = """<area href=/1><A HREF=/2>x</A><link href=/no><a name=z>no</a><a href=/1#again>
    <noscript><a href=/3></a></noscript><template><a href=/no></a></template>
    <!-- <a href=/no> --><script>"<a href=/no>"</script><a href>self</a>"""

    found = page(markup, "http://site.test/")

    assert found.links == [f"http://site.test/{path}" for path in ("1", "2", "3", "")]
    assert found.links_total == 4


@pytest.mark.parametrize(
    ("address", "head"),
    [
        ("http://user:pw@site.test/a/", ""),
        (AT, '<base href="http://user:pw@site.test/a/#top">'),
        (AT, '<base href="//user@site.test/a/">'),
    ],
)
def test_credentials_of_page_and_base_are_not_inherited(address, head):
    assert links("x", "/y", "../z", "#top", "//site.test/w", address=address, head=head) == [
        "http://site.test/a/x",
        "http://site.test/y",
        "http://site.test/z",
        "http://site.test/a/",
        "http://site.test/w",
    ]


@pytest.mark.parametrize("max_links", [0, 1, 7, 50])
def test_links_beyond_the_cap_are_counted_once(max_links):
    markup = "".join(f"<a href=/{number % 40}>x</a>" for number in range(100))

    found = page(markup, max_links=max_links)

    assert found.links == [f"http://site.test/{number}" for number in range(min(40, max_links))]
    assert found.links_total == 40


def test_a_page_of_many_tags_gives_the_same_links_by_walking():
    few = "<base href=/z/><svg><a href=s></a></svg><a href=1></a><area href=2><a href></a><a></a>"
    many = few + "<br>" * (stage.SCANNED_TAGS + 1)

    assert (
        page(many).links
        == page(few).links
        == [f"http://site.test/z/{path}" for path in ("s", "1", "2", "")]
    )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<title>no</title><body> One\n<b>t</b>wo&nbsp; \u2003three ", "One two three"),
        ("<p>a</p><p>b</p>\n<p>c", "ab c"),
        ("a<script>x</script><style>y</style><noscript>z<style>w</style></noscript>b", "ab"),
        ("a<template>x<b>y</b></template>b<!-- c -->", "ab"),
        ("cafe\u0301", "caf\u00e9"),
        ("<frameset><frame></frameset>", ""),
        ("", ""),
        ("<textarea>kept</textarea><svg><text>too</text></svg>", "kepttoo"),
    ],
)
def test_the_text_is_what_the_body_says(markup, text):
    assert page(markup).text == text


@given(st.text(st.characters() | st.sampled_from(" \t\n\r\x0b\x1c\x85\u00a0\u2003\u3000")))
def test_white_space_runs_become_one_space_and_stay_so(text):
    collapsed = stage._collapse(text)

    assert collapsed == unicodedata.normalize("NFC", " ".join(text.split()))
    assert stage.Page(content=text).text == collapsed
    assert stage._collapse(collapsed) == collapsed


scraps = st.sampled_from(
    ["<a href=", "<base href='", '"', "'", ">", "<p", "</", "<svg>", "<title>", "<!--",
     "<template>", "<select>", "<table>", "</b>", "<b x=1>", "\0", "\ud800", "&#xd800;", "&",
     "<noscript>", "/"]
)  # fmt: skip
markups = st.lists(scraps | st.text(max_size=3), max_size=50).map("".join)


@given(markups, st.text(max_size=20) | st.just(AT))
def test_no_markup_and_no_address_raise(markup, address):
    assert page(markup, address).problem is None


@given(st.binary(max_size=500))
def test_no_bytes_read_as_latin_1_raise(body):
    assert isinstance(page(body.decode("latin-1")).text, str)


@given(markups)
def test_the_scan_reads_any_markup_to_its_end(markup):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "SCANNED_TAGS", -1)
        assert page(markup).problem is None


def numbered(markup, count):
    return "".join(markup.format(number) for number in range(count))


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ("<div>" * 30_000, "nested too deep"),
        ("<ul><li>" * 20_000, "nested too deep"),
        ("<div/>" * 30_000, "nested too deep"),
        ("<table><tr><td>" * 7_000, "nested too deep"),
        ("<div></x>" * 20_000, "nested too deep"),
        ("<span>" * 4_900 + "</p>" * 110_000, "nested too deep"),
        ("<svg><title>" + "<div>" * 30_000, "nested too deep"),
        (numbered("<font x={}>", 30_000), "nested too deep"),
        (numbered("<p><b x={}></p>", 3_000), "too many formatting elements left open"),
        (numbered("<b x={}>", 1_000) + "<p>x" * 1_000, "too many formatting elements left open"),
        (numbered("<b y='>' x={}>", 1_000) + "<p>" * 900, "too many formatting elements left open"),
        ("<p " + numbered("a{} ", 40_000) + ">", "too many attributes"),
        ("<a " * 100_000, "too many attributes"),
        ('<a href="' * 60_000, "too many attributes"),
        (numbered("<html a{}=1>", 21_000), "too many attributes"),
    ],
)
def test_ruinous_markup_is_refused_unparsed(markup, problem):
    found = page(markup)

    assert (found.problem, found.text, found.links) == (problem, "", [])


@pytest.mark.parametrize(
    "markup",
    [
        "<div>x</div>" * 12_000,
        "<li>x<p>y<br><img>" * 6_000,
        "<table>" + "<tr><td>x" * 11_000,
        "<p><font size=2>x" * 11_000,
        numbered("<p><b id=b{}>x</b></p>", 6_000),
        "<script>" + "'<div>'" * 21_000 + "</script>",
        "<!--" + "<div>" * 21_000 + "-->",
        "<p title='" + "<div>" * 21_000 + "'>",
        "<svg>" + "<path/>" * 21_000 + "</svg>",
        "<a name=x>" * 21_000,
        "<p>" + numbered("<a href=/{}>x</a> ", 11_000),
        "<" * 300_000,
        "<b '>" * 20_000 + "<p>" * 20_000,
        '"<a href="' * 2_000 + " " * 300_000,
    ],
)
def test_long_but_honest_or_harmless_markup_is_parsed(markup):
    assert page(markup).problem is None


def test_the_deepest_page_let_through_is_read_without_recursion():
    found = page("<div>" * stage.SCANNED_TAGS + "deep")

    assert found.problem is None
    assert found.text == "deep"


MEMORY = """
import resource, sys
from selectolax.lexbor import LexborHTMLParser
from crawler.stages.parse import parse
markup = "".join(f"<a href={number}>" for number in range(200_000))
LexborHTMLParser(markup, options=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = parse(markup, "http://site.test/", 100)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert (len(found.links), found.links_total) == (100, 200_000)
print((after - before) * (1 if sys.platform == "darwin" else 1024))
"""


def test_200_000_links_take_little_more_memory_than_lexbors_tree():
    assert resource.getpagesize()  # the module is there, as on Linux and macOS

    done = subprocess.run(
        [sys.executable, "-c", MEMORY], check=False, capture_output=True, text=True
    )

    assert not done.stderr
    # A set of hashes; collected as nodes and strings they took three times as much.
    assert int(done.stdout) < 32 << 20

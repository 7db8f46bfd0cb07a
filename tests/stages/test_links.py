"""Many references at a time mean what the URL Standard makes of each."""

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.stages import links
from crawler.stages.links import links_of, resolved

segments = st.sampled_from(
    ["a", "b.c", ".", "..", "", "-", "~x", "x--y", "xn--a", "0x7f", "127", "é", "%2e", "a b", "a:b"]
)
paths = st.lists(segments, max_size=4).map("/".join)
starts = st.sampled_from(
    ["", "/", "//", "http://", "https://", "http://a.test/", "http://a-b.c.test/", "http://1.2/",
     "http://xn--a.test/", "http://a--b.test/", "http://a.b0/", "https://A.test/", "http:/", "?",
     "\\", "../", "./", ".././", "..", "a/../", "HTTP://h:81/", "//h:443/", "//h:99999/", "//h:/",
     "http://0x7f.1/", "http://[::1]:80/", "http://[::1/", "http://a_b/", "http://u:p@h/", "//:81/",
     "mailto:", "ftp://h/", "///h/", "https:h/"]
)  # fmt: skip
ends = st.sampled_from(["", "?", "?a=b&c", "?a'b", "#", "#f", "?x#y z", "#\n", " ", "?a/b:c,d"])
hrefs = st.tuples(starts, paths, ends).map("".join) | st.text(
    "abz./?#:-_~%@&=+,;09 \n\\", max_size=12
)


bases = st.sampled_from(
    ["http://site.test/a/b?c", "https://h/", "http://h:81/x/y/?a/b", "http://1.2.3.4/a;b/c", "http://[::1]//a//b#c",
     "http://h/http://u@h/", "http://u:p@h/a/b?c@d", "ftp://h/a/b", "mailto:a@b", "file:///C:/",
     ""]
)  # fmt: skip


@given(hrefs, bases)
def test_plain_joining_equals_the_url_standard(href, address):
    try:
        expected = ada_url.join_url(address, href).partition("#")[0]
    except ValueError:
        expected = ""
    kept = [expected] if expected.startswith("http") and "@" not in expected else None

    found, _ = links_of([href], address, 10)

    assert kept is None or found == kept


@given(st.lists(hrefs, max_size=30), bases, st.sampled_from([0, 4, links.MAX_STARTS]))
def test_links_are_the_same_together_as_alone(several, address, max_starts):
    alone = [resolved(address, href) for href in several]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(links, "MAX_STARTS", max_starts)
        found, _ = links_of(several, address, 100)

    assert found == list(dict.fromkeys(filter(None, alone)))

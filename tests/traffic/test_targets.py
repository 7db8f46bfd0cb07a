"""Whom a load test asks: what a line means, what is sent, and who comes next."""

import re
import tracemalloc
from collections import Counter
from itertools import islice

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.errors import OptionsError, SourceError
from crawler.traffic.job import LoadOptions, Target
from crawler.traffic.targets import choices, parse_line, request_bytes, targets_of

AGENT = "tester/1"
URL = "http://site.test/"
TOKENS = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}", fullmatch=True)
#: Every Latin-1 character that is no control, and no space at either end.
VALUES = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20
).map(str.strip)  # fmt: skip
OURS = {"connection", "content-length", "transfer-encoding", "expect"}
#: These change how the parser reads what follows them.
SPECIAL = OURS | {"host", "user-agent", "accept", "upgrade", "proxy-connection"}


def reading(files):
    """Return a `read` that knows *files* only."""

    def read(name):
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        if isinstance(files[name], OSError):
            raise files[name]
        return files[name]

    return read


NOTHING = reading({})


def target(url=URL, rest="", read=NOTHING):
    found = parse_line(f"{url} {rest}", read)
    assert found is not None
    return found


def sent(found=None, **options):
    return request_bytes(found or target(), LoadOptions(**options), AGENT)


def weighted(*weights):
    return [target(rest=f"weight={weight}") for weight in weights]


class Received:
    """What a server's parser makes of a request."""

    def __init__(self, data):
        self.headers, self.body, self.complete = [], b"", 0
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)
        self.method = self._parser.get_method()

    def on_header(self, name, value):
        self.headers.append((name.decode(), value.decode("latin-1")))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.complete += 1
        self.keeps_alive = self._parser.should_keep_alive()


# ---------------------------------------------------------------- one line


@pytest.mark.parametrize(
    ("url", "address", "scheme", "host", "port"),
    [
        ("http://site.test", "http://site.test/", "http", "site.test", 80),
        ("https://Site.test/A?b#part", "https://site.test/A?b", "https", "site.test", 443),
        ("http://site.test:8080/", "http://site.test:8080/", "http", "site.test", 8080),
        ("http://site.test:80/", "http://site.test/", "http", "site.test", 80),
        ("http://[::1]/x", "http://[::1]/x", "http", "::1", 80),
        ("https://[::1]:8443/x", "https://[::1]:8443/x", "https", "::1", 8443),
        ("http://0x7f.1/", "http://127.0.0.1/", "http", "127.0.0.1", 80),
        ("http://@site.test/@", "http://site.test/@", "http", "site.test", 80),
    ],
)
def test_a_url_says_where_it_leads(url, address, scheme, host, port):
    expected = Target(address=address, scheme=scheme, host=host, port=port)

    assert parse_line(url, NOTHING) == expected


@pytest.mark.parametrize(
    ("line", "method", "weight", "body"),
    [
        (f"{URL}", None, 1, None),
        (f"POST {URL}", "POST", 1, None),
        (f"  get\t{URL}  ", "get", 1, None),
        (f"{URL} weight=3", None, 3, None),
        (f"PUT {URL} weight=999999\tbody=a  b=1 weight=2 ", "PUT", 999999, b"a  b=1 weight=2 "),
        (f"{URL} body=", None, 1, b""),
        (f"{URL} body=ä\r\n", None, 1, "ä".encode()),
        (f"{URL} body=http://other.test/", None, 1, b"http://other.test/"),
        (f"{URL} weight=2 body=@file.json ", None, 2, b"\x00\xff"),
    ],
)
def test_a_line_may_say_method_weight_and_body(line, method, weight, body):
    found = parse_line(line, reading({"file.json": b"\x00\xff"}))

    assert found is not None
    assert (found.address, found.method, found.weight, found.body) == (URL, method, weight, body)


@pytest.mark.parametrize("line", ["", "  \t ", "\r\n", "# http://site.test/", "  #x"])
def test_blank_lines_and_comments_name_nobody(line):
    assert parse_line(line, NOTHING) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("site.test/page", "no URL: write http://"),
        ("GET", "no URL: write http://"),
        ("GET site.test weight=2", "no URL: write http://"),
        ("GE(T http://site.test/", "'GE(T' is no method"),
        (f"{URL} weight=0", "'weight=0': a whole number"),
        (f"{URL} weight=1.5", "'weight=1.5': a whole number"),
        (f"{URL} weight=1000000", "'weight=1000000': a whole number"),
        (f"{URL} {URL}", "behind the URL write weight=3"),
        (f"{URL} wieght=3", "'wieght=3': behind the URL write weight=3"),
        (f"{URL} body=@", "write the name of a file"),
        (f"{URL} body=@gone.json", "body=@gone.json: No such file"),
        ("ftp://site.test/", "only http and https"),
        ("http://", "not a valid URL"),
        ("http://" + "a" * 17_000, "longer than 16000 characters"),
        ("http://a.test/\rhttp://b.test/", "a carriage return"),
    ],
)
def test_a_bad_line_is_told_what_to_write(line, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_line(line, NOTHING)


@pytest.mark.parametrize("line", ["http://ann:secret@site.test/", "ftp://ann:secret@site.test/"])
def test_credentials_are_refused_and_not_repeated(line):
    with pytest.raises(ValueError, match=r"Authorization|only http") as caught:
        parse_line(line, NOTHING)

    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- all sources


def test_words_are_urls_and_files_of_lines_in_order():
    files = {
        "list.txt": b"\xef\xbb\xbfhttp://b.test/\r\n\n# no\nPOST http://c.test/ body=x",
        "-": b"http://d.test/\n",
    }

    found = targets_of(["http://a.test/x", "list.txt", "-"], reading(files))

    assert [one.host for one in found] == ["a.test", "b.test", "c.test", "d.test"]
    assert found[2].body == b"x"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "no URL in any source"),
        (["empty.txt"], "no URL in any source"),
        (["localhost:80"], "localhost:80: no such file; for a URL write http://localhost:80"),
        (["folder"], "folder: Is a directory"),
        (["ftp://site.test/"], "ftp://site.test/: only http and https are fetched"),
        (["bad.txt"], "bad.txt line 3: 'weight=0': a whole number from 1 to 999999 wanted"),
        (["latin.txt"], "latin.txt line 2: not UTF-8"),
        (["-"], "standard input line 1: no URL: write http://... or METHOD http://..."),
    ],
)
def test_a_bad_source_is_named_with_its_line(words, expected):
    files = {
        "empty.txt": b"# nobody\n",
        "folder": IsADirectoryError(21, "Is a directory"),
        "bad.txt": b"http://a.test/\n\nhttp://b.test/ weight=0\n",
        "latin.txt": "http://a.test/\nhttp://ä.test/\n".encode("latin-1"),
        "-": b"GET\n",
    }

    with pytest.raises(SourceError) as caught:
        targets_of(words, reading(files))

    assert str(caught.value) == expected


def test_a_body_of_many_targets_is_read_and_kept_once():
    asked = []

    def read(name):
        asked.append(name)
        return b"http://a.test/ body=@big\n" * 3 if name == "list.txt" else bytes(5000)

    found = targets_of(["list.txt"], read)

    assert asked == ["list.txt", "big"]
    assert len({id(one.body) for one in found}) == 1


def test_weights_whose_table_would_fill_the_memory_are_refused():
    lines = b"http://a.test/ weight=999999\n" * 5
    read = reading({"fits": lines, "odd": lines + b"http://b.test/ weight=999998\n"})

    assert len(targets_of(["fits"], read)) == 5
    with pytest.raises(OptionsError, match="weight=: in all at most 4000000"):
        targets_of(["odd"], read)


# ---------------------------------------------------------------- what is sent


def test_a_plain_request_is_this():
    assert sent(target("http://site.test:8080/a?b=ä#c")) == (
        b"GET /a?b=%C3%A4 HTTP/1.1\r\nHost: site.test:8080\r\nUser-Agent: tester/1\r\n"
        b"Accept: */*\r\n\r\n"
    )


def test_a_request_with_everything_is_this():
    found = target("http://[::1]/", "body=xyz")
    headers = (("X-One", "1"), ("accept", "text/html"), ("HOST", "other.test"), ("x-one", "ü"))

    assert sent(found, method="PATCH", headers=headers, keepalive=False, body=b"no") == (
        b"PATCH / HTTP/1.1\r\nHOST: other.test\r\nUser-Agent: tester/1\r\nX-One: 1\r\n"
        b"accept: text/html\r\nx-one: \xfc\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz"
    )


@pytest.mark.parametrize(
    ("line", "options", "method", "length"),
    [
        (URL, {}, b"GET", None),
        (URL, {"body": b"ab"}, b"POST", "2"),
        (URL, {"body": b""}, b"POST", "0"),
        (f"{URL} body=abc", {"body": b"ab"}, b"POST", "3"),
        (f"{URL} body=", {"body": b"ab"}, b"POST", "0"),
        (URL, {"method": "HEAD"}, b"HEAD", None),
        (f"DELETE {URL}", {"method": "HEAD"}, b"DELETE", None),
        (f"GET {URL}", {"body": b"ab"}, b"GET", "2"),
        (f"POST {URL}", {}, b"POST", "0"),
        (URL, {"method": "PUT"}, b"PUT", "0"),
        (URL, {"method": "PATCH"}, b"PATCH", "0"),
    ],
)
def test_method_and_body_are_the_targets_before_the_options(line, options, method, length):
    received = Received(sent(parse_line(line, NOTHING), **options))

    assert received.method == method
    assert dict(received.headers).get("Content-Length") == length
    assert received.complete == 1


@settings(max_examples=25)
@given(
    headers=st.lists(
        st.tuples(TOKENS.filter(lambda name: name.lower() not in SPECIAL), VALUES), max_size=5
    ),
    body=st.none() | st.binary(max_size=30),
    keepalive=st.booleans(),
)
def test_a_server_reads_what_was_asked_for(headers, body, keepalive):
    received = Received(sent(headers=tuple(headers), body=body, keepalive=keepalive))

    assert received.complete == 1
    assert received.body == (body or b"")
    assert received.keeps_alive is keepalive
    assert received.headers[0] == ("Host", "site.test")
    assert received.headers[3 : 3 + len(headers)] == headers


@pytest.mark.parametrize("name", ["Host", "uSER-aGENT", "accept"])
def test_a_header_of_the_user_replaces_the_default_of_its_name(name):
    named = [
        value
        for found, value in Received(sent(headers=((name, "mine"),))).headers
        if found.lower() == name.lower()
    ]

    assert named == ["mine"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "GE T"}, "-m 'GE T': no method"),
        ({"method": "É"}, "-m 'É': no method"),
        ({"headers": (("a b", "x"),)}, "-H 'a b': no name of a header"),
        ({"headers": (("", "x"),)}, "-H '': no name of a header"),
        ({"headers": (("X", "a\rb"),)}, "-H 'X': a line break or NUL"),
        ({"headers": (("X", "a\nb"),)}, "-H 'X': a line break or NUL"),
        ({"headers": (("X", "a\0b"),)}, "-H 'X': a line break or NUL"),
        ({"headers": (("X", "Ā"),)}, "-H 'X': only Latin-1"),
        *(
            ({"headers": ((name, "1"),)}, f"-H '{name}': ")
            for name in ("Connection", "content-length", "Transfer-Encoding", "EXPECT")
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_option(options, words):
    with pytest.raises(OptionsError) as caught:
        sent(**options)

    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_a_target_and_its_request_take_under_a_kilobyte():
    count = 500
    lines = b"".join(
        b"GET http://127.0.0.1:8080/shop/item/%d?page=%d weight=2\n" % (n, n) for n in range(count)
    )
    read = reading({"list.txt": lines})
    sent(targets_of(["list.txt"], read)[0])  # what is kept between calls is made now

    tracemalloc.start()
    try:
        found = targets_of(["list.txt"], read)
        requests = [sent(one) for one in found]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(requests) == count
    assert taken < 1000 * count


# ---------------------------------------------------------------- who is next


@settings(max_examples=40)
@given(
    count=st.integers(1, 50), of=st.integers(1, 70), weight=st.integers(1, 9), seed=st.integers(0)
)
def test_equal_targets_come_in_turn_over_all_processes(count, of, weight, seed):
    targets = weighted(*[weight] * count)
    rounds = -(-3 * count // of)
    each = [islice(choices(targets, seed, place, of), rounds) for place in range(of)]

    together = [index for one_each in zip(*each, strict=True) for index in one_each]

    assert together == [number % count for number in range(len(together))]


@settings(max_examples=30)
@given(weights=st.lists(st.integers(1, 6), min_size=2, max_size=6), seed=st.integers(0, 2**63))
def test_weights_are_the_shares_of_the_draw(weights, seed):
    count = 4000
    drawn = Counter(islice(choices(weighted(*weights), seed, 0, 1), count))

    for index, weight in enumerate(weights):
        share = weight / sum(weights)
        # Six standard deviations: by chance once in 10**9.
        assert abs(drawn[index] - count * share) <= 6 * (count * share * (1 - share)) ** 0.5


def test_a_draw_depends_on_seed_and_process_only():
    targets = weighted(1, 2, 3)

    def drawn(seed, place, of=2):
        return list(islice(choices(targets, seed, place, of), 3000))

    assert drawn(1, 0) == drawn(1, 0) == drawn(1, 0, of=9)
    assert len({tuple(drawn(*how)) for how in [(1, 0), (1, 1), (2, 0), (11, 0), (1, 10)]}) == 5


@pytest.mark.parametrize("weights", [(1, 1, 1), (999_999, 1)])
def test_choosing_takes_no_more_memory_the_longer_it_goes_on(weights):
    chosen = choices(weighted(*weights), 1, 0, 1)
    next(chosen)

    tracemalloc.start()
    try:
        for _ in islice(chosen, 10_000):
            pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 50_000

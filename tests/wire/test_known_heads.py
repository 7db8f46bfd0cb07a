"""Known heads: an answer that begins like the last one is taken without reading, and as if read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.wire import bare
from crawler.wire.bare import CHANCES, BareConnection

OK = b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "page": OK % 4 + b"page",
    "other page, same head": OK % 4 + b"PAGE",
    "longer": OK % 5 + b"pages",
    "empty": OK % 0,
    "dated": b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 4\r\n\r\npage",
    "later": b"HTTP/1.1 200 OK\r\nDate: nau\r\nContent-Length: 4\r\n\r\npage",
    "error": b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
    "chunked": CHUNKED + b"4\r\npage\r\n0\r\n\r\n",
    "chunked, unfinished": CHUNKED + b"9\r\npage\r\n0\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + OK % 4 + b"page",
    "closing": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage",
    "too long": OK % 4 + b"pages",
    "garbage": b"HTTQ/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
}
#: Answers whose heads are all different.
DATED = [f"number {number}" for number in range(CHANCES)]
ANSWERS |= {name: b"HTTP/1.1 200 OK\r\nX: %d\r\nContent-Length: 1\r\n\r\n." % number
            for number, name in enumerate(DATED)}  # fmt: skip


class Wire:
    """A transport that leads nowhere."""

    def write(self, data):
        pass

    def abort(self):
        pass


class Owner:
    def __init__(self):
        self.heard = []

    def answered(self, connection):
        self.heard.append((connection.status, connection.received, connection.is_reusable))

    def failed(self, _, reason):
        self.heard.append(reason)

    def lost(self, _):
        self.heard.append("lost")


def heard(exchanges, chances):
    """Return what an owner hears of answers: (name, where it is cut, HEAD or not) for each."""
    owner = Owner()
    bare.CHANCES = chances
    connection: Any = BareConnection(owner, None)
    connection.connection_made(Wire())
    for name, cut, head in exchanges:
        if not connection.is_reusable:
            break
        connection.ask(b"", head)
        for part in (ANSWERS[name][:cut], ANSWERS[name][cut:]):
            if part and connection.is_reusable:
                connection.data_received(part)
    return owner.heard


@pytest.fixture(autouse=True)
def _chances():
    yield
    bare.CHANCES = CHANCES


exchanges = st.lists(
    st.tuples(st.sampled_from(sorted(ANSWERS)), st.sampled_from([0, 0, 0, 20]), st.booleans()),
    max_size=12,
)


@settings(max_examples=300)
@given(exchanges)
def test_it_makes_no_difference_to_what_is_heard(some):
    assert heard(some, CHANCES) == heard(some, 0)


@pytest.mark.parametrize("name", ["page", "empty", "error", "chunked"])
def test_the_same_bytes_are_another_answer_when_head_was_asked(name):
    some = [(name, 0, False), (name, 0, True), (name, 0, False)]
    assert heard(some, CHANCES) == heard(some, 0)


def test_what_says_no_length_is_read_each_time():
    some = [("chunked", 0, False), ("chunked, unfinished", 0, False)]
    assert heard(some, CHANCES) == heard(some, 0) == [(200, len(ANSWERS["chunked"]), True)]


@given(st.lists(st.sampled_from(["page", "other page, same head", "error"]), max_size=12))
def test_nor_where_heads_are_often_known(names):
    some = [(name, 0, False) for name in names]
    assert heard(some, CHANCES) == heard(some, 0)


def reads(names, monkeypatch):
    """Return how many answers the parser had to read."""
    count = []
    read = BareConnection._read

    def counted(self, data):
        count.append(data)
        read(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(BareConnection, "_read", counted)
        heard([(name, 0, False) for name in names], CHANCES)
    return len(count)


def test_a_head_is_read_once(monkeypatch):
    assert reads(["page"] * 100, monkeypatch) == 1


def test_after_a_new_head_the_old_one_is_read_again(monkeypatch):
    assert reads(["page", "page", "dated", "dated", "page", "page"], monkeypatch) == 3


def test_a_server_whose_heads_are_all_new_is_given_up(monkeypatch):
    assert reads([*DATED[:CHANCES], "page", "page"], monkeypatch) == CHANCES + 2
    assert reads([*DATED[: CHANCES - 1], "page", "page"], monkeypatch) == CHANCES

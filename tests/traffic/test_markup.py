from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.traffic.markup import count, digits, share, size, table, words

GAP = "\N{NARROW NO-BREAK SPACE}"


class Read(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=["C"]), max_size=50))
def test_any_words_are_read_as_they_are(text):
    read = Read(f'<p title="{words(text)}">{words(text)}</p>')

    assert [("p", [("title", text)])] == read.tags
    assert text == read.text


@pytest.mark.parametrize("letter", ["\0", "\n", "\x1b", "\udc80", "\N{RIGHT-TO-LEFT OVERRIDE}"])
def test_what_is_no_letter_is_replaced(letter):
    assert words(f"a{letter}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_words_without_end_are_cut():
    assert words("x" * 1_000_000) == "x" * 1000 + "…"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0.000"), (9.8765, "9.877"), (98.765, "98.77"), (987.65, "987.6"),
     (98765.4, f"98{GAP}765")],
)  # fmt: skip
def test_a_number_has_four_digits_and_all_before_the_point(value, text):
    assert digits(value) == text


def test_numbers_have_their_units():
    assert count(1234567) == f"1{GAP}234{GAP}567"
    assert (share(1, 8), share(1, 0)) == (f"12.5{GAP}%", "")
    assert [size(n) for n in (0, 16, 999_600, 3e9)] == [
        f"0{GAP}B", f"16{GAP}B", f"1{GAP}MB", f"3{GAP}GB",
    ]  # fmt: skip


def test_a_table_has_a_head_and_rows():
    assert "<th>a</th><th>b</th>" in table(("a", "b"), [("1", "2")])
    assert "<tr><td>1</td><td>2</td></tr>" in table(("a", "b"), [("1", "2")])

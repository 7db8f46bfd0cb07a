"""Fingerprints: known digests, and SimHash near for twins and far for strangers."""

import hashlib
import random
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.stages import digest as stage
from crawler.stages.digest import sha256, simhash, text_sha256

COMMON = [
    *"aios",
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
]


def article(seed, words=400):
    """Text like a page's: common words everywhere, a vocabulary of its own, Zipf's frequencies."""
    chance = random.Random(seed)
    letters = "abcdefghilmnoprstuvw"
    own = ["".join(chance.choices(letters, k=chance.randint(4, 11))) for _ in range(250)]
    weights = [1 / rank for rank in range(1, len(own) + 1)]
    return [
        chance.choice(COMMON) if chance.random() < 0.45 else chance.choices(own, weights)[0]
        for _ in range(words)
    ]


def distance(one, other):
    return (int(simhash(" ".join(one)), 16) ^ int(simhash(" ".join(other)), 16)).bit_count()


def test_sha_256_is_the_known_one():
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_text_is_hashed_as_utf_8():
    assert text_sha256("naïve") == hashlib.sha256("naïve".encode()).hexdigest()


BLANKS = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u2003\u2028\u202f\u3000"
# What composes, decomposes, or changes its place, next to ASCII and to each other.
RESTLESS = (
    "aeqE=<\u0300\u0301\u0323\u0338\u0344\u0345\u0374\u037e\u00e9\u1e9b\u0307\u1fef\u212b\u0958"
    "\u09c7\u09be\u0f73\u1100\u1161\u11a8\uac00\u3099\u304b\uf900\ufb1d\U0001d15e\U0001f40c"
)
# A text of its own for each kind: of a union of characters few come from the short lists.
texts = st.lists(
    st.text(st.sampled_from(RESTLESS), max_size=5)
    | st.text(st.sampled_from(BLANKS), max_size=3)
    | st.text(st.characters(codec=None), max_size=5)
).map("".join)


def plainly_collapsed(text):
    return unicodedata.normalize("NFC", " ".join(text.split())).encode("utf-8", "replace")


@given(texts)
def test_the_text_is_collapsed_and_composed_as_split_join_and_normalize_do(text):
    assert stage._collapsed(text) == plainly_collapsed(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "\n a  b \t\n",
        "a" + 7 * " " + "b",
        "a\u00a0\u2003b",
        "\u3000a\u0301\u2000",
        "cafe\u0301",
        "e\u0323 \u0301",
        "\u00e9=\u0338",
        "\u212b",
        "\u1100\u1161",
        "\u304b\u3099",
        "\u09c7\u09be",
    ],
)
def test_some_texts_are_collapsed_and_composed_in_any_case(text):
    assert stage._collapsed(text) == plainly_collapsed(text)


def test_every_character_that_is_white_space_becomes_a_space():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))

    blanks = {character for character in everything if character.isspace()}

    assert {*" ", *stage._OTHER_BLANKS, *map(bytes.decode, stage._ASCII_BLANKS)} == blanks


def test_what_composes_with_ascii_begins_with_one_byte():
    for code in range(128, sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (chr(int(part, 16)) for part in parts)
            assert not second.isascii()
            assert not first.isascii() or second.encode()[:1] == b"\xcc"


@given(st.text(st.characters(codec=None), max_size=50))
def test_no_text_raises(text):
    assert len(text_sha256(text)) == 64
    assert len(simhash(text)) == 16


def test_near_identical_pages_differ_in_at_most_3_bits():
    apart = []
    for seed in range(60):
        page = article(seed)
        twin = list(page)
        for at in random.Random(seed).sample(range(len(page)), 1 + seed % 2):
            twin[at] = f"changed{seed}"
        apart.append(distance(page, twin))

    assert max(apart) > 0
    # A random projection gives no certainty, so the rule is held as it is promised: mostly.
    assert sum(bits <= 3 for bits in apart) >= 57


def test_unrelated_pages_differ_in_more_than_16_bits():
    pages = [article(seed) for seed in range(40)]

    apart = [distance(one, other) for at, one in enumerate(pages) for other in pages[:at]]

    assert min(apart) > 16
    assert 28 < sum(apart) / len(apart) < 36


def test_order_case_and_punctuation_do_not_count():
    assert simhash("One two, three!") == simhash("three ONE two")


def test_a_text_without_words_has_the_hash_of_nothing():
    assert simhash(" — … ") == "0" * 16


def test_the_hash_does_not_change_between_releases_or_machines():
    assert simhash("the quick brown fox jumps over the lazy dog") == "d70ebbaf152749a8"


def test_each_bit_is_the_majority_of_the_words_bits():
    """The same by Charikar's definition, bit by bit."""
    words = {"alpha": 3 * 2, "gamma": 3, "so": 1}
    expected = 0
    for at in range(64):
        votes = 0
        for word, weight in words.items():
            bit = hashlib.shake_128(word.encode()).digest(256)[4 * at + 3] & 1
            votes += weight if bit else -weight
        expected = expected << 1 | (votes > 0)

    assert simhash("alpha gamma alpha so") == f"{expected:016x}"

"""Which encoding a page has: expectations written from the HTML and Encoding Standards."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.stages.charset import decode_html


def encoding_of(body, content_type=None):
    return decode_html(body, content_type)[1]


def test_a_byte_order_mark_beats_header_and_meta():
    body = b'\xef\xbb\xbf<meta charset="koi8-r">caf\xc3\xa9'

    assert decode_html(body, "text/html; charset=windows-1251") == (
        '<meta charset="koi8-r">café',
        "UTF-8",
    )


@pytest.mark.parametrize(
    ("body", "name"),
    [(b"\xff\xfeh\0i\0", "UTF-16LE"), (b"\xfe\xff\0h\0i", "UTF-16BE")],
)
def test_utf_16_is_found_by_its_mark(body, name):
    assert decode_html(body, None) == ("hi", name)


def test_the_header_beats_the_meta():
    body = b'<meta charset="utf-8">\xd0'

    assert decode_html(body, "text/html;charset=KOI8-R") == ('<meta charset="utf-8">п', "KOI8-R")


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ('text/html; charset="utf-8"', "UTF-8"),
        ("text/html; Charset= latin1 ; x=y", "windows-1252"),
        (r'text/html; charset="\utf-8"', "UTF-8"),
        ("text/html; x=1; charset=sjis; charset=utf-8", "Shift_JIS"),
        ("text/html; charset=utf-16", "UTF-16LE"),
        ("text/html; charset=nonsense", "windows-1252"),
        ("text/html; charset='utf-8'", "windows-1252"),
        ("text/html; charset=ütf-8", "windows-1252"),
        ("text/html; xcharset=utf-8", "windows-1252"),
        ("text/html", "windows-1252"),
        ("", "windows-1252"),
    ],
)
def test_the_header_names_the_encoding(content_type, name):
    assert encoding_of(b"<p>x", content_type) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<meta charset=utf-8>", "UTF-8"),
        (b"<META CHARSET = 'EUC-KR' />", "EUC-KR"),
        (b"<meta/charset=gbk>", "GBK"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=big5">', "Big5"),
        (b"<meta content='charset = \"gb18030\"' http-equiv=content-type>", "gb18030"),
        (b"<!-- <meta charset=utf-8> --><meta charset=koi8-u>", "KOI8-U"),
        (b"<!--><meta charset=utf-8>", "UTF-8"),
        (b"<p title='<meta charset=utf-8>'><meta charset=koi8-u>", "KOI8-U"),
        (b"</p <meta charset=utf-8><meta charset=koi8-u>", "KOI8-U"),
        (b"<?php <meta charset=utf-8><meta charset=koi8-u>", "KOI8-U"),
        (b"<meta charset=utf-8 charset=koi8-u>", "UTF-8"),
        (b"<meta charset=nonsense><meta charset=utf-8>", "UTF-8"),
        (b"<meta charset=utf-16le>", "UTF-8"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
        (b"<meta charset=iso-2022-kr>", "replacement"),
        (b"<meta content='text/html; charset=utf-8'>", "windows-1252"),
        (b"<meta http-equiv=refresh content='text/html; charset=utf-8'>", "windows-1252"),
        (b"<metadata charset=utf-8>", "windows-1252"),
        (b"<meta name=x data='charset=utf-8'>", "windows-1252"),
        (b"<meta ='x' charset=utf-8>", "UTF-8"),
        (b"<?xml version='1.0' encoding='iso-8859-2'?><p>", "ISO-8859-2"),
        (b"<?xml version='1.0' encoding='utf-16'?><p>", "UTF-8"),
        (b"<?xml encoding='iso-8859-2'?><meta charset=utf-8>", "UTF-8"),
        (b"<\0?\0x\0m\0l\0", "UTF-16LE"),
    ],
)
def test_the_body_declares_its_encoding(head, name):
    assert encoding_of(head + b"<body>") == name


def test_a_declaration_counts_within_1024_bytes_only():
    declaration = b"<meta charset=utf-8>"
    room = 1024 - len(declaration)

    assert encoding_of(b" " * room + declaration + b"<p>") == "UTF-8"
    assert encoding_of(b" " * (room + 1) + declaration + b"<p>") == "windows-1252"


@pytest.mark.parametrize("cut", [b"<meta charset=utf-8", b"<meta charset='utf-8", b"<!-- <meta"])
def test_a_declaration_that_is_not_finished_does_not_count(cut):
    assert encoding_of(cut) == "windows-1252"


def test_without_any_word_it_is_windows_1252_with_the_standards_controls():
    assert decode_html(b"\x80\x81\x93\x9d\xff", None) == ("€\x81“\x9dÿ", "windows-1252")


def test_the_fallback_can_be_chosen():
    assert decode_html("é".encode(), None, "utf-8") == ("é", "UTF-8")


def test_the_replacement_encoding_gives_one_replacement_character():
    assert decode_html(b"abc", "text/html; charset=hz-gb-2312") == ("\ufffd", "replacement")


def test_wrong_utf_8_becomes_replacement_characters_as_in_browsers():
    text, _ = decode_html(b"a\xf0\x9f\x92b\xc0\x80c\xed\xa0\x80d", "text/html; charset=utf-8")

    assert text == "a\ufffdb\ufffd\ufffdc\ufffd\ufffd\ufffdd"


@pytest.mark.parametrize(
    ("label", "sent", "text"),
    [
        ("shift_jis", b"\x93\xfa\x96{", "日本"),
        ("gb2312", b"\xd6\xd0\x81\x30\x81\x30", "中\x80"),
        ("euc-kr", b"\xc7\xd1", "한"),
        ("iso-8859-1", b"\x80", "€"),
        ("x-user-defined", b"a\xff", "a\uf7ff"),
    ],
)
def test_labels_mean_what_the_encoding_standard_says(label, sent, text):
    assert decode_html(sent, f"text/html; charset={label}")[0] == text


LABELS = re.findall(
    r"\S+",
    """big5 euc-jp euc-kr gb18030 gbk hz-gb-2312 ibm866 iso-2022-jp iso-8859-1 iso-8859-10
iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5
iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-8-i koi8-r koi8-u macintosh shift_jis utf-16be utf-16le
utf-8 windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256
windows-1257 windows-1258 windows-874 x-mac-cyrillic x-user-defined""",
)


@given(st.binary(max_size=2000), st.sampled_from(LABELS))
def test_no_bytes_in_no_encoding_raise(body, label):
    text, _ = decode_html(body, f"text/html; charset={label}")

    assert isinstance(text, str)


pieces = st.sampled_from(
    [b"<meta ", b"charset", b"=", b"'", b'"', b">", b"utf-8", b"<!--", b"--", b"<a ", b"/", b" "]
) | st.binary(max_size=3)


@given(st.lists(pieces, max_size=60).map(b"".join), st.text(max_size=40) | st.none())
def test_no_declaration_raises(body, parameter):
    content_type = None if parameter is None else f"text/html; charset={parameter}"

    assert decode_html(body, content_type)[1]

"""Addresses, read as browsers do, and the form of them that may be shown."""

import re

import ada_url
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler.core.urls import (
    MAX_URL_LENGTH,
    host_of,
    origin_of,
    public_form,
    redirected,
    target_of,
)

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
HOSTS = (
    "site.test", "SITE.test", "münchen.test", "xn--mnchen-3ya.test", "127.0.0.1", "0x7f.1",
    "[::1]", "[2001:DB8::1]", "a.b.c.d.test", "localhost", "a_b.test", "h", "日本.test",
)  # fmt: skip


user_infos = st.sampled_from(
    ["", "u@", "u:p@", ":p@", "u:@", "@", "a@b:c@d@", "u%40:p%2f@", "ü:é@"]
)
ports = st.sampled_from(["", ":", ":80", ":443", ":8080", ":0", ":65535", ":00080"])
tails = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "/", "/p", "//p", "/a/../b", "/@x:y@"]),
    st.text(max_size=12),
    st.sampled_from(["", "?", "?q=@h/", "?://u:p@h"]),
    st.sampled_from(["", "#", "#x@y"]),
)
urls = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "https:///", "http:////"]),
    user_infos,
    st.sampled_from(HOSTS),
    ports,
    tails,
)


@pytest.mark.parametrize(
    ("text", "address", "host"),
    [
        ("http://site.test", "http://site.test/", "site.test"),
        ("HTTPS://Site.Test:443/A#part", "https://site.test/A", "site.test"),
        ("http://site.test?x", "http://site.test/?x", "site.test"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x", "::1"),
        ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"),
        ("http://2130706433/", "http://127.0.0.1/", "127.0.0.1"),
        ("http://münchen.test/ä", "http://xn--mnchen-3ya.test/%C3%A4", "xn--mnchen-3ya.test"),
        ("http://a.test/b/../c", "http://a.test/c", "a.test"),
        ("http://u:p@a.test/", "http://u:p@a.test/", "a.test"),
        ("http://a.test/?q=u:p@h/", "http://a.test/?q=u:p@h/", "a.test"),
    ],
)
def test_an_input_becomes_the_address_a_browser_would_ask_for(text, address, host):
    target = target_of(text)

    assert (target.address, target.host, target.problem) == (address, host, None)
    assert target.typed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("site.test/x", "no scheme: write https://..."),
        ("localhost:8080/x", "no scheme: write https://..."),
        ("/etc/passwd", "no scheme: write https://..."),
        ("", "no scheme: write https://..."),
        ("mailto:a@b.test", "no scheme: write https://..."),
        ("ftp://site.test/", "only http and https are fetched"),
        ("file:///etc/passwd", "only http and https are fetched"),
        ("http://", "not a valid URL"),
        ("http://[::1/", "not a valid URL"),
        ("http://site.test:99999/", "not a valid URL"),
        ("http://a b.test/", "not a valid URL"),
        ("http://site.test/" + "x" * MAX_URL_LENGTH, "longer than 16000 characters"),
    ],
)
def test_an_input_that_cannot_be_asked_for_says_why(text, problem):
    target = target_of(text)

    assert (target.problem, target.address, target.host) == (problem, "", "")
    assert len(target.url) <= MAX_URL_LENGTH


def test_an_argument_that_is_not_utf_8_is_no_valid_url():
    assert target_of("http://site.test/\udcff").problem == "not a valid URL"


@given(urls)
def test_host_and_origin_are_those_of_the_standard(text):
    assume(ada_url.check_url(text))
    parsed = ada_url.URL(target_of(text).address)

    assert host_of(parsed.href) == parsed.hostname.removeprefix("[").removesuffix("]")
    assert origin_of(parsed.href) == parsed.origin


@given(urls)
def test_what_is_shown_has_neither_credentials_nor_control_characters(text):
    shown = target_of(text).url

    assert CONTROL.search(shown) is None
    if ada_url.check_url(shown):
        assert (ada_url.URL(shown).username, ada_url.URL(shown).password) == ("", "")


@given(urls)
def test_what_is_shown_leads_to_the_same_page(text):
    assume(CONTROL.search(text) is None)
    assume(ada_url.check_url(text))
    wanted = ada_url.URL(text)
    wanted.username = wanted.password = ""

    assert ada_url.URL(public_form(text)).href == wanted.href


@given(st.text(max_size=60))
def test_any_text_is_shown_without_control_characters(text):
    assert CONTROL.search(target_of(text).url) is None


@pytest.mark.parametrize(
    "text",
    [
        "http://user:hunter2@site.test/",
        "https://user:hunter2@site.test",
        "HTTP://hunter2@site.test/x?y",
        "http:///user:hunter2@site.test/",
        "http://user:hunt@er2@site.test/",
        "ftp://user:hunter2@site.test/",
        "http:user:hunter2@site.test/",
        "user:hunter2@site.test/",
        "http://user:hunter2@[::1",
        " http://user:hunter2@site.test/",
        "\x01http://user:hunter2@site.test/",
        "ht\ttp://user:hunter2@site.test/",
        "http:\\\\user:hunter2@site.test/?://",
        "http:/\\user:hunter2@site.test/?://",
    ],
)
def test_a_password_is_never_shown(text):
    shown = target_of(text).url

    assert "hunt" not in shown
    assert "er2" not in shown


@pytest.mark.parametrize(
    "text", ["http://site.test/a@b", "http://site.test?q=a@b", "http://site.test#a@b"]
)
def test_an_at_sign_behind_the_host_stays(text):
    assert public_form(text) == text


def test_a_redirect_keeps_no_fragment_and_no_other_scheme():
    assert redirected("http://a.test/", "b#c") == "http://a.test/b"
    assert redirected("https://a.test/", "http://b.test") == "http://b.test/"
    assert redirected("http://a.test/", "ftp://b.test/") is None
    assert redirected("http://a.test/", "http://b.test:x/") is None


@given(urls)
def test_a_redirect_to_a_whole_address_is_read_like_an_input(text):
    assume(CONTROL.search(text) is None)

    assert redirected("http://base.test/", text) == (target_of(text).address or None)

import pickle

import pytest

from crawler.core.proxy import Proxy

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "shown", "user", "password"),
    [
        ("http://h", "http://h:80", b"", b""),
        ("https://h/", "https://h:443", b"", b""),
        ("socks5://h", "socks5://h:1080", b"", b""),
        ("SOCKS5H://H", "socks5h://h:1080", b"", b""),
        ("http://h:443", "http://h:443", b"", b""),
        ("https://h:80", "https://h:80", b"", b""),
        ("socks5://h:80", "socks5://h:80", b"", b""),
        ("socks5://h:443", "socks5://h:443", b"", b""),
        ("http://[::1]:3128", "http://[::1]:3128", b"", b""),
        ("http://b\u00fccher.test", "http://xn--bcher-kva.test:80", b"", b""),
        ("http://u:p@h", "http://h:80", b"u", b"p"),
        ("http://u@h", "http://h:80", b"u", b""),
        ("http://u%40x:p%3A%2f%C3%B6@h:1", "http://h:1", b"u@x", "p:/\u00f6".encode()),
    ],
)
def test_a_proxy_is_read_from_its_url(text, shown, user, password):
    proxy = Proxy.of(text)

    assert (str(proxy), proxy.user, proxy.password) == (shown, user, password)
    assert proxy.has_login is (user != b"")
    assert proxy.is_socks is shown.startswith("socks")
    assert pickle.loads(pickle.dumps(proxy)) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "", "h", "h:3128", "http://", "http:h", "ftp://h", "socks4://h", "http://h:99999",
        f"http://user:{SECRET}@[::1", f"ftp://user:{SECRET}@h", f"socks5://{'u' * 256}:{SECRET}@h",
    ],
)  # fmt: skip
def test_what_is_no_proxy_is_not_repeated(text):
    with pytest.raises(ValueError, match="wanted") as caught:
        Proxy.of(text)

    assert SECRET not in str(caught.value)


def test_nothing_shows_how_to_log_in():
    proxy = Proxy.of(f"http://user:{SECRET}@h:1")

    assert f"{proxy} {proxy!r}" == "http://h:1 <Proxy http://h:1>"

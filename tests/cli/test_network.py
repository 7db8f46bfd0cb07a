"""How to say which way a crawl shall take to the network, and what is told of it."""

import pytest

from tests.cli.test_bad_input import SECRET, refused


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--transport", "fast"], ["--transport", "'fast'", "wire", "httpcore"]),
        (["--transport", "wire", "--proxy", "http://h"], ["wire: does not go with --proxy"]),
        (["--transport", "wire", "--http2"], ["--transport wire: does not go with --http2"]),
        (["--proxy", "h:3128"], ["--proxy: a URL that begins with one of http://"]),
        (["--proxy", f"ftp://user:{SECRET}@h"], ["--proxy: a URL"]),
        (["--proxy", f"http://user:{SECRET}@h:99999"], ["--proxy: a URL"]),
        (["--proxy", f"socks5://{'u' * 256}:{SECRET}@h"], ["--proxy: user and"]),
    ],
)  # fmt: skip
def test_a_way_that_makes_no_sense_is_named(run_here, site, words, named):
    done = run_here(f"{site.url}/p/1", *words)
    refused(done, *named)
    assert SECRET not in done.err
    assert site.truth()["requests"] == 0


def test_a_package_that_is_missing_is_named_before_the_first_request(run_here, site, monkeypatch):
    monkeypatch.setattr("crawler.compose.crawling.find_spec", lambda _: None)
    refused(run_here(f"{site.url}/p/1", "--http2"), "--http2: needs h2: install crawl[http2]")
    assert site.truth()["requests"] == 0


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_proxy_is_told_of_without_its_credentials(run, tmp_path, scheme):
    words = ("--mode", "serial", "--retries", "0", "-v", "--failed", "failed.txt")
    proxy = f"{scheme}://user:{SECRET}%21@127.0.0.1:1"
    done = run(*words, "--proxy", proxy, "http://127.0.0.1:2/", "https://127.0.0.1:2/")

    assert f"transport httpcore, proxy {scheme}://127.0.0.1:1, timeout" in done.err
    assert done.outcomes == ["refused"] * 2
    assert done.records[0]["error"] == "at the proxy: the connection was refused"
    told = done.out + done.err + (tmp_path / "failed.txt").read_text()
    assert SECRET not in told
    assert "user:" not in told


def test_no_proxy_is_taken_from_the_environment(run, site):
    words = ("--mode", "serial", "--http2", "-v", f"{site.url}/p/1")
    done = run(*words, HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1")

    assert done.outcomes == ["ok"]
    assert "transport httpcore, HTTP/2 where offered, timeout" in done.err

"""Whichever way a crawl takes to the network, in whichever mode: its records are the same."""

import json
from collections import Counter

import msgspec
import pytest

from crawler import MODES, Options, crawl
from crawler.core.record import Record, encode
from fixtures.running import serve
from tests.wire.relays import SocksProxy

WAYS = [
    "", "size=100kB&links=200", "links=0", "encode=gzip", "encode=br&chunked=1", "encode=zstd",
    "charset=shift_jis&declare=meta", "charset=utf-16&declare=bom", "type=application/json",
    "status=404", "status=500", "status=204", "status=304", "redirect=/p/5", "hops=3", "hops=11",
    "fails=1&status=503", "fault=reset", "fault=truncate", "fault=garbage", "size=1MB",
    "redirect=ftp://example.test/",
]  # fmt: skip
OPTIONS = Options(concurrency=8, workers=2, retries=1, max_bytes=500_000)


@pytest.fixture(scope="module")
def site():
    with serve(pages=100, size="4kB", links=10, seed=7) as running:
        yield running


@pytest.fixture(scope="module")
def crawled(site):
    """Crawl the same pages one way or another; gives what must be equal."""
    urls = [f"{site.url}/p/{n}?{way}".rstrip("?") for n, way in enumerate(WAYS)]
    urls += [f"http://user:secret@127.0.0.1:{site.port}/p/30"]

    def run(mode, **way):
        site.reset()
        records: list[Record] = []
        options = msgspec.structs.replace(OPTIONS, mode=mode, **way)
        crawl(urls, options, on_record=records.append)
        return Counter(map(timeless, records))

    return run


@pytest.fixture(scope="module")
def expected(crawled):
    records = crawled("serial")
    assert len({json.loads(record)["outcome"] for record in records}) >= 7
    return records


def timeless(record):
    plain = json.loads(encode(record))
    return json.dumps({k: v for k, v in plain.items() if k not in {"ms", "fetched_at"}})


@pytest.mark.parametrize("mode", MODES)
def test_httpcore_gives_the_records_of_the_wire(crawled, expected, mode):
    assert crawled(mode, transport="httpcore") == expected


def test_a_proxy_changes_no_record(crawled, expected):
    proxy = SocksProxy(login=("user", "secret"))
    try:
        by_proxy = crawled("async", proxy=f"socks5h://user:secret@127.0.0.1:{proxy.port}")
    finally:
        proxy.close()

    assert proxy.asked
    assert by_proxy == expected

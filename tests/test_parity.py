"""What is true in one mode is true in all: the same list gives the same records."""

import json
from collections import Counter

import msgspec
import pytest

from crawler import MODES, Options, crawl
from crawler.core.record import Record, encode
from fixtures.pages.website import Look, Website
from fixtures.running import serve

#: How the URLs are asked for; each line is used for several pages.
WAYS = [
    "", "", "", "size=2kB", "size=100kB&links=200", "links=0", "size=400",
    "encode=gzip", "encode=deflate", "encode=br", "encode=zstd", "chunked=1",
    "encode=gzip&chunked=1", "charset=iso-8859-1&declare=header",
    "charset=shift_jis&declare=meta", "charset=euc-kr&declare=header",
    "charset=utf-16&declare=bom", "charset=windows-1252&declare=none",
    "charset=utf-8&declare=none", "type=text/plain", "type=application/json",
    "status=404", "status=410", "status=500", "status=204", "status=304",
    "redirect=/p/5", "redirect=/p/6&status=301", "hops=3", "hops=10",
    "latency=60ms", "latency=5ms&size=5kB", "nonsense=1",
]  # fmt: skip
#: Rarer ones, most of them retried; time-outs are in test_every_mode, where nothing else runs.
ODD = [
    "hops=11", "status=503", "status=429&retry_after=0", "fails=1&status=503",
    "fails=2&status=502", "fails=1&fault=reset", "fault=reset", "fault=reset-headers",
    "fault=truncate", "fault=garbage", "size=1MB", "size=1MB&encode=gzip",
    "redirect=ftp://example.test/", "redirect=http://127.0.0.1:1/",
]  # fmt: skip
BAD = ["example.test/no-scheme", "http://", "http://[::1", "ftp://127.0.0.1/", "javascript:void(0)"]
OPTIONS = Options(concurrency=16, workers=2, retries=2, max_bytes=500_000)


@pytest.fixture(scope="module")
def site():
    with serve(pages=2000, size="5kB", links=30, seed=7) as running:
        yield running


@pytest.fixture(scope="module", params=[200, pytest.param(1000, marks=pytest.mark.slow)])
def count(request):
    return request.param


@pytest.fixture(scope="module")
def urls(site, tmp_path_factory, count):
    """So many URLs of all kinds; some of them stand in the list twice."""
    addresses = [f"{site.url}/p/{n}?{WAYS[n % len(WAYS)]}".rstrip("?") for n in range(count - 48)]
    odd = [f"{site.url}/p/{n + 1000}?{way}" for n, way in enumerate(ODD)]
    refused = ["http://127.0.0.1:1/", f"http://user:secret@127.0.0.1:{site.port}/p/3"]
    lines = addresses + odd + BAD + refused + addresses[:27]
    path = tmp_path_factory.mktemp("parity") / "urls.txt"
    path.write_text("\n".join(lines))
    assert len(lines) == count
    return path


@pytest.fixture(scope="module")
def crawled(site, urls):
    """The records and the report of each mode, crawled once."""
    done = {}

    def in_mode(mode):
        if mode not in done:
            site.reset()
            records: list[Record] = []
            options = msgspec.structs.replace(OPTIONS, mode=mode, simhash=True)
            report = crawl(str(urls), options, on_record=records.append)
            done[mode] = report, records
        return done[mode]

    return in_mode


def timeless(record):
    """A record without what may differ between modes."""
    plain = json.loads(encode(record))
    return json.dumps({k: v for k, v in plain.items() if k not in {"ms", "fetched_at"}})


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_the_records_of_serial(crawled, mode):
    expected = Counter(map(timeless, crawled("serial")[1]))
    found = Counter(map(timeless, crawled(mode)[1]))

    assert sorted((expected - found) + (found - expected)) == []
    assert found == expected


@pytest.mark.parametrize("mode", MODES)
def test_every_input_has_one_record_and_one_outcome(crawled, urls, count, mode):
    report, records = crawled(mode)

    assert report.inputs == report.records == len(records) == count
    assert sum(report.outcomes.values()) == count
    listed = Counter(line.replace("user:secret@", "") for line in urls.read_text().split("\n"))
    assert Counter(record.url for record in records) == listed


def test_the_list_shows_all_kinds_of_outcome(crawled):
    """If it does not, parity is shown for less than it seems."""
    kinds = set(crawled("serial")[0].outcomes)

    assert kinds >= {
        "ok", "http-error", "not-modified", "refused", "reset", "protocol",
        "too-large", "too-many-redirects", "bad-url",
    }  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_plain_pages_have_the_title_and_the_links_that_the_site_wrote(crawled, site, mode):
    website = Website(seed=7, pages=2000)
    by_url = {record.url: record for record in crawled(mode)[1]}
    for number in range(0, 130, len(WAYS)):
        record = by_url[f"{site.url}/p/{number}"]
        expected = website.expected(number, site.url, Look(size=5000, links=30))

        assert (record.title, record.links) == (expected.title, list(expected.links))


@pytest.mark.parametrize("mode", MODES)
def test_no_record_tells_a_password(crawled, mode):
    assert b"secret" not in b"".join(encode(record) for record in crawled(mode)[1])

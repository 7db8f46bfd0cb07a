"""What every mode promises beyond equal records: deadlines, the guard, contained analysers."""

import socket

import planted  # type: ignore[import-not-found]  # found as pytest's pythonpath has it
import pytest

from crawler import MODES, Options, Record, SourceError, crawl
from fixtures.running import serve

every_mode = pytest.mark.parametrize("mode", MODES)
contained = pytest.mark.parametrize("mode", ["processes", "hybrid"])


@pytest.fixture(scope="module")
def site():
    with serve(pages=1000, size="2kB", links=5) as running:
        yield running


@pytest.fixture(scope="module")
def public_site():
    """A site on a loopback address that the tests declare to be public."""
    with serve(host="127.1.0.1", pages=1000, size="2kB", links=5) as running:
        yield running


PUBLIC = Options(resolve={"public.test": "127.1.0.1"}, treat_as_public=("127.1.0.0/16",))


def crawled(sources, options=None, **changes):
    """Crawl and return the records by URL."""
    records: dict[str, Record] = {}
    values = {name: getattr(options or Options(), name) for name in Options.__struct_fields__}
    analyser = {"analyse": changes.pop("analyse")} if "analyse" in changes else {}
    crawl(
        sources,
        Options(**values | changes),
        on_record=lambda record: records.__setitem__(record.url, record),
        **analyser,
    )
    return records


@every_mode
def test_a_drip_ends_at_the_deadline(site, mode):
    url = f"{site.url}/p/1?drip=200ms"
    record = crawled(url, mode=mode, timeout=1.0, read_timeout=5.0, retries=0)[url]

    assert (record.outcome, record.error) == ("timeout", "not finished within 1 s")


@every_mode
def test_silence_ends_at_the_read_timeout(site, mode):
    url = f"{site.url}/p/1?fault=hang"
    record = crawled(url, mode=mode, read_timeout=1.0, retries=0)[url]

    assert (record.outcome, record.error) == ("timeout", "nothing received for 1 s")


@every_mode
def test_a_public_page_cannot_redirect_into_a_private_network(public_site, mode):
    """Not even a connection is made: to be connected to is enough to do harm."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.setblocking(False)
        target = f"http://127.0.0.1:{inside.getsockname()[1]}/"
        url = f"http://public.test:{public_site.port}/p/1?redirect={target}"
        record = crawled(url, PUBLIC, mode=mode)[url]

        assert record.outcome == "private-address"
        assert record.error == "led to 127.0.0.1, which is not public"
        assert [hop.status for hop in record.redirects] == [302]
        with pytest.raises(BlockingIOError):
            inside.accept()


@every_mode
def test_nor_can_it_over_a_connection_that_is_open_already(site, public_site, mode):
    typed = [f"{site.url}/p/{number}" for number in range(3)]
    url = f"http://public.test:{public_site.port}/p/1?redirect={site.url}/p/9"
    site.reset()
    records = crawled([*typed, url], PUBLIC, mode=mode, concurrency=1, workers=1)

    assert [records[one].outcome for one in typed] == ["ok"] * 3
    assert records[url].outcome == "private-address"
    truth = site.truth()
    assert (truth["requests"], truth["connections_max"]) == (3, 1)


@every_mode
def test_unless_it_is_allowed_to(site, public_site, mode):
    url = f"http://public.test:{public_site.port}/p/1?redirect={site.url}/p/1"
    record = crawled(url, PUBLIC, mode=mode, allow_private=True)[url]

    assert (record.outcome, record.final_url) == ("ok", f"{site.url}/p/1")


@every_mode
def test_a_private_page_may_redirect_within_the_private_network(site, mode):
    with serve(pages=10, size="2kB", links=5) as other:
        url = f"{site.url}/p/1?redirect={other.url}/p/2"
        record = crawled(url, mode=mode)[url]

        assert (record.outcome, record.final_url) == ("ok", f"{other.url}/p/2")


@pytest.mark.parametrize("mode", ["threads", "async", "hybrid"])
def test_a_public_host_has_four_requests_in_flight_at_most(public_site, mode):
    public_site.reset()
    address = f"http://public.test:{public_site.port}"
    urls = [f"{address}/p/{number}?latency=700ms" for number in range(8)]
    records = crawled(urls, PUBLIC, mode=mode, concurrency=32)

    assert {record.outcome for record in records.values()} == {"ok"}
    assert public_site.truth()["in_flight_max"] <= 4


@pytest.mark.slow
@every_mode
def test_a_home_host_has_no_limit_but_the_places(site, mode):
    site.reset()
    urls = [f"{site.url}/p/{number}?latency=500ms" for number in range(8)]
    crawled(urls, mode=mode, concurrency=8, workers=2)

    assert site.truth()["in_flight_max"] == {"serial": 1, "processes": 2}.get(mode, 8)


def pages(site, *odd):
    return [f"{site.url}/p/{number}" for number in range(40)] + [
        f"{site.url}/p/{500 + number}?{name}" for number, name in enumerate(odd)
    ]


def named(site, name):
    """Return a URL that an analyser of `planted` trips over."""
    return f"{site.url}/p/77#{name}"


@contained
@pytest.mark.parametrize("fault", ["kill", pytest.param("abort", marks=pytest.mark.slow)])
def test_a_page_that_kills_the_analyser_costs_one_record(site, mode, fault):
    culprit = named(site, fault)
    analyser = {"kill": planted.kills_its_worker, "abort": planted.aborts}[fault]
    urls = [*pages(site), culprit, *(f"{url}?links=3" for url in pages(site))]
    records = crawled(urls, mode=mode, analyse=analyser, workers=2)

    assert len(records) == 81
    assert (records[culprit].outcome, records[culprit].error) == (
        "analyse-error",
        "the analyser killed its worker",
    )
    assert {r.outcome for url, r in records.items() if url != culprit} == {"ok"}


@pytest.mark.slow
@contained
def test_two_pages_that_kill_the_analyser_cost_two_records(site, mode):
    culprits = [named(site, "kill-1"), named(site, "kill-2")]
    records = crawled(
        [*culprits, *pages(site)], mode=mode, analyse=planted.kills_its_worker, workers=2
    )

    assert {url for url, r in records.items() if r.outcome == "analyse-error"} == set(culprits)
    assert len(records) == 42


@pytest.mark.slow
@contained
def test_a_page_that_hangs_the_analyser_costs_one_record(site, mode):
    culprit = named(site, "hang")
    records = crawled(
        [*pages(site), culprit],
        mode=mode,
        analyse=planted.hangs,
        workers=2,
        timeout=2.0,
        analyse_timeout=1.0,
    )

    assert len(records) == 41
    assert records[culprit].outcome == "analyse-error"
    assert records[culprit].error == "the analyser took too long"
    assert {r.outcome for url, r in records.items() if url != culprit} == {"ok"}


@every_mode
def test_an_analyser_that_raises_costs_one_record(site, mode):
    culprit = named(site, "raise")
    records = crawled([*pages(site), culprit], mode=mode, analyse=planted.raises)

    assert records[culprit].outcome == "analyse-error"
    assert records[culprit].error == "the analyser raised ValueError"
    assert {r.outcome for url, r in records.items() if url != culprit} == {"ok"}


@pytest.mark.parametrize("pool", ["processes", pytest.param("threads", marks=pytest.mark.slow)])
@every_mode
def test_an_analyser_of_ones_own_works_in_every_mode(site, mode, pool):
    url = f"{site.url}/p/1"
    record = crawled(url, mode=mode, pool=pool, analyse=planted.titles_only)[url]

    assert record.title.startswith("PAGE 1 ")


@pytest.mark.parametrize("mode", ["async", "hybrid"])
def test_the_loop_of_the_standard_library_does_as_well(site, mode):
    records = crawled(pages(site), mode=mode, loop="asyncio")

    assert [record.outcome for record in records.values()] == ["ok"] * 40


@every_mode
def test_a_list_without_a_url_is_an_error(tmp_path, mode):
    path = tmp_path / "urls.txt"
    path.write_text("# nothing\n\n")

    with pytest.raises(SourceError, match="no URL in any source"):
        crawl(str(path), Options(mode=mode), on_record=print)

import msgspec
import pytest

from bench.cell import BenchError
from bench.contest import Steady
from bench.fetch import FetchResults, FetchRun
from bench.findings import Findings
from bench.results import checked, keep
from bench.standings import Parts, PeerResults, PeerRun
from bench.table import printed, tables
from tests.bench.examples import MACHINE

SPEED = Steady(pages_per_s=1000.0, startup_s=0.5, client=0.001, server=0.00005)
FOUND = Findings(records=200, different=100, fewest=2, most=2, digest="d" * 64)
PARTS = Parts(server=0.00005, fetch=0.0001, analyse=0.0006, write=0.00005)


def a_crawl(who="hybrid", pages_per_s=1000.0, **found):
    speed = msgspec.structs.replace(SPEED, pages_per_s=pages_per_s)
    return PeerRun(who=who, asked=200, found=msgspec.structs.replace(FOUND, **found), speed=speed)


def contest(*cells, rounds=1):
    return PeerResults(
        name="peers",
        machine=MACHINE,
        how=["How it was done."],
        settings={"different": 100, "cores": 2},
        ceiling_per_s=40_000.0,
        parts=[PARTS] * rounds,
        cells=list(cells),
    )


def a_fetching(who="wire", in_flight=50, client=0.0001, **changes):
    run = FetchRun(
        who=who, in_flight=in_flight, digest="d" * 64, answers=1000, pages_per_s=5000.0,
        client=client, server=0.00003, connected_s=0.1,
    )  # fmt: skip
    return msgspec.structs.replace(run, **changes)


def fetchings(*cells):
    return FetchResults(
        name="fetch", machine=MACHINE, how=["How it was done."], settings={},
        ceiling_per_s=40_000.0, cells=list(cells),
    )  # fmt: skip


def test_crawlers_are_compared_in_the_same_round():
    """In the second round everybody is twice as fast, and the ratio the same."""
    found = contest(
        a_crawl("scrapy", 100.0), a_crawl("hybrid", 1000.0),
        a_crawl("hybrid", 2000.0), a_crawl("scrapy", 200.0), rounds=2,
    )  # fmt: skip

    ours, theirs = tables(checked(found))[0].rows

    assert ["hybrid", "1.00", "1500 (1000–2000)", "0.50", "1.00", "0.050", "200"] == list(ours)
    assert ["scrapy", "10.00", "150 (100–200)"] == list(theirs)[:3]


def test_hybrid_is_held_against_what_its_parts_allow():
    [row] = tables(contest(a_crawl(pages_per_s=2250.0)))[1].rows

    assert ["90 %", "2250", "2500", "0.800", "0.050", "0.100", "0.600", "0.050"] == list(row)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"records": 199}, "scrapy has 199 records of 100 different pages, each 2 to 2 times, in"),
        ({"different": 101}, "scrapy has 200 records of 101 different pages"),
        ({"fewest": 1, "most": 3}, "each 1 to 3 times, instead of 200, 100 and 2"),
        ({"digest": "e" * 64}, "not the same findings: hybrid: ddd.*, scrapy: eee"),
    ],
    ids=["fewer", "others", "unevenly", "otherwise"],
)
def test_another_work_gives_no_speed(changes, message):
    with pytest.raises(BenchError, match=message):
        checked(contest(a_crawl("hybrid"), a_crawl("scrapy", **changes)))


def test_a_request_is_compared_with_ours_and_with_fewer_in_flight():
    found = fetchings(
        a_fetching(), a_fetching("httpx", client=0.0005),
        a_fetching(in_flight=1000), a_fetching("httpx", 1000, client=0.05),
    )  # fmt: skip

    rows = [list(row)[:5] for row in tables(checked(found))[0].rows]

    assert [
        ["wire", "50", "1.00", "1.00", "100"],
        ["wire", "1000", "1.00", "1.00", "100"],
        ["httpx", "50", "5.00", "1.00", "500"],
        ["httpx", "1000", "500.00", "100.00", "50000"],
    ] == rows


def test_other_bytes_give_no_cost():
    with pytest.raises(BenchError, match=r"not the same pages: aiohttp: eee.*, wire: ddd"):
        checked(fetchings(a_fetching(), a_fetching("aiohttp", digest="e" * 64)))


@pytest.mark.parametrize("kept", [contest(a_crawl(), a_crawl("scrapy")), fetchings(a_fetching())])
def test_what_is_kept_is_printed_again(kept, tmp_path):
    path = keep(kept, tmp_path)

    text = printed(msgspec.json.decode(path.read_bytes()))

    assert len(kept.cells) + 2 == len(path.read_text().splitlines())
    assert all(table.title in text for table in tables(kept))

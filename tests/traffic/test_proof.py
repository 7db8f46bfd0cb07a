"""What `crawl selftest` proves is tested where it does not depend on how busy the machine is."""

import pytest

from crawler.traffic.proof import Ground, Row, proofs
from fixtures.running import serve


@pytest.fixture(scope="module")
def url():
    with serve(size="1kB", quiet=True) as running:
        yield running.url


@pytest.fixture(scope="module")
def ground(url):
    return Ground(url, "crawl/test", repeats=0)


def failing(rows):
    return [row for row in rows if not row.holds]


def test_faults_are_counted_by_class_as_the_server_counts_them_and_nothing_is_lost(ground):
    assert failing(ground.faults()) == []
    assert failing(ground.conservation()) == []
    assert ground.conservation()[0].truth >= 2000


def test_a_generator_that_was_stopped_for_200_ms_says_so(ground):
    verdict, lag, _ = ground.stopped()
    assert (verdict.holds, lag.holds) == (True, True)


def test_a_row_holds_up_to_what_is_allowed():
    assert Row("p50", 10.0, 11.0, 1.0).holds
    assert not Row("p50", 10.0, 11.001, 1.0).holds
    assert not Row("p50", 10.0, 8.9, 1.0).holds


@pytest.mark.slow
def test_every_claim_is_tried_and_what_is_counted_holds(url):
    found = list(proofs(url, "crawl/test"))
    assert [proof.name for proof in found] == [
        "V1", "V2", "V2", "V2", "V2", "V3", "V4", "V5", "V6", "V9", "V10", "V11", "V12", "V12",
    ]  # fmt: skip
    counted = [row for proof in found for row in proof.rows if not row.unit and row.allowed == 0]
    assert failing(counted) == []

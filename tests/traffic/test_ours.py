"""The bundled server is known by its answers, and asked what it counted."""

import pytest

from crawler.core.errors import WorkerError
from crawler.traffic.ours import Site, arrived_before
from fixtures.running import serve
from tests.traffic.engine import drive


def head(number):
    return (
        b"HTTP/1.1 200 OK\r\nServer-Timing: a\r\nX-Arrival: %d\r\nContent-Length: 0\r\n\r\n"
        % number
    )


def test_the_least_arrival_is_the_first():
    assert arrived_before([head(12), head(7), head(101), b"HTTP/1.1 200 OK\r\n\r\n", b""]) == 6


@pytest.mark.parametrize(
    "heads", [[], [b""], [b"HTTP/1.1 200 OK\r\nX-Arrival: x\r\n\r\n"], [b"X-Arrival: 7"]]
)
def test_others_have_no_arrivals(heads):
    assert arrived_before(heads) is None


def test_it_is_known_by_its_answers_and_counts_what_was_sent():
    with serve(pages=3, size="100", links=0) as site:
        for _ in range(2):
            run = drive(f"{site.url}/p/1", connections=3, requests=10, keepalive=False)
            before = arrived_before(run.driver.first_heads)
            assert before is not None
            assert Site.at(site.url).truth().requests - before == 10
        Site.at(site.url).become(latency="1ms")
        assert Site.at(site.url).truth().requests == 0
        with pytest.raises(WorkerError, match="the test server"):
            Site.at(site.url).become(latency="no time")


def test_one_that_is_gone_is_told_of():
    with serve(pages=1) as site:
        gone = Site.at(site.url)
    with pytest.raises(WorkerError, match="gone"):
        gone.truth()

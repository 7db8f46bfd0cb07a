"""The report of books that balance, and none of those that do not."""

import pytest

from crawler.core.errors import InternalError
from crawler.traffic.books import Books
from crawler.traffic.job import LoadOptions
from crawler.traffic.series import Series
from crawler.traffic.summing import report_of
from crawler.traffic.tally import REASONS, Tally
from crawler.traffic.targets import targets_of

S = 1_000_000_000
MS = 1_000_000


def books_of(statuses, *, scheduled=None, unsent=0, in_flight=0, took=MS, ended=S, targets=1):
    """Return the account of a process whose requests ended by *statuses*, one each *took*."""
    tally = Tally(0, 0, targets, 1)
    tally.fold([(status, n, n, n, n + took, 10, n % targets) for n, status in enumerate(statuses)])
    tally.close_window()
    return Books(
        tally=tally,
        scheduled=len(statuses) + unsent + in_flight if scheduled is None else scheduled,
        unsent=unsent,
        in_flight_at_end=in_flight,
        in_flight_mean=1.0,
        in_flight_by_times=1.0,
        warmup_sent=3,
        window_ended=ended,
        opened=2,
        first_heads=[],
        timer="timerfd",
        cpu_s=0.1,
        cpu_share=0.2,
        queue_share=None,
        memory=1000,
    )


def report(*books, urls=("http://127.0.0.1/",), stopped=None, **options):
    targets = targets_of(urls, lambda _: b"")
    return report_of(LoadOptions(**options), targets, books, Series(0, S), "now", stopped=stopped)


def test_what_ended_is_divided_up_by_what_it_was():
    statuses = [200] * 5 + [301, 404, 503, 503] + [REASONS.index("reset")] * 2
    statuses += [REASONS.index("refused"), REASONS.index("timeout")]
    found = report(books_of(statuses, unsent=4, in_flight=3), stopped="SIGINT")
    assert (found.ok, found.http_error, found.network, found.timeout) == (6, 3, 3, 1)
    assert (found.scheduled, found.sent, found.unsent, found.in_flight_at_end) == (20, 16, 4, 3)
    assert found.statuses == {"200": 5, "301": 1, "404": 1, "503": 2}
    assert found.errors == {"reset": 2, "refused": 1}
    assert found.requests_per_s == pytest.approx(9)
    assert found.bytes_per_s == pytest.approx(130)
    assert set(found.failed) == {"http-error", "network", "timeout"}
    assert found.response.count == 7
    assert found.stopped == "SIGINT"


def test_processes_add_up_and_the_last_one_ends_the_window():
    found = report(books_of([200] * 10, ended=S), books_of([200] * 30, ended=2 * S))
    assert found.window_s == 2
    assert found.requests_per_s == pytest.approx(20)
    assert (found.ok, found.warmup_sent, found.in_flight_mean) == (40, 6, 2.0)
    assert [one.connections_opened for one in found.processes] == [2, 2]


@pytest.mark.parametrize("wrong", [{"scheduled": 9}, {"scheduled": 11}])
def test_books_that_do_not_balance_are_a_fault_of_ours(wrong):
    with pytest.raises(InternalError, match="scheduled, but 10 sent and 0 unsent"):
        report(books_of([200] * 10, **wrong))


def test_a_run_of_nothing_has_a_report():
    found = report(books_of([], ended=-5 * S))
    assert (found.scheduled, found.requests_per_s, found.response.count) == (0, 0, 0)
    assert found.verdict.word == "too-few-samples"
    assert found.response.ms(0.5) is None


def test_targets_are_told_apart_and_failures_are_theirs():
    urls = ("http://127.0.0.1/a", "http://127.0.0.1/b")
    statuses = [200, 503, 200, REASONS.index("timeout"), 200, REASONS.index("reset")]
    found = report(books_of(statuses, targets=2), urls=urls)
    first, second = found.targets
    assert (first.ended, first.failed, first.p50_ms) == (3, 0, pytest.approx(1, rel=0.01))
    assert (second.ended, second.failed) == (3, 3)
    assert found.target == "http://127.0.0.1/a and 1 other"


def test_expectations_are_checked():
    found = report(books_of([200] * 20_000), expect=("p99<2ms", "errors<1%"))
    assert [one.met for one in found.expectations] == [True, True]
    found = report(books_of([200] * 2000), expect=("p99<0.5ms",))
    assert [one.met for one in found.expectations] == [False]

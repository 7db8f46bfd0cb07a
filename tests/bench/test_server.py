import asyncio
import contextlib
import json
import os
import re
import shutil
from collections import Counter
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cell import BenchError
from bench.goals import Delays, Round, ServerResults, tables
from bench.nginx import SET_UP, Speed, programs, speed, static
from bench.repeat import Repeated, Seen, compared, dealt, visit
from bench.results import checked, keep
from bench.table import printed
from bench.timetable import Errand, TimetableError, answer_in, ask, timetable
from fixtures.running import serve
from tests.bench.examples import MACHINE

WRK = """\
Running 5s test @ http://127.0.0.1:8000/p/0
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   540.10us  120.20us   5.00ms   90.00%
    Req/Sec    92.00k     1.20k   95.00k    70.00%
  450000 requests in 5.00s, 4.30GB read
Requests/sec:  90000.50
Transfer/sec:      0.86GB
"""
PAGE = (
    b"HTTP/1.1 200 OK\r\nServer-Timing: total;dur=9, injected;dur=20.5\r\n"
    b"Content-Length: 4\r\n\r\nbody"
)
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
linux = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no PSS here")
with_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not on this machine")


def delays(latency="20ms", **changes):
    made = Delays(
        latency=latency, answers=5000, waiting=40, least=4e-5, p50=1e-4, p99=2e-4, greatest=9e-4,
        earliest=1e-4, memory=3000.0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def a_round(**changes):
    held = delays("uniform(4s,6s)", waiting=15_000, p99=4e-3, memory=7900.0)
    made = Round(
        ours=Speed(requests_per_s=90_000.0, cpu=11e-6, busy=0.99),
        nginx=Speed(requests_per_s=100_000.0, cpu=10e-6, busy=1.0),
        steady=[delays(), delays("lognormal(20ms,200ms)")],
        waiting=[held, msgspec.structs.replace(held, latency="5s", p99=0.2)],
        repeated=Repeated(
            requests=400, delays=390, faults=100, pages_differ=0, delays_differ=0,
            outcomes_differ=0,
        ),
        ready=0.2,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def results(*rounds):
    return ServerResults(
        name="server", machine=MACHINE, how=["How."], settings={"rate": 1000, "waiting": 15_000},
        ceiling_per_s=None, cells=list(rounds),
    )  # fmt: skip


def test_speed_is_what_wrk_says_and_cpu_what_the_server_used():
    found = speed(WRK, used=4.5)

    assert (90_000.5, 1e-5) == (found.requests_per_s, found.cpu)
    assert 0.900005 == pytest.approx(found.busy)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  450000 requests in 5.00s, 4.30GB read", "Running 5s"),
        ("  0 requests in 5.00s, 0.00B read", "Running 5s"),
        (
            "  9 requests in 5.00s, 1MB read\n  Non-2xx or 3xx responses: 7",
            "Non-2xx or 3xx responses: 7",
        ),
        (
            "  9 requests in 5.00s, 1MB read\n"
            "  Socket errors: connect 0, read 3, write 0, timeout 0",
            "Socket errors: connect 0, read 3",
        ),
    ],
)
def test_a_speed_of_bad_answers_or_none_is_refused(line, said):
    spoilt = re.sub(r"  450000 requests.*", line, WRK)
    if spoilt == WRK:
        spoilt = spoilt.replace("Requests/sec", "Requests")

    with pytest.raises(BenchError, match=f"wrk did not get its pages: {re.escape(said)}"):
        speed(spoilt, used=1.0)


def test_without_the_programs_the_set_up_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BenchError, match=rf"not on this machine: .*wrk.*{re.escape(SET_UP)}"):
        programs()

    script = (Path(__file__).parents[2] / SET_UP).read_text(encoding="ascii")
    assert {"nginx-light", "wrk"} <= set(script.split())


@with_nginx
def test_nginx_serves_the_page_on_its_core_and_is_gone_afterwards():
    core = min(os.sched_getaffinity(0))
    with static(NGINX, b"a page", [core]) as page:
        connection = HTTPConnection("127.0.0.1", int(page.url.split(":")[2].partition("/")[0]))
        with contextlib.closing(connection):
            connection.request("GET", "/page.html")
            body = connection.getresponse().read()
        cores = os.sched_getaffinity(page.pid)

    assert (b"a page", {core}) == (body, cores)
    assert not Path(f"/proc/{page.pid}").exists()


@linux
def test_an_nginx_that_does_not_start_is_an_error():
    with pytest.raises(BenchError, match="nginx did not start"), static("false", b"", [0]):
        pass


@given(st.integers(0, 200), st.floats(0, 1000), st.integers(0, 9))
def test_a_timetable_is_ordered_within_its_time_and_the_same_for_a_seed(requests, seconds, seed):
    found = timetable(requests, seconds, seed)

    assert requests == len(found)
    assert all(0 <= at <= seconds for at in found)
    assert all(one <= other for one, other in pairwise(found))
    assert found == timetable(requests, seconds, seed)


def test_requests_leave_as_those_of_a_poisson_process():
    """Then the gaps between them are exponential: a share 1/e is longer than the mean."""
    found = timetable(10_000, 10.0)
    longer = sum(later - earlier > 1e-3 for earlier, later in pairwise(found))

    assert 0.3679 == pytest.approx(longer / 10_000, abs=0.02)


def test_an_answer_in_any_pieces_has_its_injected_delay_once_it_is_whole():
    found = [answer_in(PAGE[:place]) for place in range(len(PAGE) + 1)]

    assert [None] * len(PAGE) == found[:-1]
    assert 0.0205 == pytest.approx(found[-1])


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"200 OK", b"503 No"), (b"injected", b"other"), (b"Content-Length: 4", b"Connection: close")],
)
def test_an_answer_of_another_kind_is_refused(old, new):
    with pytest.raises(TimetableError, match="no page with its injected delay"):
        answer_in(PAGE.replace(old, new))


def asking(claimed, connections=6):
    """Ask a server that answers at once and claims to have waited so many milliseconds."""
    seen = []

    async def answer(reader, writer):
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                seen.append((writer.get_extra_info("peername"), head.split()[1].decode()))
                if claimed is None:
                    break
                writer.write(PAGE.replace(b"20.5", b"%d" % claimed))

    async def run():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await ask(
                Errand(
                    url=url, query="a=b", pages=3, requests=6, connections=connections,
                    seconds=0.0, look=0.0, site_pid=os.getpid(), cores=[],
                )
            )  # fmt: skip

    return asyncio.run(run()), seen


@linux
def test_all_pages_are_asked_for_in_turn_and_each_request_has_a_connection():
    found, seen = asking(0)

    assert 6 == found.answers == len({peer for peer, _ in seen})
    assert Counter({f"/p/{page}?a=b": 2 for page in range(3)}) == Counter(p for _, p in seen)
    assert 0 < found.earliest <= found.latest


@linux
def test_an_answer_before_its_delay_is_early_by_that_much():
    found, _ = asking(claimed=3_600_000)

    assert -3600 < found.earliest <= found.latest < -3000


@linux
def test_a_request_that_finds_no_free_connection_ends_it():
    with pytest.raises(TimetableError, match="no connection is free"):
        asking(0, connections=5)


@linux
def test_a_connection_that_the_server_closes_ends_it():
    with pytest.raises(TimetableError, match="closed a connection"):
        asking(None)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 8), st.integers(0, 9))
def test_every_target_is_asked_for_as_often_by_one_thread_only(number, times, threads, seed):
    targets = [f"/p/{page}" for page in range(number)]
    lanes = dealt(targets, times, threads, seed)

    assert Counter(targets * times) == Counter(target for lane in lanes for target in lane)
    assert number == sum(len(set(lane)) for lane in lanes)


def test_two_orders_are_not_the_same():
    targets = [f"/p/{page}" for page in range(20)]

    assert dealt(targets, 2, 1, seed=0) != dealt(targets, 2, 1, seed=1)


def test_each_kind_of_difference_is_counted():
    same = {("/p/0", count): Seen("200", count / 1000, "a") for count in range(5)}
    other = same | {
        ("/p/0", 1): Seen("200", 0.001, "b"),
        ("/p/0", 2): Seen("200", 9.0, "a"),
        ("/p/0", 3): Seen("503", 8.0, "c"),
    }

    assert Repeated(
        requests=5, delays=5, faults=1, pages_differ=2, delays_differ=2, outcomes_differ=1
    ) == compared(other, same)
    assert 0 == compared(same, same).differ
    with pytest.raises(KeyError):
        compared(same, {})


def test_a_server_repeats_itself_in_another_order_and_another_seed_does_not():
    targets = [f"/p/{page}?fault=truncate&fails=2" for page in range(6)]
    with serve(seed=1, size="2kB") as first:
        alone = visit(first.url, dealt(targets, 3, 1, seed=0))
    with serve(seed=1, size="2kB", port=first.port) as second:
        together = visit(second.url, dealt(targets, 3, 3, seed=1))
    with serve(seed=2, size="2kB", port=first.port) as third:
        strange = visit(third.url, dealt(targets, 3, 1, seed=0))

    assert (18, 12, 0) == (
        (found := compared(alone, together)).requests, found.faults, found.differ
    )  # fmt: skip
    assert (18, 0) == ((found := compared(alone, strange)).pages_differ, found.outcomes_differ)


def test_all_goals_can_be_reached():
    [goals, *_] = tables(results(a_round()))

    assert ["yes"] * 9 == [row[-1] for row in goals.rows]


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"ours": Speed(requests_per_s=79_000.0, cpu=1e-5, busy=1.0)}, 0),
        ({"steady": [delays(p99=1e-3), delays()]}, 1),
        ({"steady": [delays(), delays(p99=2e-3)]}, 2),
        ({"waiting": [delays(p99=5e-3), delays()]}, 3),
        ({"waiting": [delays(memory=8001.0), delays()]}, 4),
        ({"waiting": [delays(), delays(least=0.0)]}, 5),
        ({"steady": [delays(), delays(earliest=-1e-6)]}, 6),
        ({"repeated": Repeated(requests=9, delays=9, faults=9, pages_differ=0, delays_differ=1,
                               outcomes_differ=0)}, 7),
        ({"ready": 0.3}, 8),
    ],
)  # fmt: skip
def test_a_goal_that_is_missed_is_said_to_be(changes, missed):
    [goals, *_] = tables(results(a_round(**changes)))

    assert [missed] == [place for place, row in enumerate(goals.rows) if row[-1] == "no"]


def test_a_speed_is_held_against_nginx_in_the_same_round_and_the_median_counts():
    ours, nginx = (Speed(requests_per_s=rate, cpu=2e-5, busy=1.0) for rate in (60_000, 80_000))
    [goals, *_] = tables(results(a_round(), a_round(ours=ours, nginx=nginx), a_round()))

    assert ["0.90 (0.75–0.90)", "yes"] == goals.rows[0][2:]


def test_fewer_waiting_at_once_than_there_should_be_are_refused():
    few = a_round(waiting=[delays("uniform(4s,6s)", waiting=14_999)])

    with pytest.raises(BenchError, match=r"14999 of 15000 were waiting .* uniform\(4s,6s\)"):
        checked(results(a_round(), few))


@pytest.mark.parametrize("changes", [{"delays": 1}, {"faults": 0}])
def test_a_repetition_without_delays_or_faults_is_refused(changes):
    empty = msgspec.structs.replace(a_round().repeated, **changes)

    with pytest.raises(BenchError, match="nothing to repeat"):
        checked(results(a_round(repeated=empty)))


def test_what_is_kept_of_the_server_can_be_printed_again(tmp_path):
    text = printed(json.loads(keep(results(a_round()), tmp_path).read_bytes()))

    assert "| requests/s, of nginx's | from 0.8 | 0.90 | yes |" in text
    assert "| nginx | 100000 | 10.0 | 100 |" in text
    assert "| 5s | 5000 | 15000 | 0.040 | 0.10 | 200.00 | 0.90 | 0.100 | 7.9 |" in text

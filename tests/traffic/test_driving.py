"""What leaves, what comes back and what is counted, by both loops, whatever the server does."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import threading
from itertools import pairwise
from time import monotonic_ns

import pytest
import trustme

from crawler.core.errors import WorkerError
from crawler.system.usage import peak_memory
from crawler.traffic import driving, places
from crawler.traffic.tally import REASONS
from fixtures.running import serve
from tests.traffic.engine import LOOPS, drive, drive_plan, later, plan_of
from tests.wire.scripted import PAGE, Scripted, serve_always

MS = 1_000_000
OPEN = {"rate": 400.0}
CLOSED: dict = {}
BOTH = pytest.mark.parametrize("way", [CLOSED, OPEN], ids=["closed", "open"])
ON_BOTH_LOOPS = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def site():
    with serve(pages=10, size="100", links=0, also=["http://127.0.0.2"]) as running:
        yield running


@pytest.fixture
def scripted():
    with contextlib.ExitStack() as stack:

        def start(script, **where):
            server = Scripted(script, **where)
            stack.callback(server.close)
            return server

        yield start


def named(run):
    """Return what the requests of a run came to, by name."""
    return {
        (str(status) if status >= 100 else REASONS[status]): count
        for status, count in run.statuses.items()
    }


def whole(run):
    """Say whether everything balances: counts, notes, the time line, and the report of it."""
    report = run.report()
    slices = report.series
    ends = report.ok + report.http_error + report.network + report.timeout
    assert run.balances
    assert report.scheduled == report.sent + report.unsent
    assert report.sent == ends + report.in_flight_at_end
    for name in ("sent", "ok", "http_error", "network", "timeout"):
        assert sum(getattr(one, name) for one in slices) == getattr(report, name), name
    for status, due, noticed, sent, ended, _, _ in run.notes:
        assert due <= noticed <= ended
        assert (noticed <= sent <= ended) or (sent == 0 and status < 100)
    return True


ENDS = [
    CLOSED | {"duration": 0.05},
    OPEN | {"duration": 0.05},
    CLOSED | {"duration": 0.1, "warmup": 0.05},
    OPEN | {"duration": 0.1, "warmup": 0.035},
    CLOSED | {"requests": 57, "warmup": 0.05},
    OPEN | {"requests": 57, "warmup": 0.05},
    OPEN | {"duration": 0.06, "arrivals": "poisson"},
    CLOSED | {"duration": 0.1, "keepalive": False},
    CLOSED | {"duration": 0.1, "new_connections": 0.3},
    CLOSED | {"duration": 0.004},
    OPEN | {"duration": 0.004},
    CLOSED | {"requests": 3, "connections": 50},
]


@pytest.mark.parametrize("options", ENDS, ids=str)
def test_books_and_time_line_balance_and_the_server_counts_the_same(site, options):
    site.reset()
    run = drive(f"{site.url}/p/1", **{"connections": 7} | options)
    assert whole(run)
    report = run.report()
    assert site.truth()["requests"] == report.warmup_sent + report.sent
    assert report.ok == report.sent == len([note for note in run.notes if is_measured(run, note)])
    if "requests" in options:
        assert report.sent == options["requests"]


def is_measured(run, note):
    return note[1] >= run.driver.tally.measured_from


FAULTS = [
    ("reset", "reset"),
    ("truncate", "truncated"),
    ("reset-body", "reset"),
    ("garbage", "protocol"),
    ("bad-header", "protocol"),
    ("503", "503"),
    ("hang", "timeout"),
    ("endless", "timeout"),
    ("longer", "timeout"),
]


@pytest.mark.parametrize(
    ("fault", "name", "way"),
    [(fault, name, CLOSED) for fault, name in FAULTS]
    + [(fault, name, OPEN) for fault, name in FAULTS if fault in {"reset", "503", "hang"}],
    ids=str,
)
def test_a_fault_of_the_server_is_counted_by_its_class_and_the_run_ends(site, fault, name, way):
    site.reset()
    url = f"{site.url}/p/1?fault=30%:{fault}"
    run = drive(url, connections=40 if way else 8, requests=40, timeout=0.05, **way)
    assert whole(run)
    found = named(run)
    assert set(found) == {"200", name}
    truth = site.truth()
    struck = truth["answers"].get("503", 0) + truth["faults"].get(fault, 0) + truth["abandoned"]
    struck += truth["in_flight"]
    assert sum(found.values()) == 40
    # On a busy machine a good answer, too, may come after the time-out, or the server may read
    # a request so late that its client is gone.
    if name == "timeout":
        assert (found[name] >= struck, truth["requests"] <= 40) == (True, True)
    else:
        assert (found[name], truth["requests"]) == (struck, 40)


@ON_BOTH_LOOPS
def test_nobody_listens_any_more(loop):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plan = plan_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", loop=loop, duration=0.05)
    run = drive_plan(plan)
    assert whole(run)
    assert set(named(run)) == {"refused"}
    assert run.driver.opened == 0


@pytest.mark.parametrize(
    ("way", "loop"),
    [
        (CLOSED, "uvloop"),
        pytest.param(OPEN, "asyncio", marks=pytest.mark.slow),
        pytest.param(CLOSED, "asyncio", marks=pytest.mark.slow),
        pytest.param(OPEN, "uvloop", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_server_that_dies_in_the_middle_is_counted_and_the_run_ends(way, loop):
    with serve(pages=10, size="100", links=0) as site:
        plan = plan_of(
            f"{site.url}/p/1?latency=5ms",
            loop=loop,
            connections=4,
            duration=0.2,
            timeout=0.3,
            **way,
        )

        def kill():
            os.killpg(site.pid, signal.SIGKILL)

        with later(0.08, kill):
            run = drive_plan(plan)
    assert whole(run)
    found = named(run)
    assert found["200"] > 0
    assert set(found) <= {"200", "reset", "truncated", "refused", "timeout"}
    assert "refused" in found
    assert run.seconds < 10


def timed_out_after(run):
    return [note[4] - note[3] for note in run.notes if note[0] == 0 and note[3]]


@ON_BOTH_LOOPS
def test_no_answer_is_awaited_much_longer_than_the_time_out(site, loop):
    """Each time-out starts another request, which must not put off those of the others."""
    url = f"{site.url}/p/1?fault=hang"
    for _ in range(5):  # this machine may be busy
        run = drive(url, loop=loop, rate=100.0, connections=5, duration=0.15, timeout=0.1)
        assert whole(run)
        took = timed_out_after(run)
        assert len(took) > 5
        if max(took) < 150 * MS:
            return
    raise AssertionError(took)


def test_a_request_waits_for_a_place_and_leaves_late_but_is_not_dropped(site):
    run = drive(f"{site.url}/p/1?latency=10ms", rate=300.0, connections=1, duration=0.2)
    assert whole(run)
    report = run.report()
    assert report.scheduled == 60
    assert report.unsent > 20
    assert report.wait.max_ms > 50
    assert report.service.max_ms < report.response.max_ms


@BOTH
def test_nothing_leaves_at_the_end_or_later(site, way):
    run = drive(f"{site.url}/p/1?latency=3ms", connections=2, duration=0.1, **way)
    end = run.start + 100 * MS
    assert whole(run)
    assert all(note[3] < end for note in run.notes)
    assert all(note[1] < end for note in run.notes)


def blocks_once(after, until):
    """Block the loop: from *after* seconds on, until *until*, both since now."""

    async def block(_):
        began = monotonic_ns()
        await asyncio.sleep(after)
        while monotonic_ns() < began + until * 1e9:
            pass

    return block


@BOTH
def test_a_generator_that_stood_still_over_the_end_sends_nothing_late(site, way):
    run = drive(
        f"{site.url}/p/1", connections=4, duration=0.1, meanwhile=blocks_once(0.05, 0.2), **way
    )
    end = run.start + 100 * MS
    assert whole(run)
    assert all(note[3] < end for note in run.notes)
    if way is OPEN:
        assert run.driver.scheduled == 40
        assert run.driver.unsent > 0


def test_requests_or_duration_whichever_is_first(site):
    run = drive(f"{site.url}/p/1", connections=4, requests=10, duration=60.0, rate=1000.0)
    assert whole(run)
    assert run.report().sent == 10
    assert run.seconds < 10
    run = drive(f"{site.url}/p/1", connections=4, requests=10**6, duration=0.05, rate=1000.0)
    assert run.report().scheduled == 50
    run = drive(f"{site.url}/p/1", connections=4, requests=10**6, duration=0.05)
    assert whole(run)


def test_so_many_requests_leave_however_long_they_have_to_wait(site):
    run = drive(f"{site.url}/p/1?latency=5ms", connections=2, requests=30, rate=5000.0)
    assert whole(run)
    assert (run.report().sent, run.driver.unsent) == (30, 0)
    assert run.report().wait.max_ms > 30
    run = drive(
        f"{site.url}/p/1?latency=5ms", connections=2, requests=99, rate=5000.0, duration=0.05
    )
    assert whole(run)
    assert run.driver.scheduled == 99
    assert run.driver.unsent > 50


def test_requests_are_divided_over_processes_to_the_last_one(site):
    """Here one after the other; more processes than requests, too."""
    for way in (CLOSED, OPEN | {"duration": 60.0}, OPEN):
        options = {"requests": 5, "connections": 9, **way}
        parts = [drive(f"{site.url}/p/1", place=n, of=3, **options) for n in range(3)]
        assert all(whole(part) for part in parts)
        assert [part.sent for part in parts] == [2, 2, 1]
        assert drive(f"{site.url}/p/1", place=6, of=7, **options).sent == 0


def test_several_targets_at_several_origins_share_the_requests(site):
    site.reset()
    first, second = site.origins
    urls = [f"{first}/p/1", f"{second}/p/2", f"{first}/p/3?status=404"]
    run = drive(urls, connections=4, requests=60)
    assert whole(run)
    report = run.report()
    assert report.statuses == {"200": 40, "404": 20}
    assert [one.ended for one in report.targets] == [20, 20, 20]
    assert [one.failed for one in report.targets] == [0, 0, 20]
    assert run.driver.opened == 8
    assert site.truth()["requests"] == 60


def test_an_origin_may_have_an_address_of_the_sixth_version(scripted):
    try:
        server = scripted(serve_always(), host="::1")
    except OSError:
        pytest.skip("this system has no ::1")
    run = drive(server.url, connections=2, requests=20)
    assert whole(run)
    assert named(run) == {"200": 20}


def test_without_keep_alive_each_request_has_a_connection_even_if_the_server_would_go_on(scripted):
    server = scripted(serve_always())
    run = drive(server.url, connections=2, requests=20, keepalive=False)
    assert whole(run)
    assert named(run) == {"200": 20}
    assert run.driver.opened == 20
    assert [len(peer.requests) for peer in server.peers if peer.requests] == [1] * 20


def test_a_server_that_closes_each_idle_connection_fails_no_request(scripted):
    def script(peer):
        peer.request()
        peer.say(PAGE)
        # Behind the answer, so that it is an idle one that is closed.
        threading.Event().wait(0.005)

    server = scripted(script)
    for _ in range(5):  # a busy machine may close one just as it is taken
        run = drive(server.url, connections=2, rate=50.0, duration=0.2)
        assert whole(run)
        if named(run) == {"200": 10}:
            return
    raise AssertionError(named(run))


@ON_BOTH_LOOPS
def test_a_server_that_closes_as_soon_as_it_has_accepted(scripted, loop):
    server = scripted(lambda _: None)
    run = drive(server.url, loop=loop, connections=3, requests=20, timeout=5.0)
    assert whole(run)
    assert named(run) == {"reset": 20}
    assert run.seconds < 4


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path):
    """Both sides' settings of TLS; this process trusts the authority."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr("crawler.wire.tls._made", {})
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@ON_BOTH_LOOPS
def test_over_tls_all_is_the_same(scripted, trusted, loop):
    server_side, tls = trusted
    server = scripted(serve_always(), tls=server_side)
    run = drive(server.url, loop=loop, tls=tls, connections=2, requests=20)
    assert whole(run)
    assert named(run) == {"200": 20}
    assert run.driver.opened == 2


@ON_BOTH_LOOPS
@pytest.mark.parametrize("word", [b"", PAGE], ids=["goodbye", "page"])
def test_a_server_that_speaks_first_behind_the_handshake_keeps_nobody_waiting(
    scripted, trusted, loop, word
):
    """In TLS 1.2 the server has the last word of it, and the next may come with it."""
    server_side, tls = trusted
    server_side.maximum_version = ssl.TLSVersion.TLSv1_2
    server = scripted(lambda peer: peer.say(word), tls=server_side)
    run = drive(server.url, loop=loop, tls=tls, connections=2, requests=10, timeout=5.0)
    assert whole(run)
    assert set(named(run)) <= ({"reset", "200"} if word else {"reset"})
    assert run.seconds < 4


@ON_BOTH_LOOPS
def test_a_server_without_tls_where_there_was_some(scripted, trusted, loop):
    server_side, tls = trusted
    server = Scripted(serve_always(), tls=server_side)
    plan = plan_of(server.url, loop=loop, connections=2, requests=6, timeout=5.0)
    port = server.port
    server.close()
    scripted(lambda peer: (peer.say(b"no TLS\r\n" * 4), peer.until_gone()), port=port)
    run = drive_plan(plan, tls=tls)
    assert whole(run)
    assert named(run) == {"tls": 6}


def test_an_address_that_may_not_be_asked_gets_no_request(scripted):
    server = scripted(serve_always())
    run = drive(server.url, connections=2, requests=6, may=lambda address: address != "127.0.0.1")
    assert whole(run)
    assert named(run) == {"address": 6}
    assert server.requests == 0


@pytest.mark.parametrize("loop", ["asyncio"])
def test_a_machine_that_opens_no_more_sockets_is_our_own_fault(scripted, monkeypatch, loop):
    server = scripted(serve_always())
    plan = plan_of(server.url, loop=loop, connections=2, requests=6)

    def none_left(_):
        raise WorkerError("no more sockets")

    monkeypatch.setattr(places, "_reason", none_left)
    server.close()
    with pytest.raises(WorkerError, match="no more sockets"):
        drive_plan(plan)


# To stop.


def stopping(after, *, at_once=False, twice=False):
    async def stop(driver):
        await asyncio.sleep(after)
        driver.stop(at_once=at_once)
        if twice:
            driver.stop(at_once=at_once)

    return stop


@BOTH
def test_a_stop_lets_nothing_more_leave_and_awaits_what_is_in_flight(site, way):
    run = drive(
        f"{site.url}/p/1?latency=20ms", connections=3, duration=60.0, meanwhile=stopping(0.1), **way
    )
    assert whole(run)
    assert run.driver.in_flight_at_end == 0
    assert run.sent == run.report().ok > 0
    assert run.seconds < 20


@BOTH
def test_a_stop_at_once_awaits_nothing(site, way):
    run = drive(
        f"{site.url}/p/1?fault=hang",
        connections=3,
        duration=60.0,
        timeout=50.0,
        meanwhile=stopping(0.1, at_once=True, twice=True),
        **way,
    )
    assert whole(run)
    assert run.driver.in_flight_at_end == run.sent == 3
    assert run.seconds < 20


@BOTH
@pytest.mark.parametrize("at_once", [True, False])
def test_a_stop_in_the_warm_up_leaves_a_report_of_nothing(site, way, at_once):
    url = f"{site.url}/p/1{'?fault=hang' * at_once}"
    stop = stopping(0.05, at_once=at_once)
    run = drive(url, warmup=60.0, duration=1.0, meanwhile=stop, **way)
    assert whole(run)
    report = run.report()
    assert (report.scheduled, report.sent) == (0, 0)
    assert report.warmup_sent > 0


@BOTH
@pytest.mark.parametrize("at_once", [True, False])
def test_a_stop_before_the_beginning_has_nothing_leave(site, way, at_once):
    site.reset()
    plan = plan_of(f"{site.url}/p/1", connections=3, duration=60.0, **way)

    def stopped(driver):
        driver.stop(at_once=at_once)

    run = drive_plan(plan, before=stopped)
    assert whole(run)
    assert run.report().scheduled == 0
    assert site.truth()["requests"] == 0
    run = drive_plan(plan, meanwhile=stopping(0.0, at_once=at_once))
    assert whole(run)
    assert run.seconds < 20


# Identities.


def test_response_is_lag_and_wait_and_service(site):
    run = drive(f"{site.url}/p/1?latency=4ms", rate=400.0, connections=1, requests=30, duration=5.0)
    tally = run.driver.tally
    for _, due, noticed, sent, ended, _, _ in run.notes:
        assert ended - due == (noticed - due) + (sent - noticed) + (ended - sent)
    run = drive(f"{site.url}/p/1", rate=400.0, connections=3, duration=0.2)
    tally = run.driver.tally
    assert run.driver.unsent == 0
    assert tally.response.total == tally.lag.total + tally.wait.total + tally.service.total


def test_a_stall_of_the_server_is_in_response_times_and_not_in_later_service_times():
    with serve(pages=10, size="100", links=0, stall=["100ms/200ms"]) as site:
        site.reset()
        run = drive(f"{site.url}/p/1", rate=500.0, connections=1, duration=0.4)
    assert whole(run)
    notes = [note for note in run.notes if note[0] == 200]
    held = [note for note in notes if note[4] - note[3] >= 50 * MS]
    waited = [[n for n in notes if one[1] < n[1] < one[4]] for one in held]
    behind, stalled = max(zip(waited, held, strict=True), key=lambda pair: len(pair[0]))
    assert len(behind) > 20
    late = [n for n in behind if n[4] - n[1] > n[4] - n[3] + 5 * MS]
    assert len(late) > len(behind) // 2
    services = sorted(n[4] - n[3] for n in behind)
    assert services[len(services) // 2] < (stalled[4] - stalled[3]) / 4


def test_the_schedule_does_not_slip_as_the_server_sees_it(site):
    """What is late in the second half is not later than in the first."""
    with socket.create_connection(("127.0.0.1", site.port)) as log, log.makefile("rb") as stream:
        log.sendall(b"GET /__log__ HTTP/1.1\r\nHost: a\r\n\r\n")
        while stream.readline() != b"\r\n":
            pass
        run = drive(f"{site.url}/p/1", rate=400.0, connections=20, duration=0.4)
        lines: list[dict] = []
        while len(lines) < run.sent:
            line = stream.readline()
            if line.startswith(b"{"):
                lines.append(json.loads(line))
    seen = sorted(line["arrived_ns"] for line in lines)
    dues = sorted(note[1] for note in run.notes)
    late = [arrived - due for arrived, due in zip(seen, dues, strict=True)]
    assert min(late) > 0
    gap = dues[1] - dues[0]
    assert all(after - before == gap for before, after in pairwise(dues))
    assert min(late[80:]) < sorted(late[:80])[40] + gap


def test_the_bundled_server_s_connections_are_opened_before_the_start(site):
    run = drive(f"{site.url}/p/1", connections=5, requests=50)
    assert run.driver.opened == 5
    assert len(run.driver.tally.connect) == 0


def test_connect_times_of_the_warm_up_are_left_out(site):
    run = drive(f"{site.url}/p/1", connections=1, requests=5, warmup=0.05, keepalive=False)
    assert len(run.driver.tally.connect) == 5
    assert run.driver.opened > 5


# Little's law.


@pytest.mark.parametrize(
    "options",
    [
        {"duration": 0.2, "keepalive": False},
        {"duration": 0.1, "fault": "503"},
        pytest.param({"duration": 0.2, "fault": "50%:reset"}, marks=pytest.mark.slow),
        {"duration": 0.1, "fault": "hang", "timeout": 0.3, "warmup": 0.1},
        pytest.param({"duration": 0.1, "latency": "80ms"}, marks=pytest.mark.slow),
        {"duration": 0.4, "rate": 500.0, "latency": "1ms", "connections": 20},
    ],
    ids=str,
)
def test_little_s_law_holds_whatever_becomes_of_the_requests(site, options):
    """What was in flight by the samples is what it was by the requests' own times."""
    query = "&".join(f"{name}={options[name]}" for name in ("fault", "latency") if name in options)
    chosen = {name: value for name, value in options.items() if name not in {"fault", "latency"}}
    residuals = []
    for _ in range(5):  # samples are few, and this machine may be busy
        run = drive(f"{site.url}/p/1?{query}", **{"connections": 8} | chosen)
        assert whole(run)
        residuals.append(run.report().verdict.evidence["little_residual"])
        if residuals[-1] < 0.1:  # of a dozen samples the first one sees nothing
            return
    raise AssertionError(residuals)


def test_a_request_is_in_flight_for_as_long_as_its_connection_holds_it_back(site, monkeypatch):
    """Not only for what the connection says that it took, which here is next to nothing."""

    async def in_no_time(*args):
        made = await places.connected(*args)
        return made if isinstance(made, str) else (made[0], 1)

    monkeypatch.setattr(driving, "connected", in_no_time)
    tally = drive(f"{site.url}/p/1", connections=1, requests=5, keepalive=False).driver.tally
    connecting = len(tally.connect)
    assert connecting > 0
    assert tally.spent() > tally.service.total + 1_000 * connecting


# Memory.


@pytest.mark.slow
def test_memory_stays_flat_over_200_000_requests():
    with serve(pages=1, size="100", links=0) as site:
        seen = []

        async def watch(driver):
            while True:
                await asyncio.sleep(0.05)
                seen.append((driver.tally.ended, peak_memory()))

        run = drive(
            f"{site.url}/p/0", connections=20, requests=200_000, meanwhile=watch, notes=False
        )
    assert run.sent == 200_000
    first = next(memory for ended, memory in seen if ended > 50_000)
    last = next(memory for ended, memory in seen if ended > 150_000)
    assert last - first < 2_000_000

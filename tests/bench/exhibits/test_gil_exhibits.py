"""Threads and the GIL: each verdict is reached from made-up figures, and what must be shown."""

import socket
import sys
import threading
import time

import pytest

from bench.exhibits import (
    asking,
    beside,
    e05_races,
    e08_gil,
    e09_one_thread,
    e10_convoy,
    e11_computing,
    e12_sleep,
    e16_one_loop,
)
from bench.exhibits.exhibit import Figure, Found, Scale, SkippedError

RACES = {
    "GIL enabled": 1, "threads": 4, "pages": 20,
    "updates lost, n += 1": 0, "updates lost, n = f(n)": 50,
    "updates lost, n = f(n) with a lock": 0,
    "fetched again, seen after the fetch": 60, "fetched again, seen before the fetch": 0,
    "fetched again, seen with a lock": 0,
}  # fmt: skip
NO_SERVER = {name: None for name in RACES if name == "pages" or name.startswith("fetched")}
GIL = {
    "GIL enabled": 1, "built without GIL": 0, "cores busy with 1 threads": 1,
    "cores busy with 8 threads": 1, "cores busy with 2 threads of C": 1.9,
    "steps of another thread, Python": 0, "steps of another thread, C": 20,
}  # fmt: skip
ONE_THREAD = {
    "GIL enabled": 1, "waited, alone": 0, "waited, beside a thread that computes": 50,
    "CPU over alone, switch interval 0.1 ms": 1, "CPU over alone, switch interval 100 ms": 1,
    "CPU over alone, beside a thread that waits": 1, "times it waited, alone": 0,
    "times it waited, switch interval 0.1 ms": 0, "times it waited, switch interval 100 ms": 0,
    "times it waited, beside a thread that waits": 0,
    "times it waited, beside a thread that computes": 30,
}  # fmt: skip
CONVOY = {
    ("GIL enabled"): 1, ("requests at once, 0 busy", 5): 4, ("requests at once, 1 busy", 5): 3,
    ("late after a wait, p50, 0 busy", 5): 0.1, ("late after a wait, p50, 1 busy", 5): 5.2,
    ("late after a wait, p99, 1 busy", 5): 9, ("times as slow, 1 busy", 5): 3,
    ("late after a wait, p50, 1 busy", 1): 1.2,
}  # fmt: skip
STEPS = "steps of another thread during sha256"
COMPUTING = {
    "GIL enabled": 1, "cores busy, Python": 1, "times as fast, Python": 1, "cores busy, re": 1,
    ("cores busy, sha256", 2047): 1, ("cores busy, sha256", 1_048_576): 1.9,
    (STEPS, 2047): 0, (STEPS, 2048): 16, (STEPS, 2049): 16,
}  # fmt: skip
SLEEP = {
    "GIL enabled": 1, "threads": 50, "naps that a crowd takes, time.sleep": 1.1,
    "naps that a crowd takes, usleep without the GIL": 1.1,
    "naps that a crowd takes, usleep with the GIL": 50,
    "steps of another thread, time.sleep": 18,
    "steps of another thread, usleep without the GIL": 18,
    "steps of another thread, usleep with the GIL": 0,
    "turns of another task, time.sleep": 0, "turns of another task, asyncio.sleep": 18,
}  # fmt: skip
OVER = "CPU over threads, asyncio"
ONE_LOOP = {
    ("CPU a request, threads", 1): 30, ("CPU a request, asyncio", 1): 70, (OVER, 1): 2.3,
    ("CPU a request, threads", 50): 60, ("CPU a request, asyncio", 50): 40, (OVER, 50): 0.7,
    ("waits a request, threads", 1): 1, ("waits a request, asyncio", 1): 1,
    ("waits a request, threads", 50): 3, ("waits a request, asyncio", 50): 0.1,
}  # fmt: skip
FREE = {"GIL enabled": 0}


@pytest.mark.parametrize(
    ("exhibit", "figures", "other", "verdict"),
    [
        (e05_races, RACES, {}, "holds"),
        (e05_races, RACES, NO_SERVER, "holds"),
        (e05_races, RACES, {"updates lost, n += 1": 40, **FREE}, "holds"),
        (e05_races, RACES, {"updates lost, n = f(n)": 0}, "does not hold"),
        (e08_gil, GIL, {}, "holds"),
        (e08_gil, GIL, {"cores busy with 8 threads": 1.8, **FREE}, "outdated"),
        (e08_gil, GIL, {"steps of another thread, Python": 5}, "does not hold"),
        (e09_one_thread, ONE_THREAD, {}, "holds"),
        (e09_one_thread, ONE_THREAD, FREE, "holds within limits"),
        (e09_one_thread, ONE_THREAD, {"CPU over alone, beside a thread that waits": 1.3},
         "does not hold"),
        (e10_convoy, CONVOY, {}, "holds within limits"),
        (e10_convoy, CONVOY, {("late after a wait, p50, 1 busy", 5): 0.2}, "holds"),
        (e10_convoy, CONVOY, {("requests at once, 0 busy", 5): 1}, "does not hold"),
        (e10_convoy, CONVOY, FREE, "outdated"),
        (e11_computing, COMPUTING, {}, "holds within limits"),
        (e11_computing, COMPUTING, {("cores busy, sha256", 1_048_576): 1}, "holds within limits"),
        (e11_computing, COMPUTING, {("cores busy, sha256", 1_048_576): 1, (STEPS, 2049): 0},
         "holds"),
        (e11_computing, COMPUTING, {"cores busy, Python": 1.9}, "outdated"),
        (e12_sleep, SLEEP, {}, "holds"),
        (e12_sleep, SLEEP, {"naps that a crowd takes, time.sleep": 50}, "does not hold"),
        (e12_sleep, SLEEP, FREE, "outdated"),
        (e16_one_loop, ONE_LOOP, {}, "holds within limits"),
        (e16_one_loop, ONE_LOOP, {(OVER, 1): 0.8}, "holds"),
        (e16_one_loop, ONE_LOOP, {(OVER, 50): 0.95}, "does not hold"),
        (e16_one_loop, ONE_LOOP, {(OVER, 50): 0.95, ("CPU over threads, uvloop", 50): 0.7},
         "does not hold"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_figures(exhibit, figures, other, verdict):
    judgement = exhibit.judge(_found(figures, other))
    assert judgement.verdict == verdict, judgement.why
    assert judgement.why.endswith(".")


@pytest.mark.parametrize(
    ("exhibit", "figures", "other"),
    [
        (e05_races, RACES, {"updates lost, n = f(n)": 0}),
        (e05_races, RACES, {"updates lost, n = f(n)": 0, **NO_SERVER}),
        (e05_races, RACES, {"updates lost, n = f(n) with a lock": 1}),
        (e05_races, RACES, {"fetched again, seen after the fetch": 0}),
        (e05_races, RACES, {"fetched again, seen with a lock": 1}),
        (e08_gil, GIL, {"steps of another thread, Python": 1}),
        (e08_gil, GIL, {"steps of another thread, C": 0}),
        (e09_one_thread, ONE_THREAD, {"times it waited, beside a thread that computes": 0}),
        (e09_one_thread, ONE_THREAD, {"times it waited, switch interval 0.1 ms": 30}),
        (e10_convoy, CONVOY, {("requests at once, 0 busy", 5): 1}),
        (e10_convoy, CONVOY, {("requests at once, 1 busy", 5): 1}),
        (e11_computing, COMPUTING, {(STEPS, 2047): 1}),
        (e11_computing, COMPUTING, {(STEPS, 2049): 0}),
        (e12_sleep, SLEEP, {"steps of another thread, time.sleep": 0}),
        (e12_sleep, SLEEP, {"steps of another thread, usleep without the GIL": 0}),
        (e12_sleep, SLEEP, {"steps of another thread, usleep with the GIL": 1}),
        (e12_sleep, SLEEP, {"turns of another task, time.sleep": 1}),
        (e12_sleep, SLEEP, {"turns of another task, asyncio.sleep": 0}),
        (e16_one_loop, ONE_LOOP, {("waits a request, asyncio", 50): 2}),
    ],
)
def test_what_an_exhibit_is_about_is_shown_unless_its_effect_is_absent(exhibit, figures, other):
    assert exhibit.must_show(_found(figures, {}))
    assert not exhibit.must_show(_found(figures, other))


@pytest.mark.parametrize(
    ("exhibit", "figures", "other"),
    [
        (e08_gil, GIL, {"steps of another thread, Python": 20}),
        (e09_one_thread, ONE_THREAD, {"times it waited, beside a thread that computes": 0}),
        (e11_computing, COMPUTING, {(STEPS, 2047): 16}),
        (e12_sleep, SLEEP, {"steps of another thread, usleep with the GIL": 18}),
    ],
)
def test_without_a_gil_nobody_has_to_wait_for_it(exhibit, figures, other):
    assert exhibit.must_show(_found(figures, {**other, **FREE}))


def test_cores_that_others_took_are_no_proof_of_the_gil():
    seldom = [Figure("cores busy, sha256", "", [0.6, 0.6, 1.9], 1_048_576)]
    found = _found(COMPUTING, {("cores busy, sha256", 1_048_576): None}, seldom)
    assert "no second core" not in e11_computing.judge(found).why


class Dawdling(set[int]):
    """Lets the others in between the question whether a page is in the set, and the answer."""

    def __contains__(self, page):
        found = super().__contains__(page)
        time.sleep(0.001)
        return found


@pytest.mark.parametrize(("way", "is_safe"), [(e05_races.SOON, False), (e05_races.CLAIMED, True)])
def test_a_lock_keeps_a_page_from_being_fetched_again_however_slow_the_check(way, is_safe):
    shared, fetched = e05_races._Shared(), list[int]()
    shared.seen = Dawdling()
    e05_races._together(lambda: e05_races.CRAWLING[way](shared, fetched.append))
    assert (len(fetched) == e05_races.PAGES) == is_safe
    assert set(fetched) == set(range(e05_races.PAGES))


@pytest.mark.parametrize(
    ("rounds", "verdict"), [([1.0, 1.0, 1.3], "holds"), ([1.3, 1.0, 1.3], "does not hold")]
)
def test_one_thread_is_dearer_if_it_is_in_most_rounds(rounds, verdict):
    change = Figure("CPU over alone, switch interval 100 ms", "", rounds)
    found = _found(ONE_THREAD, {change.name: None}, [change])
    assert e09_one_thread.judge(found).verdict == verdict


def test_where_the_step_is_depends_on_the_python():
    assert e11_computing.must_show(_found(COMPUTING, {(STEPS, 2048): 0}))


def test_one_loop_is_judged_without_uvloop_and_says_where_it_is_cheaper():
    assert "uvloop" not in e16_one_loop.judge(_found(ONE_LOOP, {})).why
    with_it = {("CPU over threads, uvloop", 1): 1.5, ("CPU over threads, uvloop", 50): 0.5}
    why = e16_one_loop.judge(_found(ONE_LOOP, with_it)).why
    assert why.startswith("Only with 50 in flight")
    assert "(with uvloop 1.5 and 0.5 times)" in why


def test_without_our_packages_there_are_races_but_no_requests(monkeypatch):
    monkeypatch.setattr(asking, "find_spec", lambda _: None)
    monkeypatch.setattr(e05_races, "_lost", lambda _: 1.0)
    assert "pages" not in Found(e05_races.measure(Scale(1, quick=True)))
    with pytest.raises(SkippedError, match="lacks the packages"):
        e16_one_loop.measure(Scale(1, quick=True))


def test_another_thread_takes_steps_only_while_nobody_keeps_the_gil():
    turn = threading.Event()
    assert beside.steps_during(lambda: turn.wait(0.05)) > 0
    if beside.gil_enabled():
        assert beside.steps_during(lambda: sum(range(1_000_000))) == 0


def test_threads_and_the_switch_interval_are_what_they_were_whatever_happens():
    before, threads = sys.getswitchinterval(), threading.active_count()

    def fail():
        raise ValueError("in the task")

    with pytest.raises(ValueError, match="in the task"), beside.switching_every(1.0):
        fail()
    with pytest.raises(ValueError, match="in the task"):
        beside.steps_during(fail)
    assert threading.active_count() == threads
    assert sys.getswitchinterval() == before


def test_threads_that_compute_end_with_the_body():
    before, used = threading.active_count(), time.process_time()
    with beside.computing(2):
        assert threading.active_count() == before + 2
        while time.process_time() == used:
            pass
    assert threading.active_count() == before


def test_an_answer_is_read_to_its_end_and_no_further():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
        assert asking.ask(ours, asking.request_for("/p/1")) == b"body"
        assert theirs.recv(100).startswith(b"GET /p/1 HTTP/1.1\r\n")
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo")
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionError):
            asking.ask(ours, b"again")


def _found(figures, other, more=()):
    """Return made-up figures; a name with a number is at that place of a curve."""
    found = list(more)
    for name, value in {**figures, **other}.items():
        what, at = name if isinstance(name, tuple) else (name, None)
        if value is not None:
            found.append(Figure(what, "", [value], at))
    return Found(found)

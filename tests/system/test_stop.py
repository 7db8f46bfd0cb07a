"""Asking to stop, insisting, and cutting a wait short; real signals go to a child process."""

import signal
import subprocess
import sys
import threading

import pytest

from crawler.system.stop import Cut, Stop

LONG = 20  # seconds; only a test that fails waits for so long
SIGNALS = [signal.SIGINT, signal.SIGTERM]

#: Says each state on a line, waits for a signal after it, and ends when nothing else does.
CHILD = """
import os, signal, sys
from crawler.system.stop import Stop

def say(*words):  # a signal handler says it too, and print() may not be entered twice
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

stop = Stop()
with stop.listening():
    {body}
say("end")
"""


@pytest.fixture
def child():
    """Run the body of a child; gives what reads its next line and what signals it."""
    started = []

    def start(body):
        code = CHILD.format(body=body.strip().replace("\n", "\n    "))
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process):
    return process.stdout.readline().strip()


def test_the_first_request_asks_and_the_second_insists():
    stop = Stop()
    assert (stop.requested, stop.forced, stop.reason) == (False, False, None)
    stop.request("SIGTERM")
    assert (stop.requested, stop.forced, stop.reason) == (True, False, "SIGTERM")
    stop.request("SIGINT")
    assert (stop.requested, stop.forced, stop.reason) == (True, True, "SIGTERM")


def test_each_request_wakes_whoever_is_registered_and_no_one_else():
    stop, woken = Stop(), []
    with stop.on_change(lambda: woken.append("a")):
        stop.request("x")
        with stop.on_change(lambda: woken.append("b")):
            woken.clear()
            stop.request("x")
    stop.request("x")

    assert woken == ["a", "b"]


def test_who_registers_after_a_request_is_woken_at_once():
    stop, woken = Stop(), []
    with stop.on_change(lambda: woken.append("a")):
        assert woken == []
        stop.request("x")
    with stop.on_change(lambda: woken.append("b")):
        assert woken == ["a", "b"]


def test_a_wait_that_ends_by_itself_gives_its_result():
    assert Stop().cut(divmod, 7, 2) == (3, 1)


def test_after_a_request_nothing_is_waited_for_unless_only_the_second_counts():
    stop = Stop()
    waited: list[int] = []
    stop.request("x")

    assert stop.cut(waited.append, 1) is None
    assert waited == []
    assert stop.cut(lambda: "waited", only_forced=True) == "waited"
    stop.request("x")
    assert stop.cut(lambda: "waited", only_forced=True) is None


def test_an_error_in_a_wait_is_passed_on_and_ends_the_cutting():
    stop = Stop()
    with pytest.raises(ZeroDivisionError):
        stop.cut(divmod, 1, 0)
    stop._on_signal(signal.SIGINT, None)

    assert stop.requested


def test_a_signal_outside_of_a_cut_raises_nothing_and_inside_it_cuts():
    stop = Stop()
    stop._on_signal(signal.SIGINT, None)
    assert stop.reason == "SIGINT"

    def interrupted():
        stop._on_signal(signal.SIGTERM, None)
        raise AssertionError("not cut")

    assert stop.cut(interrupted, only_forced=True) is None
    assert stop.forced


def test_a_cut_is_no_exception_that_a_page_could_catch():
    assert not issubclass(Cut, Exception)


def test_listening_gives_the_handlers_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Stop().listening():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_another_thread_listens_to_nothing():
    before = [signal.getsignal(number) for number in SIGNALS]
    found: list[object] = []

    def listen():
        with Stop().listening():
            found.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_real_signal_asks_and_a_second_insists(child, number):
    process = child("""
say("ready")
while not stop.requested:
    stop.cut(signal.pause)
say(stop.reason, stop.forced)
while not stop.forced:
    stop.cut(signal.pause, only_forced=True)
say(stop.reason, stop.forced)
""")
    assert said(process) == "ready"
    process.send_signal(number)
    assert said(process) == f"{number.name} False"
    process.send_signal(number)
    assert said(process) == f"{number.name} True"
    assert said(process) == "end"
    assert process.wait() == 0


def test_a_wait_that_only_the_second_signal_cuts_outlives_the_first(child):
    process = child("""
with stop.on_change(lambda: say("woken")):
    say("ready")
    found = stop.cut(sys.stdin.readline, only_forced=True)
say(repr(found), stop.forced)
""")
    assert said(process) == "ready"
    process.send_signal(signal.SIGINT)
    assert said(process) == "woken"
    process.send_signal(signal.SIGTERM)
    assert said(process) == "woken"
    assert said(process) == "None True"
    assert said(process) == "end"


@pytest.mark.parametrize("number", SIGNALS)
def test_the_third_signal_kills(child, number):
    process = child("""
with stop.on_change(lambda: say("woken")):
    say("ready")
    while True:
        sys.stdin.readline()
""")
    assert said(process) == "ready"
    for _ in range(2):
        process.send_signal(number)
        assert said(process) == "woken"
    process.send_signal(number)

    assert process.wait(LONG) == -number
    assert process.stdout.read() == ""


def test_the_third_signal_gives_the_system_its_default_back(child):
    process = child("""
with stop.on_change(lambda: say("woken")):
    say("ready")
    for _ in range(9):
        sys.stdin.readline()
""")
    assert said(process) == "ready"
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        assert said(process) == "woken"
    process.send_signal(signal.SIGTERM)
    said(process)  # woken, or dead
    process.send_signal(signal.SIGTERM)

    assert process.wait() == -signal.SIGTERM

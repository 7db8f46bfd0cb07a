"""Names and their addresses: given ones first, and never longer than there is time."""

import asyncio
import concurrent.futures.thread
import socket
import threading

import pytest

from crawler.wire import names as names_module
from crawler.wire.names import Names

LONG = 20


@pytest.fixture
def names():
    made = Names({"given.test": "10.1.2.3", "six.test": "fd00::1"})
    yield made
    made.close()


@pytest.fixture(params=["resolve", "aresolve"])
def resolve(request, names):
    """Resolve a name in one colour."""
    if request.param == "resolve":
        return lambda host, timeout=LONG: names.resolve(host, 80, timeout)
    return lambda host, timeout=LONG: asyncio.run(names.aresolve(host, 80, timeout))


@pytest.fixture
def silent(monkeypatch):
    """A name server that does not answer before it is told to; gives what tells it."""
    asked, told = threading.Event(), threading.Event()

    def wait(*_, **__):
        asked.set()
        told.wait(LONG)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield asked
    told.set()


def forbidden(*_, **__):
    raise AssertionError("the system was asked")


def test_given_names_have_their_addresses_without_asking_anybody(resolve, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)

    assert resolve("given.test") == ["10.1.2.3"]
    assert resolve("six.test") == ["fd00::1"]


@pytest.mark.parametrize("address", ["127.0.0.1", "8.8.8.8", "::1", "2001:db8::1"])
def test_an_address_is_its_own_name(resolve, monkeypatch, address):
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)

    assert resolve(address) == [address]


def test_other_names_are_asked_of_the_system(resolve):
    found = resolve("localhost")

    assert found
    assert {*found} <= {"127.0.0.1", "::1"}


def test_the_order_of_the_system_is_kept_and_nothing_twice(resolve, monkeypatch):
    def answered(host, port, **_):
        assert (host, port) == ("many.test", 80)
        return [(0, 0, 0, "", (address, 80)) for address in ("::2", "1.1.1.1", "::2", "1.1.1.2")]

    monkeypatch.setattr(socket, "getaddrinfo", answered)

    assert resolve("many.test") == ["::2", "1.1.1.1", "1.1.1.2"]


def test_a_name_without_an_address_is_the_systems_error(resolve):
    with pytest.raises(socket.gaierror):
        resolve(("a" * 63 + ".") * 4 + "test")


@pytest.mark.usefixtures("silent")
def test_when_time_runs_out_it_is_a_timeout(resolve):
    with pytest.raises(TimeoutError):
        resolve("slow.test", 0.01)


@pytest.mark.usefixtures("silent")
def test_a_slow_name_holds_up_no_other(names, resolve):
    def wait():
        with pytest.raises(TimeoutError):
            names.resolve("a.test", 80, 0.3)

    slow = threading.Thread(target=wait)
    slow.start()

    assert resolve("given.test") == ["10.1.2.3"]
    slow.join()


def test_a_look_up_that_hangs_keeps_no_process_from_ending(silent):
    """The interpreter joins threads that are not daemons, and those of executors, at its end."""
    before = {*threading.enumerate()}
    names = Names({})
    with pytest.raises(TimeoutError):
        names.resolve("slow.test", 80, 0.01)
    silent.wait(LONG)
    names.close()
    joined = concurrent.futures.thread._threads_queues

    for thread in {*threading.enumerate()} - before:
        assert thread.daemon
        assert thread not in joined


def test_there_are_threads_for_many_look_ups():
    assert names_module.LOOKUPS >= 8

"""Before a load test: whose addresses they are, and whether somebody answers there."""

import contextlib
import socket
import threading

import pytest

from crawler.core.errors import OptionsError, RefusedTargetError
from crawler.traffic import aiming
from crawler.traffic.aiming import aims_of
from crawler.traffic.job import LoadOptions
from crawler.traffic.targets import targets_of


class Resolver:
    """Looks names up in a table; what is not in there has no address."""

    def __init__(self, table):
        self.table = table
        self.asked: list[str] = []

    def __call__(self, _):
        return self

    def resolve(self, host, _port, _timeout):
        self.asked.append(host)
        try:
            return self.table[host]
        except KeyError:
            raise OSError("no address") from None

    def close(self):
        pass


@pytest.fixture
def resolver(monkeypatch):
    def use(**table):
        one = Resolver({name.replace("_", "."): list(found) for name, found in table.items()})
        monkeypatch.setattr(aiming, "Names", one)
        return one

    return use


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def port(listener):
    return listener.getsockname()[1]


def aim(*urls, **options):
    targets = targets_of(urls, lambda _: b"")
    return aims_of(targets, LoadOptions(timeout=2.0, **options))


def test_each_origin_has_one_aim_and_each_name_is_looked_up_once(resolver, port):
    names = resolver(a_test=["127.0.0.1"], b_test=["127.0.0.1"])
    urls = [f"http://{host}:{port}/{n}" for n, host in enumerate(["a.test", "b.test", "a.test"])]
    aims, of = aim(*urls)
    assert [(one.host, one.port, one.address) for one in aims] == [
        ("a.test", port, "127.0.0.1"),
        ("b.test", port, "127.0.0.1"),
    ]
    assert of == (0, 1, 0)
    assert names.asked == ["a.test", "b.test"]


def test_the_first_address_that_takes_a_connection_is_the_one(resolver, port):
    resolver(a_test=["127.0.0.3", "127.0.0.1"])
    aims, _ = aim(f"http://a.test:{port}/")
    assert [one.address for one in aims] == ["127.0.0.1"]


def test_a_public_address_is_passed_over_where_there_is_another(resolver, port):
    resolver(a_test=["8.8.8.8", "169.254.169.254", "127.0.0.1"])
    aims, _ = aim(f"http://a.test:{port}/")
    assert [one.address for one in aims] == ["127.0.0.1"]


def test_nothing_is_said_to_who_is_aimed_at(listener, port):
    aim(f"http://127.0.0.1:{port}/")
    peer, _ = listener.accept()
    with contextlib.closing(peer):
        assert peer.recv(1) == b""


def test_an_address_of_the_sixth_version():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this system has no ::1")
    with server:
        aims, _ = aim(f"http://[::1]:{server.getsockname()[1]}/")
    assert [one.address for one in aims] == ["::1"]


def test_each_trouble_has_one_line(resolver, port):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]
    resolver(a_test=["127.0.0.1"])
    with pytest.raises(OptionsError, match="nothing listens there"):
        aim(f"http://a.test:{nobody}/")
    with pytest.raises(OptionsError, match=r"^b\.test: the name has no address$"):
        aim(f"http://b.test:{port}/")


def test_no_tls_is_told(listener, port):
    def answer():
        peer, _ = listener.accept()
        with contextlib.closing(peer):
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.recv(1000)

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(OptionsError, match="no TLS there; write http://"):
        aim(f"https://127.0.0.1:{port}/")
    thread.join()


def test_allowing_one_host_allows_no_other(resolver):
    resolver(a_test=["8.8.8.8"], b_test=["8.8.8.8"])
    with pytest.raises(RefusedTargetError, match=r"b\.test \(8\.8\.8\.8\)"):
        aim("http://b.test/", allow_targets=("a.test",))


def test_metadata_is_not_asked_though_it_was_allowed(resolver):
    resolver(a_test=["169.254.169.254"])
    with pytest.raises(RefusedTargetError):
        aim("http://a.test/", allow_targets=("a.test",))

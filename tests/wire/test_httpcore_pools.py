"""Between the moments in which httpcore's pool thinks of a connection, others may think of it."""

import asyncio

import httpcore
import pytest

from crawler.core.guard import Guard
from crawler.wire.httpcore_pools import AOneByOne
from crawler.wire.httpcore_use import USE, Use
from crawler.wire.visit import Visit

REQUEST = httpcore.Request("GET", "http://site.test/")


class Inner:
    """A connection that is idle and used up whenever it is asked, and answers when told."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.is_gone = False

    async def handle_async_request(self, _request):
        await self.go_on.wait()
        return httpcore.Response(200)

    async def aclose(self):
        await self.go_on.wait()
        self.is_gone = True

    def is_idle(self):
        return True

    is_available = is_closed = has_expired = is_idle


@pytest.fixture(autouse=True)
def used():
    USE.set(Use(Visit(Guard(), float("inf"), typed=True, referrer_home=None)))


def test_a_connection_is_busy_from_the_call_on():
    async def main():
        inner = Inner()
        connection = AOneByOne(inner, set())
        assert connection.is_available()
        first = asyncio.ensure_future(connection.handle_async_request(REQUEST))
        await asyncio.sleep(0)
        said = [connection.is_idle(), connection.is_available(), connection.is_closed()]
        assert [*said, connection.has_expired()] == [False] * 4
        with pytest.raises(httpcore.ConnectionNotAvailable):
            await connection.handle_async_request(REQUEST)
        inner.go_on.set()
        assert (await first).status == 200
        assert connection.is_available()

    asyncio.run(main())


def test_nobody_can_take_a_connection_that_is_to_be_closed():
    async def main():
        inner = Inner()
        closing: set[asyncio.Task] = set()
        connection = AOneByOne(inner, closing)
        with pytest.raises(StopIteration):  # it is over before anything else can run
            connection.aclose().send(None)
        with pytest.raises(httpcore.ConnectionNotAvailable):
            await connection.handle_async_request(REQUEST)
        inner.go_on.set()
        await asyncio.gather(*closing)
        assert inner.is_gone

    asyncio.run(main())


def test_a_connection_that_failed_is_closed_whatever_it_says_of_itself():
    class Failing(Inner):
        async def handle_async_request(self, _request):
            raise httpcore.ReadError

        def has_expired(self):
            return False

    async def main():
        connection = AOneByOne(Failing(), set())
        with pytest.raises(httpcore.ReadError):
            await connection.handle_async_request(REQUEST)
        assert connection.has_expired()
        assert not connection.is_available()

    asyncio.run(main())

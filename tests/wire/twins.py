"""httpx's clients with transports of ours, blocking and on both loops, driven in the same way."""

import asyncio
import contextlib

import httpx
import uvloop

from crawler import BlockingWireTransport, WireTransport
from tests.wire.scripted import LONG

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
COLOURS = ["blocking", *LOOPS]


class Blocking:
    """An httpx.Client on a BlockingWireTransport."""

    def __init__(self, timeout=LONG, **options):
        self.transport = BlockingWireTransport(**options)
        self.client = httpx.Client(transport=self.transport, timeout=timeout)

    def request(self, method, url, **more):
        """Send a request, and return its answer when all of it was read."""
        return self.client.request(method, url, **more)

    def begin(self, method, url, **more):
        """Send a request, and return its answer when its head is there."""
        return self.client.send(self.client.build_request(method, url, **more), stream=True)

    def read(self, response):
        return response.read()

    def leave(self, response):
        response.close()

    def body(self, pieces):
        """Return a body of a request that is made piece by piece."""
        yield from pieces

    def close(self):
        self.client.close()


class Awaiting:
    """An httpx.AsyncClient on a WireTransport; its loop runs only while it is asked something."""

    def __init__(self, loop_factory, timeout=LONG, **options):
        self.runner = asyncio.Runner(loop_factory=loop_factory)

        async def made():
            return WireTransport(**options)

        self.transport = self.runner.run(made())
        self.client = httpx.AsyncClient(transport=self.transport, timeout=timeout)

    def request(self, method, url, **more):
        return self.runner.run(self.client.request(method, url, **more))

    def begin(self, method, url, **more):
        request = self.client.build_request(method, url, **more)
        return self.runner.run(self.client.send(request, stream=True))

    def read(self, response):
        return self.runner.run(response.aread())

    def leave(self, response):
        self.runner.run(response.aclose())

    async def body(self, pieces):
        for piece in pieces:
            yield piece

    def close(self):
        if not self.client.is_closed:
            self.runner.run(self.client.aclose())
            self.runner.close()


def twin(colour, **options):
    """Return a client in one colour."""
    return Blocking(**options) if colour == "blocking" else Awaiting(LOOPS[colour], **options)


@contextlib.asynccontextmanager
async def client_of(**options):
    """Open an httpx.AsyncClient on a WireTransport; gives both."""
    transport = WireTransport(**options)
    async with httpx.AsyncClient(transport=transport, timeout=LONG) as client:
        yield client, transport


async def until(is_so):
    """Let the loop turn until *is_so*() holds."""
    async with asyncio.timeout(LONG):
        while not is_so():  # noqa: ASYNC110 (it looks once a turn, and does not wait)
            await asyncio.sleep(0)


async def elsewhere(waiting, *arguments):
    """Wait for what happens on a server, while the loop goes on."""
    return await asyncio.to_thread(waiting, *arguments)

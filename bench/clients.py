"""Five ways to ask for a page: ours, and four that people know; imported when they are used."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager

__all__ = ["AWAITING", "BLOCKING", "UnexpectedAnswerError"]

AGet = Callable[[str], Awaitable[bytes]]
Get = Callable[[str], bytes]


class UnexpectedAnswerError(Exception):
    """A page did not come, or not as it should."""


@contextlib.asynccontextmanager
async def with_wire(_: int) -> AsyncIterator[AGet]:
    """Our fetch stage on our transport, from the text of a URL to the body."""
    from crawler import FetchRules, Options, WireTransport, afetch, target_of

    transport, rules = WireTransport(), FetchRules.of(Options(), "bench")

    async def get(url: str) -> bytes:
        fetched = await afetch(transport, target_of(url), rules)
        if fetched.body is None:
            raise UnexpectedAnswerError(f"{url}: {fetched.outcome}, {fetched.error}")
        return _body(url, fetched.status, fetched.body)

    try:
        yield get
    finally:
        await transport.aclose()


@contextlib.asynccontextmanager
async def with_httpx(in_flight: int) -> AsyncIterator[AGet]:
    """The client of httpx as it comes, but for limits and a timeout that let it have them all."""
    import httpx

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=600) as client:

        async def get(url: str) -> bytes:
            response = await client.get(url)
            return _body(url, response.status_code, response.content)

        yield get


@contextlib.asynccontextmanager
async def with_aiohttp(_: int) -> AsyncIterator[AGet]:
    """The session of aiohttp, without a limit on connections."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def get(url: str) -> bytes:
            async with session.get(url) as response:
                return _body(url, response.status, await response.read())

        yield get


@contextlib.contextmanager
def with_requests() -> Iterator[Get]:
    """A session of requests for each thread."""
    import requests

    with requests.Session() as session:

        def get(url: str) -> bytes:
            response = session.get(url)
            return _body(url, response.status_code, response.content)

        yield get


@contextlib.contextmanager
def with_urllib3() -> Iterator[Get]:
    """A pool of urllib3 for each thread."""
    import urllib3

    with urllib3.PoolManager() as pool:

        def get(url: str) -> bytes:
            response = pool.request("GET", url)
            return _body(url, response.status, response.data)

        yield get


def _body(url: str, status: int | None, body: bytes) -> bytes:
    if status != 200:
        raise UnexpectedAnswerError(f"{url}: status {status}")
    return body


#: Those that run on a loop, told how many pages will be in flight.
AWAITING: dict[str, Callable[[int], AbstractAsyncContextManager[AGet]]] = {
    "wire": with_wire,
    "httpx": with_httpx,
    "aiohttp": with_aiohttp,
}
#: Those of which each thread has one.
BLOCKING: dict[str, Callable[[], AbstractContextManager[Get]]] = {
    "requests": with_requests,
    "urllib3": with_urllib3,
}

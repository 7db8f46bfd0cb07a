"""Turn a host name into addresses, blocking or awaiting; given addresses go before the system's."""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import httpcore

__all__ = ["LOOKUPS", "Names"]

#: Look-ups at once in a process.  getaddrinfo blocks for seconds when a name server is silent,
#: and the loop's own executor has as few as five threads, which writing needs too.
LOOKUPS = 16


class Names:
    """Looks names up; *given* maps a name to the one address it shall have.

    Raises httpcore.ConnectTimeout when time runs out, and socket.gaierror.
    """

    def __init__(self, given: Mapping[str, str]):
        self._given = dict(given)
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="names")

    def resolve(self, host: str, port: int, timeout: float) -> list[str]:
        """Return the IP addresses of *host*, best first; waits at most *timeout* seconds."""
        if (known := self._known(host)) is not None:
            return known
        try:
            return self._threads.submit(_look_up, host, port).result(timeout)
        except FutureTimeoutError:
            raise httpcore.ConnectTimeout from None

    async def aresolve(self, host: str, port: int, timeout: float) -> list[str]:
        """Do the same, awaiting."""
        if (known := self._known(host)) is not None:
            return known
        future = self._threads.submit(_look_up, host, port)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None

    def close(self) -> None:
        """Let go of the threads; a look-up that still waits ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _known(self, host: str) -> list[str] | None:
        if host in self._given:
            return [self._given[host]]
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.inet_pton(family, host)
            except OSError:
                continue
            return [host]
        return None


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))

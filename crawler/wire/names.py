"""Turn a host name into addresses, blocking or awaiting; given addresses go before the system's."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from queue import SimpleQueue

__all__ = ["LOOKUPS", "Names"]

#: Look-ups at once.  getaddrinfo blocks for seconds when a name server is silent, and the
#: loop's own executor has as few as five threads, which writing needs too.
LOOKUPS = 16

_Asked = tuple[str, int, "Future[list[str]]"]


class Names:
    """Looks names up; *given* maps a name to the one address it shall have.

    The threads are daemons, made when they are needed: a look-up cannot be called back, and
    the end of the process must not wait for it.  Raises TimeoutError when time runs out,
    and what getaddrinfo raises.
    """

    def __init__(self, given: Mapping[str, str]):
        self._given = dict(given)
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._threads = 0

    def resolve(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Return the IP addresses of *host*, best first; waits *timeout* seconds at most."""
        if (known := self._known(host)) is not None:
            return known
        future = self._ask(host, port)
        try:
            return future.result(timeout)
        except FutureTimeoutError:
            future.cancel()  # or the threads would go on with what nobody waits for
            raise TimeoutError from None

    async def aresolve(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Do the same, awaiting."""
        if (known := self._known(host)) is not None:
            return known
        async with asyncio.timeout(timeout):
            return await asyncio.wrap_future(self._ask(host, port))

    def close(self) -> None:
        """Let go of the threads; a look-up that still waits ends by itself."""
        for _ in range(self._threads):
            self._asked.put(None)

    def _ask(self, host: str, port: int) -> "Future[list[str]]":
        future: Future[list[str]] = Future()
        self._asked.put((host, port, future))
        if self._threads < LOOKUPS:
            self._threads += 1
            threading.Thread(target=self._answer, name="names", daemon=True).start()
        return future

    def _answer(self) -> None:
        while (asked := self._asked.get()) is not None:
            host, port, future = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(_look_up(host, port))
            except (OSError, UnicodeError) as error:
                future.set_exception(error)

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

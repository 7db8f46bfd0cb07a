"""One HTTP/1.1 connection on a loop: a request goes out, an answer comes in, one at a time."""

import asyncio
import select
from collections.abc import Callable
from typing import cast

import httpx

from crawler.system.clock import now
from crawler.wire.http1 import AnswerReader

__all__ = ["Connection"]

#: Bytes of a body that may wait for their reader before the peer is slowed down.
HIGH = 262_144
#: Bytes sent before the loop turns, though the peer takes them as fast as they come: until then
#: nobody else gets on, and no answer is seen.
TURN = 262_144


class Connection(asyncio.Protocol):
    """A connection to *peer*; *on_lost* is called once, when it is gone.

    ``start`` sends a request, ``head`` and ``chunks`` await its answer in ``reader``.  Each
    wait ends at the deadline or when nothing moved for the timeout given to it.  After any
    error, and after a wait that was cancelled, the connection is of no more use.

    There is one timer, which is moved only when it goes off too early: setting one for each
    wait would cost more than the rest of an exchange.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        peer: str,
        on_lost: Callable[["Connection"], object],
    ):
        self.peer = peer
        self.reader = AnswerReader()
        self.is_open = False
        self.is_busy = False
        self._loop = loop
        self._on_lost = on_lost
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._deadline = float("inf")
        self._wait_ends = float("inf")
        self._too_slow: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._is_paused = False  # we read no more for now
        self._is_blocked = False  # the peer takes no more for now
        self._is_cut = False  # the request was not sent to its end
        self._sent = 0  # since the loop turned
        self._poll = select.poll()

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow the last one."""
        reader = self.reader
        return self.is_open and reader.complete and reader.reusable and not self._is_cut

    @property
    def has_news(self) -> bool:
        """Whether an idle connection was closed by its peer, or has something to say: no use.

        The loop tells it too, but too late when it was busy: then what was said would be taken
        for the answer to the next request.
        """
        return not self.is_open or bool(self._poll.poll(0))

    def start(self, data: bytes, method: str, deadline: float) -> None:
        """Send the first bytes of a request, and expect its answer by *deadline*."""
        self.reader.expect(method)
        self.is_busy = True
        self._deadline = deadline
        self._is_cut = False
        if not self.is_open:  # nobody would tell it again
            self._error = httpx.RemoteProtocolError("closed before a request was sent")
        self._transport.write(data)

    async def send(self, data: bytes, timeout: float | None) -> bool:
        """Send more of a request; waits while the peer takes no more, at most *timeout* s.

        An answer that is there before the request was sent ends the sending: it returns False,
        and nothing else can follow on this connection.
        """
        # It is closing at once when a write fails; is_open tells it when the loop has turned.
        if self._transport.is_closing() or self.reader.begun:
            self._is_cut = True
            return False
        self._transport.write(data)
        self._sent += len(data)
        if self._sent >= TURN:
            self._sent = 0
            await asyncio.sleep(0)
        while self._is_blocked and self.is_open and not self.reader.begun:
            await self._wait(timeout, httpx.WriteTimeout)
        return True

    async def head(self, timeout: float | None) -> None:
        """Wait until the head of the answer is in ``reader``."""
        while not self.reader.begun:
            await self._wait(timeout, httpx.ReadTimeout)

    async def chunks(self, timeout: float | None) -> list[bytes]:
        """Return the pieces of the body that have come, waiting for the next; none at its end."""
        reader = self.reader
        while not reader.chunks and not reader.complete:
            await self._wait(timeout, httpx.ReadTimeout)
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return reader.take()

    def finish(self) -> None:
        """Be idle after an answer was read to its end."""
        self.is_busy = False
        self._deadline = float("inf")

    def abort(self) -> None:
        """Drop the connection at once; one that is gone cannot be dropped in asyncio."""
        if self.is_open:
            self.is_open = False
            self._transport.abort()

    async def _wait(self, timeout: float | None, too_slow: type[httpx.TimeoutException]) -> None:
        """Wait until something changed; raises what went wrong with the connection."""
        if self._error is not None:
            raise self._error
        self._too_slow = too_slow
        self._wait_ends = min(self._deadline, float("inf") if timeout is None else now() + timeout)
        if self._wait_ends < self._alarm_at:
            self._set_alarm()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Let whoever waits now or next have *error*; the first one counts."""
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._wait_ends
        self._alarm = self._loop.call_later(max(0.0, self._alarm_at - now()), self._ring)

    def _ring(self) -> None:
        """End the wait if its time is over; uvloop's timers are up to 1 ms early."""
        self._alarm, self._alarm_at = None, float("inf")
        if self._waiter is None:
            return  # the next wait sets it again
        if now() >= self._wait_ends:
            self._fail(self._too_slow("the time is over"))
        else:
            self._set_alarm()

    # What follows is called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._poll.register(transport.get_extra_info("socket"), select.POLLIN)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Read, and wake whoever waits; an idle connection has nothing to say."""
        if not self.is_busy:
            self.abort()
            return
        reader = self.reader
        try:
            reader.feed(data)
        except httpx.RemoteProtocolError as error:
            self._fail(error)
            return
        if len(reader.chunks) > 1 and not reader.complete and not self._is_paused:
            self._slow_down()
        self._wake()

    def eof_received(self) -> None:
        """End the answer, if it ends like that; an idle connection is of no more use."""
        self._ended(None)
        if not self.is_busy:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer, and everything else."""
        self._ended(exc)
        self.is_open = False
        self.reader.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """Let the sender wait."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """Let the sender go on."""
        self._is_blocked = False
        self._wake()

    def _slow_down(self) -> None:
        if sum(map(len, self.reader.chunks)) > HIGH:
            self._is_paused = True
            self._transport.pause_reading()

    def _ended(self, cause: Exception | None) -> None:
        if self.is_busy and not self.reader.complete and self._error is None:
            try:
                if cause is not None:
                    raise httpx.ReadError(type(cause).__name__) from cause
                self.reader.end()
            except (httpx.ReadError, httpx.RemoteProtocolError) as error:
                self._error = error
        self.reader.reusable = False
        self._wake()

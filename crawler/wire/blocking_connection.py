"""One HTTP/1.1 connection that blocks: the twin of connection, method for method."""

import select
import socket
import ssl
from collections.abc import Iterable

import httpx

from crawler.system.clock import now
from crawler.wire.http1 import AnswerReader

__all__ = ["BlockingConnection"]

#: Bytes asked for at once.
PIECE = 65_536


class BlockingConnection:
    """A connection to *peer*; the twin of the loop's, method for method."""

    def __init__(self, stream: socket.socket, peer: str):
        self.peer = peer
        self.reader = AnswerReader()
        self.is_open = True
        self._stream = stream
        self._timeout = stream.gettimeout()
        self._deadline = float("inf")
        self._cut: httpx.WriteError | None = None  # why the request was not sent to its end
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow the last one."""
        reader = self.reader
        return self.is_open and reader.complete and reader.reusable and self._cut is None

    def start(self, data: bytes, method: str, deadline: float, timeout: float | None) -> None:
        """Send the first bytes of a request, and expect its answer by *deadline*."""
        self.reader.expect(method)
        self._deadline = deadline
        self._cut = None
        self.send(data, timeout)

    def send(self, data: bytes, timeout: float | None) -> None:
        """Send bytes of a request, waiting at most *timeout* seconds."""
        try:
            self._limit(timeout)
            self._stream.sendall(data)
        except TimeoutError:
            raise httpx.WriteTimeout("the time is over") from None
        except OSError as error:
            cause = ConnectionResetError() if isinstance(error, ssl.SSLEOFError) else error
            raise httpx.WriteError(type(cause).__name__) from cause

    def send_all(self, pieces: Iterable[bytes], timeout: float | None) -> None:
        """Send the rest of a request; where the peer takes no more, it may have answered."""
        try:
            for piece in pieces:
                self.send(piece, timeout)
        except httpx.WriteError as error:
            self._cut = error

    def head(self, timeout: float | None) -> None:
        """Wait until the head of the answer is in ``reader``."""
        while not self.reader.begun:
            self._receive(timeout)

    def chunks(self, timeout: float | None) -> list[bytes]:
        """Return the pieces of the body that have come, waiting for the next; none at its end."""
        reader = self.reader
        while not reader.chunks and not reader.complete:
            self._receive(timeout)
        return reader.take()

    @property
    def has_news(self) -> bool:
        """Whether an idle connection was closed by its peer, or has something to say: no use."""
        return bool(self._poll.poll(0))

    def abort(self) -> None:
        """Drop the connection at once."""
        self.is_open = False
        self.reader.close()
        self._stream.close()

    def _receive(self, timeout: float | None) -> None:
        try:
            self._limit(timeout)
            data = self._read()
        except TimeoutError:
            raise httpx.ReadTimeout("the time is over") from None
        except OSError as error:
            raise httpx.ReadError(type(error).__name__) from error
        if data:
            self.reader.feed(data)
        elif self._cut is not None and not self.reader.received:
            raise self._cut  # the system tells of a reset once
        else:
            self.reader.end()

    def _read(self) -> bytes:
        """Return what has come; nothing at the end, which many do not announce in TLS."""
        try:
            return self._stream.recv(PIECE)
        except ssl.SSLEOFError as error:
            if not error.reason:  # it was the system's: a reset, until Python 3.12.3
                raise ConnectionResetError from None
            return b""

    def _limit(self, timeout: float | None) -> None:
        """Let the next step take *timeout*, or what is left; to say so costs a system call."""
        left = self._deadline - now()
        if left <= 0:
            raise TimeoutError
        least = left if timeout is None else min(timeout, left)
        wanted = None if least == float("inf") else least
        if wanted != self._timeout:
            self._stream.settimeout(wanted)
            self._timeout = wanted

"""The least there is to ask the test server: one request at a time, blocking or awaited."""

import socket
from asyncio import StreamReader, StreamWriter
from importlib.util import find_spec

__all__ = ["HOST", "aask", "ask", "has_server", "request_for"]

HOST, PIECE = "127.0.0.1", 65_536
_END_OF_HEAD, _LENGTH = b"\r\n\r\n", b"content-length:"


def has_server() -> bool:
    """Tell whether this Python has what the test server is made with."""
    return find_spec("msgspec") is not None


def request_for(path: str) -> bytes:
    """Return the bytes that ask for a page and leave the connection open."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def ask(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of the answer; raises ConnectionError if it is cut."""
    connection.sendall(request)
    answer = b""
    while (body := _body(answer)) is None:
        answer += _some(connection.recv(PIECE))
    return body


async def aask(reader: StreamReader, writer: StreamWriter, request: bytes) -> bytes:
    """Do what `ask` does."""
    writer.write(request)
    answer = b""
    while (body := _body(answer)) is None:
        answer += _some(await reader.read(PIECE))
    return body


def _some(received: bytes) -> bytes:
    if not received:
        raise ConnectionError("the server has closed the connection")
    return received


def _body(answer: bytes) -> bytes | None:
    """Return the body, None if it is not whole yet; our server always tells its length."""
    head, found, body = answer.partition(_END_OF_HEAD)
    if not found:
        return None
    length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
    return body if len(body) >= length else None

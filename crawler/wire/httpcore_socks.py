"""SOCKS 5 without a network (RFC 1928, RFC 1929): what to tell a proxy, and what it answers."""

import contextlib
import socket
from collections.abc import Generator

from crawler.core.proxy import Proxy
from crawler.wire.visit import RefusedByProxyError

__all__ = ["introduction"]

_VERSION, _CONNECT, _DONE = 5, 1, 0
_NO_LOGIN, _LOGIN = 0, 2
_NAME, _IPV4, _IPV6 = 3, 1, 4
#: RFC 1928 section 6.
_REASONS = {
    2: "its rules do not allow it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the host refused the connection",
    6: "it took too many hops",
}


def introduction(proxy: Proxy, host: str, port: int) -> Generator[tuple[bytes, int], bytes, None]:
    """Yield what to send and the size of the answer, which is wanted in return, to the end.

    After that the connection leads to *host*.  Raises RefusedByProxyError.
    """
    method = _LOGIN if proxy.has_login else _NO_LOGIN
    version, chosen = yield bytes((_VERSION, 1, method)), 2
    if version != _VERSION:
        raise RefusedByProxyError("it does not speak SOCKS 5")
    if chosen != method:
        wants = "it does not take these credentials" if method else "it wants credentials"
        raise RefusedByProxyError(wants)
    if method == _LOGIN:
        _, failed = yield b"\1" + _short(proxy.user) + _short(proxy.password), 2
        if failed:
            raise RefusedByProxyError("it does not take these credentials")
    asked = bytes((_VERSION, _CONNECT, 0)) + _address(host) + port.to_bytes(2)
    version, reply = yield asked, 2
    if version != _VERSION:
        raise RefusedByProxyError("it does not speak SOCKS 5")
    if reply != _DONE:
        raise RefusedByProxyError(_REASONS.get(reply, f"its answer is {reply}"))
    _, kind, first = yield b"", 3
    sizes = {_IPV4: 4, _IPV6: 16, _NAME: 1 + first}
    if kind not in sizes:
        raise RefusedByProxyError("it does not speak SOCKS 5")
    yield b"", sizes[kind] - 1 + 2  # its own address and port, which nobody needs


def _address(host: str) -> bytes:
    for kind, family in ((_IPV4, socket.AF_INET), (_IPV6, socket.AF_INET6)):
        with contextlib.suppress(OSError):
            return bytes((kind,)) + socket.inet_pton(family, host)
    name = host.encode("ascii")
    if len(name) > 255:
        raise RefusedByProxyError("the name is too long for it")
    return bytes((_NAME,)) + _short(name)


def _short(text: bytes) -> bytes:
    return bytes((len(text),)) + text

"""Name what went wrong on the wire: an outcome, and an error made of our own words and numbers."""

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx

from crawler.core.errors import WorkerError
from crawler.core.pages import Outcome
from crawler.wire.visit import RefusedAddressError, RefusedByProxyError

__all__ = ["Limits", "failure_of"]

#: OpenSSL's X509_V_ERR numbers (x509_vfy.h) that say something to a person.
_CERTIFICATE = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate's issuer is not trusted",
    20: "the certificate's issuer is not trusted",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}
_TIMEOUTS = {
    httpx.ConnectTimeout: "no connection within {connect:g} s",
    httpx.ReadTimeout: "nothing received for {read:g} s",
    httpx.WriteTimeout: "nothing could be sent for {read:g} s",
}
#: In this order: the first that fits.
_BY_TYPE = {
    httpx.ConnectError: (Outcome.REFUSED, "the connection was refused"),
    httpx.NetworkError: (Outcome.RESET, "the connection was reset"),
    httpx.ProtocolError: (Outcome.PROTOCOL, "the answer is not valid HTTP, or ended early"),
    httpx.UnsupportedProtocol: (Outcome.PROTOCOL, "the protocol is not supported"),
    httpx.InvalidURL: (Outcome.BAD_URL, "not a valid URL"),
    UnicodeError: (Outcome.BAD_URL, "not a valid URL"),
}
_BY_CAUSE: dict[type[BaseException], tuple[Outcome, str]] = {
    socket.gaierror: (Outcome.DNS, "the name has no address"),
    ssl.SSLError: (Outcome.TLS, "TLS failed"),
    ConnectionResetError: (Outcome.RESET, "the connection was reset"),
}
#: This process may open no more, or the machine: no fault of the far side.
_OURS = frozenset({errno.EMFILE, errno.ENFILE})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


class Limits:
    """The timeouts of an attempt in seconds, for the words of an error."""

    def __init__(self, total: float, connect: float, read: float):
        self.total, self.connect, self.read = total, connect, read


def failure_of(
    error: Exception, limits: Limits, *, out_of_time: bool, received: bool
) -> tuple[Outcome, str] | None:
    """Return the outcome and the error text of an exception; None if it is not of the wire.

    Raises WorkerError when it was this process that could open no more sockets.

    *out_of_time* tells that the deadline has passed, *received* that an answer had begun.
    An httpx.ProxyError is what went wrong on the way to the proxy; what that is, is its cause.
    """
    if isinstance(error, httpx.ProxyError) and isinstance(error.__cause__, Exception):
        named = failure_of(error.__cause__, limits, out_of_time=out_of_time, received=received)
        return named and (named[0], f"at the proxy: {named[1]}")
    if isinstance(error, httpx.TimeoutException):
        return Outcome.TIMEOUT, _timeout(type(error), limits, out_of_time=out_of_time)
    chain = list(_chain(error))
    if any(isinstance(found, OSError) and found.errno in _OURS for found in chain):
        raise WorkerError("no more sockets may be opened: raise ulimit -n, or lower -c")
    cause = _cause(chain)
    if cause is None and isinstance(error, httpx.RemoteProtocolError) and not received:
        return Outcome.RESET, "the connection was closed without an answer"
    if cause is None:
        by_type = (named for kind, named in _BY_TYPE.items() if isinstance(error, kind))
        cause = next(by_type, None)
    return cause


def _cause(chain: list[BaseException]) -> tuple[Outcome, str] | None:
    """Return what something deeper in the chain than httpx's own error says."""
    for found in chain:
        if (named := _named(found)) is not None:
            return named
    return None


def _named(found: BaseException) -> tuple[Outcome, str] | None:
    if isinstance(found, RefusedAddressError):
        return Outcome.PRIVATE_ADDRESS, f"led to {found.address}, which is not public"
    if isinstance(found, RefusedByProxyError):
        return Outcome.REFUSED, f"refused by the proxy: {found.reason}"
    if isinstance(found, ssl.SSLCertVerificationError):
        return Outcome.TLS, _CERTIFICATE.get(found.verify_code, "the certificate is not trusted")
    if isinstance(found, OSError) and found.errno in _UNREACHABLE:
        return Outcome.REFUSED, "the host is unreachable"
    return next((named for kind, named in _BY_CAUSE.items() if isinstance(found, kind)), None)


def _timeout(kind: type[httpx.TimeoutException], limits: Limits, *, out_of_time: bool) -> str:
    if out_of_time:
        return f"not finished within {limits.total:g} s"
    return _TIMEOUTS[kind].format(connect=limits.connect, read=limits.read)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from, once each."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__

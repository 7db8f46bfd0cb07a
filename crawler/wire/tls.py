"""TLS contexts that all clients of a process share: verified, against what the system trusts."""

import ssl
import sys
import threading
from collections.abc import Iterable

import truststore

__all__ = ["load_context", "tls_context"]

_making = threading.Lock()
#: By whether HTTP/2 is offered: what a context offers cannot differ between its connections.
_made: dict[bool, ssl.SSLContext] = {}


def tls_context(*, http2: bool = False) -> ssl.SSLContext:
    """Return the process's own client context; making one costs 25 ms of CPU."""
    with _making:
        if http2 not in _made:
            _made[http2] = _new(["h2", "http/1.1"] if http2 else ["http/1.1"])
        return _made[http2]


def _new(protocols: list[str]) -> ssl.SSLContext:
    """Return a context that trusts what the system does, and offers *protocols*.

    Where OpenSSL knows the system's certificates it is asked itself: truststore reads them
    again for each connection there, which costs 25 ms of CPU a time.
    """
    context = ssl.create_default_context()
    if sys.platform in {"darwin", "win32"} or not context.cert_store_stats()["x509_ca"]:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(protocols)
    # httpcore sets them anew for each connection, while other threads may be reading them.
    context.set_alpn_protocols = _keep  # type: ignore[method-assign, assignment]
    return context


def _keep(_protocols: Iterable[str]) -> None:
    """Leave what a context offers as it is."""


def load_context(*, insecure: bool) -> ssl.SSLContext:
    """Return the context of a load test; *insecure* takes any certificate, of anybody."""
    if not insecure:
        return tls_context()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

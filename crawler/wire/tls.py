"""One TLS context for all clients of a process: verified, against what the system trusts."""

import ssl
import sys
import threading

import truststore

__all__ = ["tls_context"]

_making = threading.Lock()
_made: list[ssl.SSLContext] = []


def tls_context() -> ssl.SSLContext:
    """Return the process's own client context; making one costs 25 ms of CPU."""
    with _making:
        if not _made:
            _made.append(_new())
        return _made[0]


def _new() -> ssl.SSLContext:
    """Return a context that trusts what the system does.

    Where OpenSSL knows the system's certificates it is asked itself: truststore reads them
    again for each connection there, which costs 25 ms of CPU a time.
    """
    context = ssl.create_default_context()
    if sys.platform in {"darwin", "win32"} or not context.cert_store_stats()["x509_ca"]:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    return context

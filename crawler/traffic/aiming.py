"""Find out before a load test whether its targets may be asked, and whether somebody answers."""

import contextlib
import socket
import ssl
from collections.abc import Sequence

from crawler.core.errors import OptionsError, RefusedTargetError
from crawler.core.guard import may_be_loaded
from crawler.traffic.job import LoadOptions, Target
from crawler.traffic.plan import Aim
from crawler.wire.names import Names
from crawler.wire.tls import load_context

__all__ = ["aims_of"]

#: Seconds for a look-up and for a connection that is opened and closed again.
PATIENCE = 5.0
_WHY_NOT = {
    ConnectionRefusedError: "nothing listens there",
    TimeoutError: f"no answer within {PATIENCE:g} s",
}


def aims_of(
    targets: Sequence[Target], options: LoadOptions
) -> tuple[tuple[Aim, ...], tuple[int, ...]]:
    """Return the origins of *targets* with an address for each, and which is whose.

    Each name is looked up once; only addresses that may be asked are taken, and the first of
    them that takes a connection is the one.  Raises RefusedTargetError, and OptionsError where
    there is nobody.  Nothing is sent, save what TLS needs.
    """
    patience = min(options.timeout, PATIENCE)
    origins: dict[tuple[str, str, int], int] = {}
    of = tuple(
        origins.setdefault((target.scheme, target.host, target.port), len(origins))
        for target in targets
    )
    names = Names({})
    try:
        # All names before the first connection: no aim is touched when one is refused.
        found = {origin: _allowed(origin, options, names, patience) for origin in origins}
    finally:
        names.close()
    return tuple(_answering(origin, found[origin], options, patience) for origin in origins), of


def _allowed(
    origin: tuple[str, str, int], options: LoadOptions, names: Names, patience: float
) -> list[str]:
    _, host, port = origin
    try:
        addresses = names.resolve(host, port, patience)
    except (OSError, UnicodeError):
        raise OptionsError(f"{host}: the name has no address") from None
    by_name = frozenset(addresses if host in options.allow_targets else ())
    allowed = [address for address in addresses if may_be_loaded(by_name, address)]
    if not allowed:
        where = host if host in addresses else f"{host} ({addresses[0]})"
        raise RefusedTargetError(
            f"{where}: not on this machine nor in a private network, and a load test may do it "
            f"harm; if it is yours, add --allow-target {host}"
        )
    return allowed


def _answering(
    origin: tuple[str, str, int], addresses: list[str], options: LoadOptions, patience: float
) -> Aim:
    """Return the aim with the first of *addresses* that takes a connection."""
    scheme, host, port = origin
    trouble: OSError | None = None
    for address in addresses:
        try:
            with contextlib.closing(socket.create_connection((address, port), patience)) as plain:
                if scheme == "https":
                    context = load_context(insecure=options.insecure)
                    context.wrap_socket(plain, server_hostname=host).close()
        except OSError as error:
            trouble = trouble or error
        else:
            return Aim(scheme, host, port, address)
    raise OptionsError(f"{scheme}://{host}:{port}: {_why_not(trouble)}")


def _why_not(trouble: OSError | None) -> str:
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return "its certificate is not trusted; --insecure takes any"
    if isinstance(trouble, ssl.SSLError):
        return "no TLS there; write http:// for a server without"
    for kind, words in _WHY_NOT.items():
        if isinstance(trouble, kind):
            return words
    return "the host cannot be reached"

"""May this address be reached: a found link or a redirect must not lead into a private network."""

import functools
from dataclasses import dataclass
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

__all__ = ["Guard", "LoadGuard", "Reach", "is_home_name", "may_be_loaded"]

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

#: Addresses that carry an IPv4 address in their last 32 bits, which is what gets reached:
#: NAT64 (RFC 6052 section 2.1, RFC 8215), SIIT (RFC 2765) and the old IPv4-compatible form.
_CARRIERS = tuple(
    IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
#: Not for the public, though older Pythons think so: documentation (RFC 9637) and segment
#: routing (RFC 9602); and site-local, which was withdrawn but is still routed inside (RFC 3879).
_INSIDE = tuple(IPv6Network(text) for text in ("3fff::/20", "5f00::/16", "fec0::/10"))
#: Where clouds answer with credentials: AWS, Google, Azure, Alibaba; the rest is link-local.
_METADATA = frozenset(
    ip_address(text)
    for text in ("fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "100.100.100.200")
)


class Reach(Enum):
    """What kind of place an address is."""

    PUBLIC = "public"
    PRIVATE = "not public"
    NEVER = "link-local or a metadata service"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Says whether a visit may reach an address; a plain value that pickles.

    *treat_as_public* are networks, such as ``10.1.0.0/16``, that count as public.
    Raises ValueError for a text that is no network.
    """

    allow_private: bool = False
    treat_as_public: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _networks(self.treat_as_public)

    def reach(self, address: str) -> Reach:
        """Return what kind of place *address*, an IP address in text, is."""
        return _reach(address, self.treat_as_public)

    def may(self, *, typed: bool, referrer_home: bool | None, address: str) -> bool:
        """Say whether *address* may be connected to.

        A URL that the user typed may go anywhere.  Any other, a redirect or a found link, may
        go to a non-public address only if its referrer's peer was non-public too.
        """
        if typed:
            return True
        reach = self.reach(address)
        if reach is Reach.NEVER:
            return False
        return reach is Reach.PUBLIC or self.allow_private or referrer_home is True

    def is_home(self, address: str) -> bool:
        """Say whether *address* is one of our own: loopback or private."""
        return self.reach(address) is not Reach.PUBLIC


@dataclass(frozen=True, kw_only=True)
class LoadGuard(Guard):
    """The guard of a load test: who typed an address does not matter, only whose it is.

    *allowed* are addresses that may be asked though they are public.
    """

    allowed: frozenset[str] = frozenset()

    def may(self, *, typed: bool, referrer_home: bool | None, address: str) -> bool:  # noqa: ARG002 (as Guard's)
        """Say whether *address* may be connected to."""
        return may_be_loaded(self.allowed, address)


def is_home_name(host: str, guard: Guard) -> bool:
    """Say whether *host* is home by its name alone: a literal address of ours, or localhost."""
    if host == "localhost" or host.endswith(".localhost"):
        return guard.is_home("127.0.0.1")
    try:
        return guard.is_home(host)
    except ValueError:
        return False


@functools.lru_cache(4096)
def _reach(address: str, treat_as_public: tuple[str, ...]) -> Reach:
    """Do the work of ``Guard.reach``: it is asked at each use of a connection."""
    ip = _reached(ip_address(address.partition("%")[0]))
    if any(ip in network for network in _networks(treat_as_public)):
        return Reach.PUBLIC
    if ip.is_link_local or ip in _METADATA:
        return Reach.NEVER
    public = ip.is_global and not ip.is_multicast
    return Reach.PUBLIC if public and not any(ip in net for net in _INSIDE) else Reach.PRIVATE


@functools.cache
def _networks(texts: tuple[str, ...]) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


def _reached(ip: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 one stands for, if it stands for one."""
    if isinstance(ip, IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and any(ip in network for network in _CARRIERS) and int(ip) > 1:
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner or ip


def may_be_loaded(allowed: frozenset[str], address: str) -> bool:
    """Say whether a load test may ask *address*: one of our own, or one that was allowed.

    Link-local addresses and metadata services never.
    """
    reach = _reach(address, ())
    return reach is Reach.PRIVATE or (reach is Reach.PUBLIC and address in allowed)

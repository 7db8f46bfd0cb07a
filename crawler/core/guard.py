"""May this address be reached: a found link or a redirect must not lead into a private network."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["Guard", "Reach", "is_home_name"]

IPAddress = IPv4Address | IPv6Address

#: Addresses that carry an IPv4 address in their last 32 bits, which is what gets reached:
#: NAT64 (RFC 6052 section 2.1, RFC 8215) and the deprecated IPv4-compatible form.
_CARRIERS = tuple(IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
#: Where clouds answer with credentials: AWS, Azure, Alibaba; the rest is link-local anyway.
_METADATA = frozenset(
    ip_address(text) for text in ("fd00:ec2::254", "168.63.129.16", "100.100.100.200")
)


class Reach(Enum):
    """What kind of place an address is."""

    PUBLIC = "public"
    PRIVATE = "not public"
    NEVER = "link-local or a metadata service"


class Guard:
    """Says whether a visit may reach an address; a plain value that pickles.

    *treat_as_public* are networks, such as ``10.1.0.0/16``, that count as public.
    Raises ValueError for a text that is no network.
    """

    def __init__(self, *, allow_private: bool = False, treat_as_public: tuple[str, ...] = ()):
        self.allow_private = allow_private
        self.treat_as_public = tuple(ip_network(text) for text in treat_as_public)

    def reach(self, address: str) -> Reach:
        """Return what kind of place *address*, an IP address in text, is."""
        ip = _reached(ip_address(address.partition("%")[0]))
        if any(ip in network for network in self.treat_as_public):
            return Reach.PUBLIC
        if ip.is_link_local or ip in _METADATA:
            return Reach.NEVER
        return Reach.PUBLIC if ip.is_global and not ip.is_multicast else Reach.PRIVATE

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


def is_home_name(host: str, guard: Guard) -> bool:
    """Say whether *host* is home by its name alone: a literal address of ours, or localhost."""
    if host == "localhost" or host.endswith(".localhost"):
        return guard.is_home("127.0.0.1")
    try:
        return guard.is_home(host)
    except ValueError:
        return False


def _reached(ip: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 one stands for, if it stands for one."""
    if isinstance(ip, IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and any(ip in network for network in _CARRIERS) and int(ip) > 1:
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return inner or ip

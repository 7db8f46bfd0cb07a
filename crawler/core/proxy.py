"""The proxy that a crawl goes through: read from its URL, shown without what is secret."""

from urllib.parse import unquote_to_bytes

import ada_url
import msgspec

__all__ = ["PROXY_SCHEMES", "Proxy"]

#: With socks5 names are looked up here, with all others by the proxy; the number is the port.
PROXY_SCHEMES = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
#: RFC 1929 section 2: one byte tells the length of each.
_LONGEST_SOCKS = 255


class Proxy(msgspec.Struct, frozen=True):
    """Where a proxy listens, and how to log in there; ``str`` and ``repr`` keep that to us."""

    scheme: str
    host: str
    port: int
    user: bytes = b""
    password: bytes = b""

    @classmethod
    def of(cls, text: str) -> "Proxy":
        """Read a URL; raises ValueError, which says what is wanted and repeats nothing."""
        scheme, _, rest = text.partition("://")
        scheme = scheme.lower()
        if scheme not in PROXY_SCHEMES or not rest or not ada_url.check_url(f"http://{rest}"):
            wanted = ", ".join(f"{scheme}://" for scheme in PROXY_SCHEMES)
            raise ValueError(f"a URL that begins with one of {wanted} wanted")
        # Each of these two drops a port: the one that goes without saying.
        url, other = ada_url.URL(f"http://{rest}"), ada_url.URL(f"https://{rest}")
        user, password = unquote_to_bytes(url.username), unquote_to_bytes(url.password)
        if scheme.startswith("socks") and max(len(user), len(password)) > _LONGEST_SOCKS:
            raise ValueError(f"user and password of at most {_LONGEST_SOCKS} bytes wanted")
        port = int(url.port or other.port or PROXY_SCHEMES[scheme])
        return cls(scheme, url.hostname.strip("[]"), port, user, password)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS 5; if not, it speaks HTTP."""
        return self.scheme.startswith("socks")

    @property
    def has_login(self) -> bool:
        """Whether there is something to log in with."""
        return bool(self.user or self.password)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<Proxy {self}>"

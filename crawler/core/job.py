"""What was asked for: how to fetch, how much at once, where records go; plain values."""

import functools
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import msgspec

from crawler.core.errors import OptionsError
from crawler.core.guard import Guard
from crawler.core.pages import AnalyseLimits
from crawler.core.proxy import Proxy

__all__ = [
    "LOOPS",
    "MODES",
    "POOLS",
    "TRANSPORTS",
    "FetchRules",
    "Options",
    "Way",
    "in_flight",
    "validated",
]

MODES = ("serial", "threads", "async", "processes", "hybrid")  # in reading order
POOLS = ("processes", "threads")
LOOPS = ("uvloop", "asyncio")
TRANSPORTS = ("wire", "httpcore")


class Options(msgspec.Struct, kw_only=True, frozen=True):
    """Everything a crawl can be told; durations in seconds, sizes in bytes.

    ``workers`` None means one for each core this process may use.  ``output`` None means
    standard output, unless *on_record* takes the records.  ``resolve`` gives names fixed
    addresses, as curl's option of that name does.  ``trace`` names a file for a
    timeline.  ``treat_as_public`` names networks that are handled as public ones though they
    are not: polite limits towards them, and no way from them into private ones.  ``transport``
    None means the wire, or httpcore where there is a ``proxy`` or ``http2`` is allowed.  No
    proxy is taken from the environment: a crawl does the same wherever it is started.
    """

    mode: str = "hybrid"
    concurrency: int = 64
    workers: int | None = None
    pool: str = "processes"
    loop: str = "uvloop"
    output: str | None = None
    failed: str | None = None
    trace: str | None = None
    timeout: float = 30.0
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    analyse_timeout: float = 30.0
    retries: int = 2
    max_redirects: int = 10
    max_bytes: int = 10_000_000
    max_ratio: float = 200.0
    max_links: int = 10_000
    simhash: bool = False
    user_agent: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    allow_private: bool = False
    transport: str | None = None
    proxy: str | None = None
    http2: bool = False
    resolve: dict[str, str] = {}
    treat_as_public: tuple[str, ...] = ()


class Way(msgspec.Struct, kw_only=True, frozen=True):
    """The way to the network: a transport, a proxy, and whether HTTP/2 may be used."""

    transport: str = "wire"
    proxy: Proxy | None = None
    http2: bool = False

    @classmethod
    def of(cls, options: Options) -> "Way":
        """Return the way in *options*: the wire, unless it does not go there.

        Raises OptionsError for what is no proxy, and for a transport that has none.
        """
        elsewhere = options.proxy is not None or options.http2
        if options.transport == "wire" and elsewhere:
            what = "--http2" if options.http2 else "--proxy"
            raise OptionsError(f"--transport wire: does not go with {what}; leave it out")
        transport = options.transport or ("httpcore" if elsewhere else "wire")
        try:
            proxy = None if options.proxy is None else Proxy.of(options.proxy)
        except ValueError as error:
            raise OptionsError(f"--proxy: {error}") from None
        return cls(transport=transport, proxy=proxy, http2=options.http2)


@dataclass(frozen=True)
class FetchRules:
    """How to ask: headers, timeouts in seconds, limits; a plain value that pickles."""

    guard: Guard
    headers: tuple[tuple[str, str], ...]
    timeout: float
    connect_timeout: float
    read_timeout: float
    max_redirects: int
    limits: AnalyseLimits
    way: Way
    traced: bool = False

    @functools.cached_property
    def timeouts(self) -> dict[str, float | None]:
        """The timeouts as httpx's transports read them; there are always connections enough."""
        read = self.read_timeout
        return {"connect": self.connect_timeout, "read": read, "write": read, "pool": None}

    @classmethod
    def of(cls, options: Options, user_agent: str) -> "FetchRules":
        """Return the rules in *options*; raises OptionsError for a network that is none."""
        try:
            guard = Guard(
                allow_private=options.allow_private, treat_as_public=options.treat_as_public
            )
        except ValueError as error:
            raise OptionsError(f"treat_as_public: {error}") from None
        headers = {
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
            "Accept-Encoding": "gzip, deflate, br, zstd",
            "User-Agent": options.user_agent or user_agent,
        }
        given = {name.lower() for name, _ in options.headers}
        kept = [(name, value) for name, value in headers.items() if name.lower() not in given]
        return cls(
            guard=guard,
            headers=(*kept, *options.headers),
            timeout=options.timeout,
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            max_redirects=options.max_redirects,
            limits=AnalyseLimits(
                max_bytes=options.max_bytes,
                max_ratio=options.max_ratio,
                max_links=options.max_links,
                simhash=options.simhash,
            ),
            way=Way.of(options),
            traced=options.trace is not None,
        )


_CHOICES = {"mode": MODES, "pool": POOLS, "loop": LOOPS, "transport": TRANSPORTS}
_LEAST = {
    "concurrency": 1,
    "workers": 1,
    "retries": 0,
    "max_redirects": 0,
    "max_links": 0,
    "max_bytes": 1,
    "max_ratio": 1,
}
#: RFC 9110 section 5.6.2, token.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Visible ASCII, spaces and tabs: more than that is not portable (RFC 9110 section 5.5).
_HEADER_VALUE = re.compile(r"[\t -~]*")
_DURATIONS = ("timeout", "connect_timeout", "read_timeout", "analyse_timeout")


#: More than these is a slip of the finger: a day's timeout, more threads than a machine has.
_MOST = {
    "concurrency": 10_000,
    "workers": 256,
    "retries": 100,
    "max_redirects": 100,
    "max_links": 10_000_000,
    "max_bytes": 2**40,
    "max_ratio": 1_000_000,
}
_MOST_SECONDS = 1_000_000
_OWN_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


def validated(options: Options) -> Options:
    """Return *options*, or raise OptionsError naming the first that makes no sense."""
    values = {name: getattr(options, name) for name in options.__struct_fields__}
    for name, known in _CHOICES.items():
        if values[name] not in known and not (name == "transport" and values[name] is None):
            raise OptionsError(f"--{name} {values[name]!r}: choose from {', '.join(known)}")
    _check_numbers(values)
    _check_headers(options)
    _check_addresses(options.resolve)
    Way.of(options)
    return options


def _check_numbers(values: dict[str, Any]) -> None:
    for name, least in _LEAST.items():
        if values[name] is not None and not values[name] >= least:
            raise OptionsError(f"{_flag(name)} {values[name]}: must be at least {least}")
        if values[name] is not None and values[name] > _MOST[name]:
            raise OptionsError(f"{_flag(name)} {values[name]}: must be at most {_MOST[name]}")
    for name in _DURATIONS:
        if not 0 < values[name] <= _MOST_SECONDS:
            wanted = f"more than 0 and at most {_MOST_SECONDS} s"
            raise OptionsError(f"{_flag(name)} {values[name]}: must be {wanted}")


def _check_headers(options: Options) -> None:
    for name, value in options.headers:
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise OptionsError(f"--header {name!r}: a name and a value in ASCII on one line wanted")
        if name.lower() in _OWN_HEADERS:
            raise OptionsError(f"--header {name!r}: is set by the crawl itself")
    if not _HEADER_VALUE.fullmatch(options.user_agent or ""):
        raise OptionsError("--user-agent: ASCII on one line wanted")


def _check_addresses(resolve: dict[str, str]) -> None:
    for name, address in resolve.items():
        try:
            ip_address(address)
        except ValueError:
            raise OptionsError(f"resolve: {address!r} for {name!r} is no address") from None


def in_flight(options: Options, workers: int) -> int:
    """Return how many pages the mode of *options* has in flight at most."""
    return {"serial": 1, "processes": workers}.get(options.mode, options.concurrency)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")

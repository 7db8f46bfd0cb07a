"""Whom a load test asks: read targets, make the bytes of each request, choose who comes next."""

import functools
import math
import random
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat

from crawler.core.errors import OptionsError, SourceError
from crawler.core.urls import origin_of, public_form, target_of
from crawler.traffic.job import LoadOptions, Target

__all__ = ["choices", "method_of", "parse_line", "request_bytes", "targets_of"]

Read = Callable[[str], bytes]

_PORTS = {"http": 80, "https": 443}
#: RFC 9110 section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WORD = re.compile(r"[ \t]*([^ \t]*)[ \t]*(.*)", re.DOTALL)
_WEIGHT = re.compile(r"[1-9][0-9]{0,5}")
#: Weights are written out in a table of 4 bytes each, in every process: 16 MB.
_MOST_WEIGHT = 4_000_000
#: RFC 9110 section 8.6: these say a length even when they have no body.
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_REFUSED_HEADERS = {
    "connection": "the load test sets it; for a connection each write --disable-keepalive",
    "content-length": "the load test sets it, from the body",
    "transfer-encoding": "a body goes in one piece, with its length; leave it out",
    "expect": "no body waits for an interim answer; leave it out",
}
#: Draws at once: enough that what a block costs by itself does not count.
_BLOCK = 1024


def targets_of(words: Sequence[str], read: Read) -> tuple[Target, ...]:
    """Return all targets, in order; a word is a URL, or names a file with one in each line.

    *read* gives the bytes of a file, ``-`` being standard input, and raises OSError.  Raises
    SourceError naming word, or file and line, and OptionsError for weights that are too large.
    """
    read = functools.cache(read)  # one body for many targets is kept once
    targets: list[Target] = []
    for word in words:
        if "://" in word:
            try:
                targets.append(_target(word))
            except ValueError as error:
                raise SourceError(str(error)) from None
        else:
            targets.extend(_listed(word, read))
    if not targets:
        raise SourceError("no URL in any source")
    weights = [target.weight for target in targets]
    if sum(weights) // math.gcd(*weights) > _MOST_WEIGHT:
        raise OptionsError(f"weight=: in all at most {_MOST_WEIGHT}; write smaller ones")
    return tuple(targets)


def _listed(name: str, read: Read) -> Iterator[Target]:
    """Yield the targets in the file *name*; raises SourceError."""
    shown = "standard input" if name == "-" else public_form(name)
    try:
        text = read(name)
    except FileNotFoundError:
        raise SourceError(f"{shown}: no such file; for a URL write http://{shown}") from None
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror or 'unreadable'}") from None
    for number, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            target = parse_line(line.decode(), read)
        except UnicodeDecodeError:
            raise SourceError(f"{shown} line {number}: not UTF-8") from None
        except ValueError as error:
            raise SourceError(f"{shown} line {number}: {error}") from None
        if target is not None:
            yield target


def parse_line(text: str, read: Read) -> Target | None:
    """Return the target in one line, None for a blank one or a comment.

    ``URL`` or ``METHOD URL``, and behind it ``weight=3``, ``body=TEXT`` until the end of the
    line, or ``body=@FILE``, which *read* gives.  Raises ValueError saying what to write.
    """
    line = text.rstrip("\r\n")
    word, rest = _first_word(line)
    if not word or word.startswith("#"):
        return None
    if "\r" in line:
        raise ValueError("a carriage return within the line: lines end in LF or CR LF")
    method = None
    if "://" not in word:
        method, (word, rest) = word, _first_word(rest)
    if "://" not in word:
        raise ValueError("no URL: write http://... or METHOD http://...")
    if method is not None and not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no method: write GET, POST or the like before the URL")
    weight, body = 1, None
    while rest:
        if rest.startswith("body="):
            body = _body(rest.removeprefix("body="), read)
            break
        option, rest = _first_word(rest)
        weight = _weight(option)
    return _target(word, method=method, weight=weight, body=body)


def _first_word(text: str) -> tuple[str, str]:
    match = _WORD.fullmatch(text)
    assert match is not None  # it fits any text
    return match[1], match[2]


def _weight(option: str) -> int:
    name, _, value = option.partition("=")
    if name != "weight":
        raise ValueError(f"{option!r}: behind the URL write weight=3, body=TEXT or body=@FILE")
    if not _WEIGHT.fullmatch(value):
        raise ValueError(f"{option!r}: a whole number from 1 to 999999 wanted")
    return int(value)


def _body(text: str, read: Read) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    name = text[1:].strip(" \t")
    if not name:
        raise ValueError("body=@: write the name of a file behind the @")
    try:
        return read(name)
    except OSError as error:
        raise ValueError(f"body=@{public_form(name)}: {error.strerror or 'unreadable'}") from None


def _target(
    url: str, *, method: str | None = None, weight: int = 1, body: bytes | None = None
) -> Target:
    """Return the target that *url* leads to; raises ValueError saying what is wrong with it."""
    named = target_of(url)
    if named.problem is not None:
        raise ValueError(f"{named.url}: {named.problem}")
    address = named.address
    scheme, _, rest = address.partition("://")
    authority = rest.partition("/")[0]
    if "@" in authority:
        raise ValueError(
            f"{named.url}: credentials in a URL end in reports; write -H 'Authorization: ...'"
        )
    port = authority.rpartition("]")[2].rpartition(":")[2] if ":" in authority else ""
    return Target(
        address=address,
        scheme="https" if scheme == "https" else "http",  # a constant takes no memory
        host=named.host,
        port=int(port) if port else _PORTS[scheme],
        method=method,
        weight=weight,
        body=body,
    )


def method_of(target: Target, options: LoadOptions) -> str:
    """Return the method that *target* is asked with: its own, that of the options, or the usual."""
    bodies = (target.body, options.body)
    return target.method or options.method or ("GET" if bodies == (None, None) else "POST")


def request_bytes(target: Target, options: LoadOptions, user_agent: str) -> bytes:
    """Return the whole request, head and body, as it is sent each time.

    A header of the options replaces the default one of its name.  Raises OptionsError for a
    method or header that cannot be sent, or that is not the user's to set.
    """
    body = options.body if target.body is None else target.body
    method = method_of(target, options)
    if not _TOKEN.fullmatch(method):
        raise OptionsError(f"-m {method!r}: no method; write GET, POST or the like")
    authority = origin_of(target.address).partition("://")[2]
    defaults = (("Host", authority), ("User-Agent", user_agent), ("Accept", "*/*"))
    given = {name.lower() for name, _ in options.headers}
    headers = [header for header in defaults if header[0].lower() not in given]
    for name, value in options.headers:
        _check_header(name, value)
        # RFC 9110 section 7.2: Host should be the first.
        headers.insert(0 if name.lower() == "host" else len(headers), (name, value))
    if body is not None or method in _WITH_LENGTH:
        headers.append(("Content-Length", str(len(body or b""))))
    if not options.keepalive:
        headers.append(("Connection", "close"))
    path = "/" + target.address.split("/", 3)[3]
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body or b"")


def _check_header(name: str, value: str) -> None:
    """Raise OptionsError for a header that cannot be sent, or is not the user's to set."""
    if not _TOKEN.fullmatch(name):
        raise OptionsError(f"-H {name!r}: no name of a header; write 'Name: value'")
    if name.lower() in _REFUSED_HEADERS:
        raise OptionsError(f"-H {name!r}: {_REFUSED_HEADERS[name.lower()]}")
    if not set("\r\n\0").isdisjoint(value):
        raise OptionsError(f"-H {name!r}: a line break or NUL in it; write one line")
    if max(value, default="") > "\xff":
        raise OptionsError(f"-H {name!r}: only Latin-1 can be sent; write the rest encoded")


def choices(targets: Sequence[Target], seed: int, place: int, of: int) -> Iterator[int]:
    """Return, without end, the index of whom each request of process *place* of *of* asks.

    Equal weights: in turn, over all processes together.  Otherwise each is drawn, by its weight.
    """
    weights = [target.weight for target in targets]
    if len(set(weights)) == 1:
        return _in_turn(len(weights), place, of)
    unit = math.gcd(*weights)
    times = [weight // unit for weight in weights]
    return _drawn(times, random.Random(f"{seed} {place}"))


def _in_turn(count: int, place: int, of: int) -> Iterator[int]:
    step, index = of % count, place % count
    while True:
        yield index
        index = (index + step) % count


def _drawn(times: list[int], chance: random.Random) -> Iterator[int]:
    """Draw indices, each as often as *times* says: half the cost of `random.choices`."""
    table = array("I", chain.from_iterable(map(repeat, range(len(times)), times)))
    size = len(table)
    return chain.from_iterable(
        [table[number % size] for number in memoryview(chance.randbytes(8 * _BLOCK)).cast("Q")]
        for _ in repeat(None)
    )

"""Follow this redirect, or say why not; and which headers may go along."""

import msgspec

from crawler.core.pages import Hop, Outcome
from crawler.core.urls import origin_of, redirected

__all__ = ["Follow", "Refuse", "headers_for", "next_step", "retry_after_of"]

#: RFC 9110 section 15.4: 300 and 304 are answers, 305 and 306 are out of use.
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Never sent to another origin than the one they were given for (RFC 9110 section 15.4).
_SENSITIVE = frozenset({"authorization", "cookie", "host", "proxy-authorization"})


class Follow(msgspec.Struct, frozen=True):
    """Ask *address* next."""

    address: str


class Refuse(msgspec.Struct, frozen=True):
    """The visit ends here."""

    outcome: Outcome
    error: str


def next_step(
    address: str, status: int, location: str | None, hops: list[Hop], max_redirects: int
) -> Follow | Refuse | None:
    """Say what an answer of *address* asks for; None: it is an answer to keep."""
    if status not in _REDIRECTS or location is None:
        return None
    if len(hops) >= max_redirects:
        return Refuse(Outcome.TOO_MANY_REDIRECTS, f"more than {max_redirects} redirects")
    following = redirected(address, location)
    if following is None:
        return Refuse(Outcome.BAD_URL, "redirected to something that is no http or https URL")
    return Follow(following)


def headers_for(
    headers: tuple[tuple[str, str], ...], first: str, address: str
) -> tuple[tuple[str, str], ...]:
    """Return the *headers* that may go to *address* in a visit that began at *first*."""
    if first == address or origin_of(first) == origin_of(address):
        return headers
    return tuple(pair for pair in headers if pair[0].lower() not in _SENSITIVE)


def retry_after_of(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 section 10.2.3).

    The date form is not read: it needs a clock that agrees with the server's.
    """
    text = (value or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

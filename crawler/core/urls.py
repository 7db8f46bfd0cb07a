"""Read addresses as browsers do, and say what is wrong with one that cannot be asked for."""

import re

import ada_url

from crawler.core.pages import Target

__all__ = ["MAX_URL_LENGTH", "host_of", "origin_of", "public_form", "redirected", "target_of"]

#: Longer ones are refused by common servers and browsers; RFC 9110 section 4.1 asks for 8 000.
MAX_URL_LENGTH = 16_000

_CREDENTIALS = re.compile(r"^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[/\\]*)[^/?#\\]*@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def target_of(text: str) -> Target:
    """Return the target that one input names; its ``problem`` is set if it cannot be asked for."""
    url = public_form(text[:MAX_URL_LENGTH])
    problem = _problem(text)
    if problem is None:
        address = ada_url.normalize_url(text).partition("#")[0]
        return Target(url=url, address=address, host=host_of(address))
    return Target(url=url, address="", host="", problem=problem)


def _problem(text: str) -> str | None:
    if len(text) > MAX_URL_LENGTH:
        return f"longer than {MAX_URL_LENGTH} characters"
    scheme, colon, _ = text.partition(":")
    if not colon or "://" not in text:
        return "no scheme: write https://..."
    if scheme.lower() not in {"http", "https"}:
        return "only http and https are fetched"
    if not ada_url.check_url(text):
        return "not a valid URL"
    return None


def redirected(base: str, location: str) -> str | None:
    """Return where *location*, found at *base*, leads; None if that is no http(s) address."""
    try:
        address = ada_url.join_url(base, location).partition("#")[0]
    except ValueError:
        return None
    fits = len(address) <= MAX_URL_LENGTH and address.startswith(("http://", "https://"))
    return address if fits else None


def host_of(address: str) -> str:
    """Return the host of a normalised http(s) address, IPv6 without its brackets."""
    authority = address.split("/", 3)[2].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1 : authority.index("]")]
    return authority.partition(":")[0]


def origin_of(address: str) -> str:
    """Return scheme, host and port of a normalised http(s) address."""
    scheme, _, rest = address.partition("://")
    return scheme + "://" + rest.partition("/")[0].rpartition("@")[2]


def public_form(text: str) -> str:
    """Return *text* fit for records and logs: no credentials, control characters or surrogates."""
    if text.isascii() and text.isprintable() and "@" not in text and text[:1] != " ":
        return text  # nearly all of them; what follows costs ten times as much
    clean = _CREDENTIALS.sub(r"\1", _CONTROL.sub("", text).lstrip())
    return clean.encode(errors="replace").decode()

"""What a page may be given to think about: little, or much with the GIL held, or much without."""

import hashlib
from collections.abc import Callable
from html.parser import HTMLParser

from crawler import Analysed, Fetched, analyse

__all__ = ["WORKS", "Work", "c_heavy", "lexbor", "python_heavy", "python_light"]

Work = Callable[[Fetched], Analysed]

#: How often the body is read by the standard library's parser, which holds the GIL.  Once over
#: 30 kB took some 2 ms of CPU and four times 7 ms, measured on the 2 cores this was written on.
LIGHT, HEAVY = 1, 4
#: Rounds of PBKDF2, during which the GIL is free; so many took as long as HEAVY there.
ROUNDS = 20_000


#: The crawl's own: it parses and hashes in C.
lexbor = analyse


def python_light(fetched: Fetched) -> Analysed:
    """Also read the page once in Python."""
    return _proven(analyse(fetched), _read(fetched.body or b"", LIGHT))


def python_heavy(fetched: Fetched) -> Analysed:
    """Also read the page several times in Python."""
    return _proven(analyse(fetched), _read(fetched.body or b"", HEAVY))


def c_heavy(fetched: Fetched) -> Analysed:
    """Also derive a key from the page, in C that lets go of the GIL."""
    key = hashlib.pbkdf2_hmac("sha256", fetched.body or b"", b"crawl", ROUNDS)
    return _proven(analyse(fetched), key)


#: In the order of what they cost; all on the body as it was sent, the same in every mode.
WORKS: dict[str, Work] = {
    "lexbor": lexbor,
    "python_light": python_light,
    "python_heavy": python_heavy,
    "c_heavy": c_heavy,
}


class _Counting(HTMLParser):
    """Counts the elements and the characters of text on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self.characters = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's own names
        self.elements += 1

    def handle_data(self, data: str) -> None:
        self.characters += len(data)


def _read(body: bytes, times: int) -> bytes:
    markup, found = body.decode("utf-8", "replace"), []
    for _ in range(times):
        parser = _Counting()
        parser.feed(markup)
        parser.close()
        found.append((parser.elements, parser.characters))
    return repr(found).encode()


def _proven(analysed: Analysed, result: bytes) -> Analysed:
    """Hash the result into the page's digest: equal digests then prove that the work was done."""
    if analysed.sha256 is not None:
        analysed.sha256 = hashlib.sha256(analysed.sha256.encode() + result).hexdigest()
    return analysed

"""Read what a crawl has written, whoever crawled: how many pages, and whether they are the same."""

import hashlib
from collections import Counter
from pathlib import Path

import msgspec

__all__ = ["Findings", "Found", "findings"]


class Found(msgspec.Struct, kw_only=True, frozen=True):
    """What every crawl must find on a page, under the names that all of them use."""

    url: str
    status: int
    sha256: str
    title: str
    links: list[str]
    bytes: int
    text_sha256: str


class Findings(msgspec.Struct, kw_only=True, frozen=True):
    """What stands in an output: its records, and how many different ones.

    ``digest`` is over the different ones in order; ``fewest`` and ``most`` say how often one
    of them stands there.
    """

    records: int
    different: int
    fewest: int
    most: int
    digest: str


def findings(path: Path) -> Findings:
    """Return what stands in a file of JSON lines; raises msgspec.ValidationError for others."""
    decode = msgspec.json.Decoder(Found).decode
    encode = msgspec.json.Encoder().encode
    seen: Counter[bytes] = Counter()
    with path.open("rb") as lines:
        for line in lines:
            seen[hashlib.sha256(encode(decode(line))).digest()] += 1
    counts = seen.values()
    return Findings(
        records=sum(counts),
        different=len(seen),
        fewest=min(counts, default=0),
        most=max(counts, default=0),
        digest=hashlib.sha256(b"".join(sorted(seen))).hexdigest(),
    )

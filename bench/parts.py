"""Measure one step of ours alone in a fresh interpreter: to analyse pages, or to write records."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import msgspec

from crawler import (
    Fetched,
    FetchRules,
    Options,
    Record,
    WireTransport,
    afetch,
    analyse,
    crawl,
    target_of,
)

__all__ = ["PARTS", "analysing", "writing"]

BLOCK = 64  # records written at once


def analysing(source: Path, pages: int) -> float:
    """Return the CPU seconds that `analyse` needs for a page, over so many of the list."""
    fetched = asyncio.run(_fetched(source.read_text(encoding="ascii").split()))
    for page in fetched:  # once, so that all is imported and warm
        analyse(page)
    began = time.process_time()
    for page in islice(cycle(fetched), pages):
        analyse(page)
    return (time.process_time() - began) / pages


def writing(source: Path, pages: int) -> float:
    """Return the CPU seconds that it takes to make a record's line and to write it to a file."""
    records: list[Record] = []
    crawl(str(source), Options(mode="serial"), on_record=records.append)
    encode = msgspec.json.Encoder().encode
    with tempfile.TemporaryFile(buffering=0) as output:
        began = time.process_time()
        endless = cycle(records)
        for _ in range(0, pages, BLOCK):
            output.write(b"".join(encode(record) + b"\n" for record in islice(endless, BLOCK)))
        return (time.process_time() - began) / (BLOCK * len(range(0, pages, BLOCK)))


async def _fetched(urls: Sequence[str]) -> list[Fetched]:
    transport, rules = WireTransport(), FetchRules.of(Options(), "bench")
    try:
        return [await afetch(transport, target_of(url), rules) for url in urls]
    finally:
        await transport.aclose()


PARTS = {"analyse": analysing, "write": writing}


def main() -> None:
    """Measure the part that is named, with the list and over as many pages as given."""
    name, source, pages = sys.argv[1:]
    print(PARTS[name](Path(source), int(pages)))


if __name__ == "__main__":
    main()

"""A finished visit on its way into the output: its lines, and what the books count of it."""

from collections.abc import Callable

import msgspec

from crawler.core.pages import NOT_FAILURES, Analysed, Fetched, Outcome, Target, Timing
from crawler.core.record import Record, json_line, record_of
from crawler.core.spans import Span
from crawler.core.urls import MAX_URL_LENGTH

__all__ = ["Entry", "Form", "failed_line"]


class Entry(msgspec.Struct, kw_only=True):
    """What is left of a record when its *line* is made, wherever that was; it pickles.

    ``failure`` is the line for the file of failures, ``record`` the record itself if somebody
    wants it.  The CPU seconds are what analysing cost, and making this entry.  ``spans`` are
    for a timeline, None if there is none.
    """

    outcome: Outcome
    line: bytes = b""
    failure: bytes = b""
    bytes: int | None = None
    wire_bytes: int | None = None
    ms: Timing | None = None
    analyse_cpu_s: float = 0.0
    write_cpu_s: float = 0.0
    record: Record | None = None
    spans: list[Span] | None = None


class Form(msgspec.Struct, kw_only=True, frozen=True):
    """What an entry shall hold; a plain value that pickles.

    *line* turns a record into a line, its end included; None where nothing is written.  With
    *failures* a failure has a line of its own, with *records* the record stays in the entry.
    """

    line: Callable[[Record], bytes] | None = json_line
    failures: bool = False
    records: bool = False

    def entry(self, target: Target, fetched: Fetched, analysed: Analysed | None) -> Entry:
        """Return the entry of a finished visit; *analysed* is None when there was no body."""
        entry = self.entry_of(record_of(target, fetched, analysed))
        entry.wire_bytes = fetched.wire_bytes
        entry.ms = fetched.timing
        if analysed is not None:
            entry.bytes = analysed.bytes
            entry.analyse_cpu_s = analysed.cpu_s
        return entry

    def entry_of(self, record: Record) -> Entry:
        """Return an entry with the lines of *record*."""
        failed = self.failures and record.outcome not in NOT_FAILURES
        return Entry(
            outcome=record.outcome,
            line=b"" if self.line is None else self.line(record),
            failure=failed_line(record) if failed else b"",
            record=record if self.records else None,
        )


def failed_line(record: Record) -> bytes:
    """Return ``URL<TAB>outcome detail``: a line that a later crawl can be fed with."""
    detail = "" if not isinstance(record.error, str) else f" {record.error}"
    if isinstance(record.status, int) and not detail:
        detail = f" {record.status}"
    # Cut off, it would be another URL: then it is a comment.
    mark = "#" if len(record.url) >= MAX_URL_LENGTH else ""
    url = record.url.replace(" ", "%20")
    return f"{mark}{url}\t{record.outcome}{detail}\n".encode()

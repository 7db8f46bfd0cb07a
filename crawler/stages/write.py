"""Keep records: as lines in the output, failures in a file of their own, or by a callback."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.core.pages import NOT_FAILURES
from crawler.core.record import Record
from crawler.core.urls import MAX_URL_LENGTH
from crawler.stores.jsonl import LineFile
from crawler.system.clock import cpu_of_thread

__all__ = ["Outputs", "failed_line"]


@dataclass
class Outputs:
    """Where records go; *line* turns one into a line, its end included.

    ``cpu_s`` adds up the CPU seconds of making lines, which is nearly all that writing costs.
    """

    line: Callable[[Record], bytes]
    records: LineFile | None
    failed: LineFile | None = None
    on_record: Callable[[Record], object] | None = None
    cpu_s: float = 0.0

    def write(self, records: Sequence[Record]) -> None:
        """Keep a block of records; raises OutputError."""
        if self.records is not None:
            self.records.write(self._lines(records))
        if self.failed is not None and (failures := _failures(records)):
            self.failed.write(failures)
        self._tell(records)

    async def awrite(self, records: Sequence[Record]) -> None:
        """Do the same, awaiting."""
        if self.records is not None:
            await self.records.awrite(self._lines(records))
        if self.failed is not None and (failures := _failures(records)):
            await self.failed.awrite(failures)
        self._tell(records)

    def _lines(self, records: Sequence[Record]) -> bytes:
        began = cpu_of_thread()
        lines = b"".join(map(self.line, records))
        self.cpu_s += cpu_of_thread() - began
        return lines

    def _tell(self, records: Sequence[Record]) -> None:
        if self.on_record is not None:
            for record in records:
                self.on_record(record)


def failed_line(record: Record) -> bytes:
    """Return ``URL<TAB>outcome detail``: a line that a later crawl can be fed with."""
    detail = "" if not isinstance(record.error, str) else f" {record.error}"
    if isinstance(record.status, int) and not detail:
        detail = f" {record.status}"
    # Cut off, it would be another URL: then it is a comment.
    mark = "#" if len(record.url) >= MAX_URL_LENGTH else ""
    url = record.url.replace(" ", "%20")
    return f"{mark}{url}\t{record.outcome}{detail}\n".encode()


def _failures(records: Sequence[Record]) -> bytes:
    failed = (record for record in records if record.outcome not in NOT_FAILURES)
    return b"".join(map(failed_line, failed))

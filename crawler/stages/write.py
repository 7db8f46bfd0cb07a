"""Keep entries: their lines in the output, failures in a file of their own, or by a callback."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.core.entry import Entry, Form
from crawler.core.pages import Analysed, Fetched, Target
from crawler.core.record import Record
from crawler.stores.jsonl import LineFile
from crawler.system.clock import cpu_of_thread

__all__ = ["Outputs", "written"]


def written(form: Form, target: Target, fetched: Fetched, analysed: Analysed | None) -> Entry:
    """Return the entry of a finished visit, with the CPU seconds that its lines took."""
    began = cpu_of_thread()
    entry = form.entry(target, fetched, analysed)
    entry.write_cpu_s = cpu_of_thread() - began
    return entry


@dataclass
class Outputs:
    """Where entries go; a callback is given their records, which must be in them."""

    records: LineFile | None
    failed: LineFile | None = None
    on_record: Callable[[Record], object] | None = None

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep a block of entries; raises OutputError."""
        if self.records is not None:
            self.records.write(b"".join([entry.line for entry in entries]))
        if self.failed is not None and (failures := _failures(entries)):
            self.failed.write(failures)
        self._tell(entries)

    async def awrite(self, entries: Sequence[Entry]) -> None:
        """Do the same, awaiting."""
        if self.records is not None:
            await self.records.awrite(b"".join([entry.line for entry in entries]))
        if self.failed is not None and (failures := _failures(entries)):
            await self.failed.awrite(failures)
        self._tell(entries)

    def _tell(self, entries: Sequence[Entry]) -> None:
        if self.on_record is not None:
            for entry in entries:
                if entry.record is not None:
                    self.on_record(entry.record)


def _failures(entries: Sequence[Entry]) -> bytes:
    return b"".join([entry.failure for entry in entries])

"""Keep entries: their lines in the output, failures in a file of their own, or by a callback."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.core.entry import Entry, Form
from crawler.core.pages import Analysed, Fetched, Target
from crawler.core.record import Record
from crawler.stores.jsonl import LineFile
from crawler.system.clock import cpu_of_thread, now
from crawler.system.lanes import here

__all__ = ["Outputs", "in_batch", "written"]


def written(form: Form, target: Target, fetched: Fetched, analysed: Analysed | None) -> Entry:
    """Return the entry of a finished visit, with the CPU seconds that its lines took."""
    moment, began = now(), cpu_of_thread()
    entry = form.entry(target, fetched, analysed)
    entry.write_cpu_s = cpu_of_thread() - began
    if fetched.spans is not None:
        fetched.spans.append((here(), "line", moment, now()))
        entry.spans = fetched.spans
    return entry


def in_batch(entries: list[Entry]) -> list[Entry]:
    """Return entries that were made one after the other; a timeline shows them as one batch."""
    if entries and (first := entries[0].spans) and (last := entries[-1].spans):
        where, _, began, _ = first[0]
        first.insert(0, (where, "batch", began, last[-1][3]))
    return entries


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

"""The files of a load test: made room for before anything is sent, written when it is over."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from datetime import datetime

from crawler.core.errors import OptionsError, OutputError
from crawler.stores.hdrlog import hdr_log
from crawler.stores.jsonl import LineFile
from crawler.stores.whole import WholeFile
from crawler.traffic import page
from crawler.traffic.report import LoadReport, kept
from crawler.traffic.table import csv_text

__all__ = ["LoadFiles"]

_TAGS = ("response", "service", "lag", "wait", "connect")


class LoadFiles:
    """Opens what *wanted* names, by option; a context manager that leaves no half a file.

    Raises OptionsError and OutputError for what could not be written after the run.
    """

    def __init__(self, wanted: Mapping[str, str | None]):
        if wanted["report"] is not None and not page.available():
            raise OptionsError("--report: needs matplotlib: install crawl[report]")
        if sys.stdout is None and wanted["output"] == "-":
            raise OutputError("standard output: closed; name a file with -o")
        self._files: dict[str, WholeFile] = {}
        self._to_stdout = wanted["output"] == "-"
        with contextlib.ExitStack() as opened:
            for option, path in wanted.items():
                if path is not None and path != "-":
                    self._files[option] = opened.enter_context(WholeFile(path))
                elif path == "-" and option != "output":
                    raise OptionsError(f"--{option} -: name a file; only -o may be -")
            self._opened = opened.pop_all()

    def __enter__(self) -> "LoadFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def write(self, report: LoadReport) -> tuple[list[str], list[OutputError]]:
        """Write all that can be; return the names of what was, and what went wrong."""
        written: list[str] = []
        trouble: list[OutputError] = []
        for option, file in self._files.items():
            try:
                file.write(_CONTENT[option](report))
                written.append(file.name)
            except OutputError as error:
                trouble.append(error)
        if self._to_stdout:
            try:
                with LineFile(None) as stdout:
                    stdout.write(kept(report))
            except OutputError as error:
                trouble.append(error)
        return written, trouble


def _hdr(report: LoadReport) -> bytes:
    started = datetime.fromisoformat(report.started_at).timestamp() + report.options.warmup
    tagged = {tag: getattr(report, tag).hdr for tag in _TAGS}
    return hdr_log(started, report.window_s, tagged).encode()


_CONTENT: dict[str, Callable[[LoadReport], bytes]] = {
    "output": kept,
    "csv": lambda report: csv_text(report).encode(),
    "hdr": _hdr,
    "report": lambda report: page.html(report).encode(),
}

"""The exit codes, which are part of the interface."""

from typing import TYPE_CHECKING

from crawler.core.errors import (
    CrawlError,
    OptionsError,
    OutputClosedError,
    OutputError,
    RefusedTargetError,
)
from crawler.core.report import CrawlReport

if TYPE_CHECKING:  # help need not wait for it
    from crawler.traffic.report import LoadReport

__all__ = ["EXIT_CODES", "of_error", "of_load_report", "of_report"]

#: What each code means, the gravest first; printed by --help and the docs.
EXIT_CODES = {
    1: "internal error",
    8: "an output could not be written",
    130: "interrupted (143: terminated)",
    6: "load: refused to ask somebody else's machine",
    2: "bad usage, or no URL in any source",
    5: "load: an expectation was not met",
    7: "load --strict: the figures are not the server's",
    4: "finished, all failed",
    3: "finished, some failed",
    141: "the reader of the output went away",
    0: "finished, none failed; load: whatever the server answered",
}

_STOPPED = {"SIGINT": 130, "SIGTERM": 143}


def of_error(error: CrawlError) -> int:
    """Return the exit code for an error that ended the run."""
    if isinstance(error, OutputClosedError):
        return 141
    if isinstance(error, OutputError):
        return 8
    if isinstance(error, RefusedTargetError):
        return 6
    return 2 if isinstance(error, OptionsError) else 1


def of_report(report: CrawlReport) -> int:
    """Return the exit code for a run that came to its end."""
    if report.stopped is not None:
        return _STOPPED[report.stopped]
    if not report.failures:
        return 0
    return 4 if report.failures == report.records else 3


def of_load_report(report: "LoadReport", *, strict: bool) -> int:
    """Return the exit code for a load test that came to its end."""
    if report.stopped is not None:
        return _STOPPED[report.stopped]
    if not all(checked.met for checked in report.expectations):
        return 5
    if strict and not report.verdict.is_trusted:
        return 7
    return 4 if report.sent and not report.ok else 0

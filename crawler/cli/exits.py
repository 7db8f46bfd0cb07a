"""The exit codes, which are part of the interface."""

from crawler.core.errors import (
    CrawlError,
    OptionsError,
    OutputClosedError,
    OutputError,
)
from crawler.core.report import CrawlReport

__all__ = ["EXIT_CODES", "of_error", "of_report"]

#: What each code means, the gravest first; printed by --help and the docs.
EXIT_CODES = {
    1: "internal error",
    8: "an output could not be written",
    130: "interrupted (143: terminated)",
    2: "bad usage, or no URL in any source",
    4: "finished, all failed",
    3: "finished, some failed",
    141: "the reader of the output went away",
    0: "finished, none failed",
}

_STOPPED = {"SIGINT": 130, "SIGTERM": 143}


def of_error(error: CrawlError) -> int:
    """Return the exit code for an error that ended the run."""
    if isinstance(error, OutputClosedError):
        return 141
    if isinstance(error, OutputError):
        return 8
    return 2 if isinstance(error, OptionsError) else 1


def of_report(report: CrawlReport) -> int:
    """Return the exit code for a run that came to its end."""
    if report.stopped is not None:
        return _STOPPED[report.stopped]
    if not report.failures:
        return 0
    return 4 if report.failures == report.records else 3

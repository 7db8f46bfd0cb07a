"""What can go wrong, as one tree under CrawlError."""

__all__ = [
    "ERRORS",
    "CrawlError",
    "InternalError",
    "OptionsError",
    "OutputClosedError",
    "OutputError",
    "RefusedTargetError",
    "SourceError",
    "WorkerError",
]

ERRORS = """What can go wrong.

CrawlError
├── OptionsError            what was asked for makes no sense
│   └── SourceError         ... a source of URLs is missing or unreadable
├── RefusedTargetError      a load test was aimed at somebody else's machine
├── OutputError             this machine could not keep a record
│   └── OutputClosedError   ... because the reader of it went away
├── WorkerError             one of our own processes died or hung
└── InternalError           the books do not balance: a fault of this program
"""


class CrawlError(Exception):
    """The root of everything this package raises on purpose."""


class OptionsError(CrawlError):
    """What was asked for makes no sense; the caller can mend it."""


class SourceError(OptionsError):
    """A source of URLs is missing, unreadable or not text."""


class RefusedTargetError(CrawlError):
    """A load test was aimed at an address that is neither our own nor allowed by name."""


class OutputError(CrawlError):
    """A record could not be written; what stands in the file ends with a whole line."""


class OutputClosedError(OutputError):
    """The reader of the output went away, as ``head`` does."""


class WorkerError(CrawlError):
    """A worker process of our own died or ran past its time."""


class InternalError(CrawlError):
    """The books of a run do not balance."""

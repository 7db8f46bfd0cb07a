"""The front door: crawl(), load(), their options, reports and errors; nothing else is public."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.compose.crawling import crawl
    from crawler.compose.loading import load
    from crawler.core.errors import (
        CrawlError,
        InternalError,
        OptionsError,
        OutputClosedError,
        OutputError,
        RefusedTargetError,
        SourceError,
        WorkerError,
    )
    from crawler.core.job import MODES, FetchRules, Options
    from crawler.core.pages import Analysed, Fetched, Outcome, Target
    from crawler.core.record import Record
    from crawler.core.report import CrawlReport, Latency
    from crawler.core.urls import target_of
    from crawler.stages.analyse import analyse
    from crawler.stages.fetch import afetch, fetch
    from crawler.traffic.job import LoadOptions, Stage
    from crawler.traffic.report import LoadReport
    from crawler.wire.blocking_transport import BlockingWireTransport
    from crawler.wire.transport import WireTransport

__all__ = [
    "MODES",
    "Analysed",
    "BlockingWireTransport",
    "CrawlError",
    "CrawlReport",
    "FetchRules",
    "Fetched",
    "InternalError",
    "Latency",
    "LoadOptions",
    "LoadReport",
    "Options",
    "OptionsError",
    "Outcome",
    "OutputClosedError",
    "OutputError",
    "Record",
    "RefusedTargetError",
    "SourceError",
    "Stage",
    "Target",
    "WireTransport",
    "WorkerError",
    "afetch",
    "analyse",
    "crawl",
    "fetch",
    "load",
    "target_of",
]

_HOMES = {
    "crawler.compose.crawling": ("crawl",),
    "crawler.compose.loading": ("load",),
    "crawler.core.errors": tuple(name for name in __all__ if name.endswith("Error")),
    "crawler.core.job": ("MODES", "FetchRules", "Options"),
    "crawler.core.pages": ("Analysed", "Fetched", "Outcome", "Target"),
    "crawler.core.record": ("Record",),
    "crawler.core.report": ("CrawlReport", "Latency"),
    "crawler.core.urls": ("target_of",),
    "crawler.stages.analyse": ("analyse",),
    "crawler.stages.fetch": ("afetch", "fetch"),
    "crawler.traffic.job": ("LoadOptions", "Stage"),
    "crawler.traffic.report": ("LoadReport",),
    "crawler.wire.blocking_transport": ("BlockingWireTransport",),
    "crawler.wire.transport": ("WireTransport",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562).

    Workers and ``crawl --help`` need a part of the package only; importing all of it costs
    them a quarter of a second of CPU each.
    """
    if name not in _HOME_OF:
        raise AttributeError(f"module 'crawler' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

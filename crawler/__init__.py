"""The front door: crawl(), its options, report and errors; nothing else is public."""

from crawler.compose import crawl
from crawler.core.errors import (
    CrawlError,
    InternalError,
    OptionsError,
    OutputClosedError,
    OutputError,
    SourceError,
    WorkerError,
)
from crawler.core.job import MODES, FetchRules, Options
from crawler.core.pages import Analysed, Fetched, Outcome, Target
from crawler.core.record import Record
from crawler.core.report import CrawlReport, Latency
from crawler.stages.analyse import analyse
from crawler.stages.fetch import afetch, fetch

__all__ = [
    "MODES",
    "Analysed",
    "CrawlError",
    "CrawlReport",
    "FetchRules",
    "Fetched",
    "InternalError",
    "Latency",
    "Options",
    "OptionsError",
    "Outcome",
    "OutputClosedError",
    "OutputError",
    "Record",
    "SourceError",
    "Target",
    "WorkerError",
    "afetch",
    "analyse",
    "crawl",
    "fetch",
]

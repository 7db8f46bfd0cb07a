"""Run a crawl for somebody at a terminal: options from words, progress, summary, exit code."""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from crawler.cli.exits import of_error, of_report
from crawler.cli.screen import Screen
from crawler.cli.text import failure_line, page_line, settings_line, summary
from crawler.compose import Crawl
from crawler.core.errors import CrawlError, InternalError, OutputClosedError
from crawler.core.job import Options
from crawler.core.pages import NOT_FAILURES
from crawler.core.record import Record, json_line

__all__ = ["run_crawl"]


def run_crawl(words: dict[str, Any]) -> int:
    """Run `crawl run` with these words; returns the exit code."""
    sources, quiet = words.pop("sources"), words.pop("quiet")
    verbose, progress = words.pop("verbose"), words.pop("progress")
    try:
        crawl = _crawl(sources, words, verbose=verbose)
        if verbose:
            _say(settings_line(crawl.options, crawl.workers))
        shown = progress and not quiet and sys.stderr.isatty() and not _for_people(crawl.options)
        silent = quiet or shown
        with Screen(crawl) if shown else nullcontext(), crawl.stop.on_change(_told(crawl, silent)):
            report = crawl.run()
    except OutputClosedError as error:
        return of_error(error)
    except CrawlError as error:
        kind = "internal error: " if isinstance(error, InternalError) else ""
        _say(f"crawl: {kind}{error}")
        return of_error(error)
    if not quiet:
        _say(summary(report, crawl.options, crawl.workers))
    return of_report(report)


def _crawl(sources: list[str], words: dict[str, Any], *, verbose: bool) -> Crawl:
    if words["concurrency"] is None:
        del words["concurrency"]
    elif words["mode"] in {"serial", "processes"}:
        places = "1 page" if words["mode"] == "serial" else "as many pages as workers (-w)"
        _say(f"crawl: -c does nothing here: --mode {words['mode']} has {places} in flight")
    words["headers"] = tuple(words["headers"] or ())
    options = Options(**{name: _plain(value) for name, value in words.items()})
    line = page_line if _for_people(options) else json_line
    return Crawl(sources, options, line=line, on_record=_tell_failure if verbose else None)


def _told(crawl: Crawl, silent: bool) -> Callable[[], None]:
    """Return what tells a person, from the signal handler, that a request to stop was heard."""

    def tell() -> None:
        if not silent and not crawl.stop.forced:
            text = "crawl: stopping after what is in flight; once more to stop now\n"
            os.write(2, text.encode())  # print() may be in use by what the signal interrupted

    return tell


def _for_people(options: Options) -> bool:
    """Say whether records go to a terminal, where a short line serves better than JSON."""
    return options.output is None and sys.stdout.isatty()


def _plain(value: Any) -> Any:
    """Return the bare text of an enumeration's member."""
    return str(value) if isinstance(value, str) else value


def _tell_failure(record: Record) -> None:
    if record.outcome not in NOT_FAILURES:
        _say(failure_line(record))


def _say(text: str) -> None:
    print(text, file=sys.stderr)

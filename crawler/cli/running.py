"""Run a crawl for somebody at a terminal: options from words, progress, summary, exit code."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from crawler.cli.exits import of_error, of_report
from crawler.cli.files import check_files
from crawler.cli.streams import fill_closed_streams, is_terminal, say, told
from crawler.cli.text import failure_line, page_line, settings_line, summary
from crawler.compose.crawling import Crawl
from crawler.core.errors import CrawlError, InternalError, OutputClosedError
from crawler.core.job import Options
from crawler.core.pages import NOT_FAILURES
from crawler.core.record import Record, json_line

__all__ = ["run_crawl"]


def run_crawl(words: dict[str, Any]) -> int:
    """Run `crawl run` with these words; returns the exit code."""
    sources, quiet = words.pop("sources"), words.pop("quiet")
    verbose, progress = words.pop("verbose"), words.pop("progress")
    fill_closed_streams()
    try:
        check_files(sources, words["output"], words["failed"], words["trace"])
        if not quiet and (note := _idle_option(words)):
            say(note)
        crawl = _crawl(sources, words, verbose=verbose)
        if verbose:
            say(settings_line(crawl.options, crawl.workers))
        shown = (
            progress and not quiet and is_terminal(sys.stderr) and not _for_people(crawl.options)
        )
        heard = told(crawl.stop, silent=quiet or shown)
        with _screen(crawl) if shown else nullcontext(), crawl.stop.on_change(heard):
            report = crawl.run()
    except OutputClosedError as error:
        return of_error(error)
    except CrawlError as error:
        kind = "internal error: " if isinstance(error, InternalError) else ""
        say(f"crawl: {kind}{error}")
        return of_error(error)
    except OSError as error:
        say(f"crawl: internal error: {error.strerror or error}")
        return 1
    if not quiet:
        say(summary(report, crawl.options, crawl.workers))
    return of_report(report)


def _crawl(sources: list[str], words: dict[str, Any], *, verbose: bool) -> Crawl:
    if words["concurrency"] is None:
        del words["concurrency"]
    words["headers"] = tuple(words["headers"] or ())
    options = Options(**{name: _plain(value) for name, value in words.items()})
    line = page_line if _for_people(options) else json_line
    return Crawl(sources, options, line=line, on_record=_tell_failure if verbose else None)


def _screen(crawl: Crawl) -> AbstractContextManager[object]:
    from crawler.cli.screen import Screen  # here, so that nobody without progress waits for rich

    return Screen(crawl)


def _idle_option(words: dict[str, Any]) -> str | None:
    if words["concurrency"] is None or words["mode"] not in {"serial", "processes"}:
        return None
    places = "1 page" if words["mode"] == "serial" else "as many pages as workers (-w)"
    return f"crawl: -c does nothing here: --mode {words['mode']} has {places} in flight"


def _for_people(options: Options) -> bool:
    """Say whether records go to a terminal, where a short line serves better than JSON."""
    return options.output is None and is_terminal(sys.stdout)


def _plain(value: Any) -> Any:
    """Return the bare text of an enumeration's member."""
    return str(value) if isinstance(value, str) else value


def _tell_failure(record: Record) -> None:
    if record.outcome not in NOT_FAILURES:
        say(failure_line(record))

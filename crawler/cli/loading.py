"""Run a load test for somebody at a terminal: options from words, screen, summary, files, code."""

import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from crawler.cli.exits import of_error, of_load_report
from crawler.cli.files import check_roles
from crawler.cli.load_files import LoadFiles
from crawler.cli.load_text import WIDTH, summary
from crawler.cli.streams import fill_closed_streams, is_terminal, say, tell, told
from crawler.compose.loading import Load
from crawler.core.errors import (
    CrawlError,
    InternalError,
    OptionsError,
    OutputClosedError,
    OutputError,
    SourceError,
)
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import LoadReport

__all__ = ["run_load"]

#: Columns below which a summary is not made narrower.
_NARROWEST = 60


def run_load(words: dict[str, Any]) -> int:
    """Run `crawl load` with these words; returns the exit code, raises OSError for stdout."""
    quiet, strict = words.pop("quiet"), words.pop("strict")
    to_stdout = words["output"] == "-"
    fill_closed_streams()
    try:
        if sys.stdout is None and not quiet:
            raise OutputError("standard output: closed; the summary goes there, save with --quiet")
        report, written, trouble = _done(words, quiet=quiet)
    except CrawlError as error:
        kind = "internal error: " if isinstance(error, InternalError) else ""
        say(f"crawl: {kind}{error}")
        return of_error(error)
    except OSError as error:
        say(f"crawl: internal error: {error.strerror or error}")
        return 1
    if not quiet:
        text = summary(report, written=written, width=_width(to_stderr=to_stdout))
        (say if to_stdout else tell)(text)
    for failure in trouble:
        if not isinstance(failure, OutputClosedError):
            say(f"crawl: {failure}")
    if trouble:
        return max(map(of_error, trouble), key=lambda code: code == 8)
    return of_load_report(report, strict=strict)


def _done(words: dict[str, Any], *, quiet: bool) -> tuple[LoadReport, list[str], list[OutputError]]:
    """Run it; return what came of it, the files that were written, and what could not be."""
    targets, live = words.pop("targets"), words.pop("live")
    wanted = {name: words.pop(name) for name in ("output", "csv", "hdr", "report")}
    _check(targets, words, wanted)
    load = Load(targets, _options(words))
    screen = _screen(load) if live and not quiet and is_terminal(sys.stderr) else None
    heard = told(load.stop, silent=quiet or screen is not None)
    with LoadFiles(wanted) as files:
        with screen or nullcontext(), load.stop.on_change(heard):
            report = load.run()
        written, trouble = files.write(report)
    return report, written, trouble


def _check(targets: list[str], words: dict[str, Any], wanted: dict[str, str | None]) -> None:
    """Raise CrawlError for words that do not go together."""
    if words["data"] is not None and words["data_file"] is not None:
        raise OptionsError("-d and -D: a request has one body; leave one out")
    if words["find_max"] == "":
        raise OptionsError("--find-max: write what the rate is to meet, such as 'p99<50ms'")
    sources = [*(target for target in targets if "://" not in target), words["data_file"] or ""]
    if sources.count("-") > 1:
        raise OptionsError("standard input: it can be read once; name a file for the other")
    if "-" in sources and sys.stdin is None:
        raise SourceError("standard input: closed")
    outputs = ((f"--{name}", path) for name, path in wanted.items())
    check_roles((source for source in sources if source), outputs)


def _options(words: dict[str, Any]) -> LoadOptions:
    text, path = words.pop("data"), words.pop("data_file")
    body = None if text is None else text.encode("utf-8", "surrogateescape")
    if path is not None:
        body = _read(path)
    keepalive = not words.pop("disable_keepalive")
    for name in ("headers", "stages", "expect", "allow_targets"):
        words[name] = tuple(words[name] or ())
    plain: dict[str, Any] = {
        name: str(value) if isinstance(value, str) else value for name, value in words.items()
    }
    return LoadOptions(body=body, keepalive=keepalive, **plain)


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "unreadable"
        raise SourceError(f"-D {path}: {reason}") from None


def _screen(load: Load) -> AbstractContextManager[object]:
    from crawler.cli.load_screen import LoadScreen  # here, so that nobody without it waits for rich

    return LoadScreen(load)


def _width(*, to_stderr: bool) -> int:
    """Return how wide the summary may be: as the terminal that it is shown on."""
    if not is_terminal(sys.stderr if to_stderr else sys.stdout):
        return WIDTH
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), WIDTH)

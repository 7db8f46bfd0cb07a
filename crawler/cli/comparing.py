"""Compare kept load tests for somebody at a terminal."""

from pathlib import Path

import msgspec

from crawler.cli.exits import of_error
from crawler.cli.streams import say, tell
from crawler.core.errors import CrawlError, SourceError
from crawler.traffic.comparison import compare, lines
from crawler.traffic.report import LoadReport, read

__all__ = ["run_compare"]


def run_compare(paths: list[str], *, fail_if_worse: bool) -> int:
    """Run `crawl compare`: half of the *paths* are old, the rest new; returns the exit code.

    Raises OSError where standard output cannot be written.
    """
    try:
        if len(paths) % 2:
            raise SourceError(
                f"{len(paths)} report{'s' * (len(paths) > 1)}: give an old one and a new one, or "
                "several old ones and as many new ones"
            )
        reports = [_report(path) for path in paths]
        half = len(reports) // 2
        try:
            found = compare(reports[:half], reports[half:])
        except ValueError as error:  # a histogram within
            raise SourceError(f"{' '.join(paths)}: {error}") from None
    except CrawlError as error:
        say(f"crawl: {error}")
        return of_error(error)
    tell("\n".join(lines(found)))
    is_worse = any(line.word == "worse" for line in found.lines)
    return 5 if fail_if_worse and is_worse else 0


def _report(path: str) -> LoadReport:
    try:
        return read(Path(path).read_bytes())
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise SourceError(f"{path}: no report of `crawl load -o`: {error}") from None
    except ValueError:
        raise SourceError(f"{path!r}: no name of a file") from None

"""Progress on a terminal: what is done, in flight, failed, how fast, and when it will end."""

from rich.console import Console
from rich.live import Live
from rich.text import Text

from crawler.cli.text import outcomes_text
from crawler.cli.units import bytes_text, count_text, seconds_text
from crawler.compose.crawling import Crawl
from crawler.core.pages import NOT_FAILURES
from crawler.system.clock import now

__all__ = ["Screen"]


class Screen:
    """Shows a crawl's counts four times a second, from a thread of rich's; a context manager."""

    def __init__(self, crawl: Crawl):
        self._crawl = crawl
        self._began = now()
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._text,
            refresh_per_second=4,
            transient=True,
        )

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _text(self) -> Text:
        tally, frontier = self._crawl.tally, self._crawl.frontier
        elapsed = max(now() - (tally.first_at or self._began), 0.001)
        rate = tally.records / elapsed
        parts = [
            f"{self._crawl.options.mode}",
            f"{count_text(tally.records)} done",
            f"{frontier.in_flight} in flight",
            f"{count_text(rate)} pages/s",
            f"{bytes_text(tally.bytes / elapsed)}/s",
        ]
        expected = self._crawl.expected_inputs()
        if expected and rate:
            left = max(0, expected - tally.records)
            parts.append(f"{tally.records / expected:.0%}, {seconds_text(left / rate)} left")
        failed = {str(o): n for o, n in list(tally.outcomes.items()) if o not in NOT_FAILURES}
        if failed:
            parts.append(outcomes_text(failed))
        if self._crawl.stop.requested:
            parts.append("stopping (again: stop now)")
        return Text("  ".join(parts), overflow="ellipsis", no_wrap=True)

"""A load test as it runs, on a terminal: rate, in flight, times, errors, and the last minute."""

from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from crawler.cli.load_text import rate_text
from crawler.cli.units import count_text, seconds_text
from crawler.compose.loading import Load
from crawler.system.clock import now_ns
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import Slice, Step
from crawler.traffic.series import Glance

__all__ = ["LoadScreen", "lines", "sparkline"]

#: From a little to the most.
_BLOCKS = "▁▂▃▄▅▆▇█"
_COLUMNS = 60
_S = 1e9


class LoadScreen:
    """Shows how a load test stands, four times a second, from a thread of rich's."""

    def __init__(self, load: Load):
        self._load = load
        console = Console(stderr=True)
        self._has_blocks = console.encoding.startswith("utf")
        self._live = Live(
            console=console, get_renderable=self._text, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "LoadScreen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _text(self) -> Text:
        series, options = self._load.series, self._load.options
        if series is None:
            shown = ["opening connections"]
        else:
            shown = lines(series.glance(), options, (now_ns() - series.start) / _S)
        if steps := self._load.steps:
            shown[0] = f"{_tried(steps)}  {shown[0]}"
        if self._load.stop.requested:
            shown[0] = f"stopping (again: stop now)  {shown[0]}"
        if not self._has_blocks:
            shown = shown[:2]
        return Text("\n".join(shown), overflow="ellipsis", no_wrap=True)


def lines(glance: Glance | None, options: LoadOptions, gone: float) -> list[str]:
    """Return what is shown *gone* seconds after the start: at most three lines."""
    gone = max(gone, 0.0)
    parts = [_time(glance, options, gone)]
    if glance is None or gone < options.warmup:
        return ["  ".join(parts)]
    last, whole = glance.last, glance.whole
    parts.append(f"{rate_text(_rate(last))} answers/s")
    parts.append(f"{last.in_flight:.3g} in flight")
    parts.append(f"{count_text(whole.ok)} ok")
    failed = (
        (whole.http_error, "http-error"),
        (whole.network, "network"),
        (whole.timeout, "timeout"),
    )
    parts += [f"{count_text(count)} {name}" for count, name in failed if count]
    most = max(glance.rates, default=0.0)
    return [
        "  ".join(parts),
        f"{_times(last, named=True)}; in all {_times(whole, named=False)}",
        f"{sparkline(glance.rates, _COLUMNS)} at most {rate_text(most)}/s",
    ]


def sparkline(values: Sequence[float], columns: int) -> str:
    """Return *values* as blocks from 0 to the greatest, neighbours made one to fit *columns*."""
    each = -(-len(values) // columns)
    groups = [values[at : at + each] for at in range(0, len(values), each or 1)]
    means = [sum(group) / len(group) for group in groups]
    most = max(means, default=0.0) or 1.0
    return "".join(
        _BLOCKS[min(int(mean / most * len(_BLOCKS)), len(_BLOCKS) - 1)] for mean in means
    )


def _time(glance: Glance | None, options: LoadOptions, gone: float) -> str:
    """Return how long it has run, and how long it will."""
    if gone < options.warmup:
        return f"warm-up: {seconds_text(options.warmup - gone)} left"
    left = _left(glance, options, gone)
    text = f"{seconds_text(gone)} gone"
    if left is None:
        return text
    return f"{text}, {seconds_text(left)} left" if left > 0 else f"{text}, waiting for answers"


def _tried(steps: Sequence[Step]) -> str:
    """Return how far the search for the highest rate is."""
    word = "met" if steps[-1].met else "not met"
    return f"step {len(steps) + 1} ({rate_text(steps[-1].rate)}/s {word})"


def _left(glance: Glance | None, options: LoadOptions, gone: float) -> float | None:
    """Return how many seconds are left, None where nobody knows."""
    found = []
    if options.seconds is not None:
        found.append(options.warmup + options.seconds - gone)
    if options.requests is not None and glance is not None:
        whole = glance.whole
        ended = whole.ok + whole.http_error + whole.network + whole.timeout
        if ended:
            found.append((options.requests - ended) * (gone - options.warmup) / ended)
    return min(found, default=None)


def _rate(piece: Slice) -> float:
    return (piece.ok + piece.http_error) / piece.seconds


def _times(piece: Slice, *, named: bool) -> str:
    found = (("p50", piece.p50_ms), ("p99", piece.p99_ms), ("max", piece.max_ms))
    return "  ".join(
        (f"{name} " if named else "") + ("-" if ms is None else seconds_text(ms / 1000))
        for name, ms in found
    )

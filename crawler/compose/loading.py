"""Build a load test, run it by the engine that was asked for, and return its report."""

import sys
from collections.abc import Sequence
from pathlib import Path

from crawler.core.version import user_agent
from crawler.system.descriptors import ensure_connections
from crawler.system.stop import Stop
from crawler.traffic.expectations import expected
from crawler.traffic.finding import expectations_of, find_max
from crawler.traffic.job import LoadOptions, validated
from crawler.traffic.loading import plans_of, run_load
from crawler.traffic.report import LoadReport, Step
from crawler.traffic.series import Series
from crawler.traffic.targets import targets_of

__all__ = ["Load", "load"]


def load(targets: str | Sequence[str], options: LoadOptions | None = None) -> LoadReport:
    """Load-test *targets* and return what was found.

    A target is a URL, or a file of them with method, weight and body, or ``-`` for standard
    input.  Raises OptionsError, SourceError and RefusedTargetError before anything is sent, and
    WorkerError; what goes wrong with requests is in the report.
    """
    given = [targets] if isinstance(targets, str) else list(targets)
    return Load(given, options or LoadOptions()).run()


class Load:
    """One load test; ``stop`` may be asked, and ``series``, None at first, be watched.

    ``steps`` are those of a search for the highest rate, as they come.
    """

    def __init__(self, targets: Sequence[str], options: LoadOptions):
        options = validated(options)
        if options.engine != "wire":
            from crawler.compose.studying import settled  # here: the wire has no use for the modes

            options = settled(options)
        self.options = options
        expected(options)
        self.targets = targets_of(targets, _read)
        self.stop = Stop()
        self.series: Series | None = None
        self.steps: list[Step] = []
        if options.find_max is not None:
            expectations_of(options)
        origins = {(target.scheme, target.host, target.port) for target in self.targets}
        ensure_connections(options.connections, len(origins))

    def run(self) -> LoadReport:
        """Run it once, listening for Ctrl-C; raises CrawlError."""
        with self.stop.listening():
            if self.options.find_max is None:
                return self._run(self.options)
            wanted = expectations_of(self.options)
            return find_max(self._run, self.options, wanted, self.stop, self.steps.append)

    def _run(self, options: LoadOptions) -> LoadReport:
        if options.engine != "wire":
            from crawler.compose.studying import run_study

            return run_study(self.targets, options, self.stop, self._begun)
        plans = plans_of(self.targets, options, user_agent())
        return run_load(plans, self.stop, self._begun)

    def _begun(self, series: Series) -> None:
        self.series = series


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()

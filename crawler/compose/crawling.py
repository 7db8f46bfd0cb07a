"""Build the parts of a crawl, hand them to a mode, and close the books; knows every part."""

import pickle
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec

from crawler.core.bounds import Load, binding_limit
from crawler.core.entry import Form
from crawler.core.errors import InternalError, OptionsError, SourceError
from crawler.core.frontier import Frontier
from crawler.core.guard import is_home_name
from crawler.core.job import FetchRules, Options, in_flight, validated
from crawler.core.ports import Analyse, Gear
from crawler.core.record import Record, interrupted, json_line
from crawler.core.report import CrawlReport, Tally
from crawler.core.retry import RetryPolicy
from crawler.core.version import user_agent
from crawler.modes import BY_NAME
from crawler.stages.analyse import analyse as analyse_page
from crawler.stages.write import Outputs
from crawler.stores.jsonl import LineFile
from crawler.stores.timeline import Timeline
from crawler.system.clock import cpu_of_children, cpu_of_process, now, usable_cores
from crawler.system.descriptors import ensure_descriptors
from crawler.system.intake import Intake
from crawler.system.loops import loop_factory
from crawler.system.stop import Stop

__all__ = ["Crawl", "crawl"]

#: Interrupted records are written this many at a time.
BLOCK = 256


def crawl(
    sources: str | Sequence[str],
    options: Options | None = None,
    *,
    analyse: Analyse = analyse_page,
    on_record: Callable[[Record], object] | None = None,
) -> CrawlReport:
    """Crawl *sources* and return what came of it.

    A source is a file of URLs, ``-`` for standard input, or a URL.  *analyse* is a module-level
    callable that replaces the analysis of a page.  *on_record* is called with each record;
    with it and no ``output`` in the options nothing is written.  Raises OptionsError,
    SourceError and OutputError; what goes wrong with a page is in its record.
    """
    given = [sources] if isinstance(sources, str) else list(sources)
    return Crawl(given, options or Options(), analyse=analyse, on_record=on_record).run()


class Crawl:
    """One run, from its parts to its report; ``tally``, ``frontier``, ``stop`` may be watched."""

    def __init__(
        self,
        sources: Sequence[str],
        options: Options,
        *,
        analyse: Analyse = analyse_page,
        on_record: Callable[[Record], object] | None = None,
        line: Callable[[Record], bytes] | None = None,
    ):
        self.options = validated(options)
        rules = FetchRules.of(options, user_agent())
        self.tally = Tally()
        self.frontier = Frontier(is_home=partial(is_home_name, guard=rules.guard))
        self.stop = Stop()
        self.workers = options.workers or usable_cores()
        connections = ensure_descriptors(
            in_flight(options, self.workers),
            self.workers,
            shared=options.mode in {"async", "hybrid"},
        )
        _check_parts(options, analyse)
        self._files = ExitStack()
        self._intake = Intake(sources)
        self._files.callback(self._intake.close)
        self._outputs = self._open(on_record, to_output=line is not None)
        self._timeline: Timeline | None = None
        if options.trace is not None:
            self._timeline = self._files.enter_context(Timeline(options.trace, self._outputs))
        self._form = Form(
            line=None if self._outputs.records is None else line or json_line,
            failures=options.failed is not None,
            records=on_record is not None,
        )
        self._gear = Gear(
            options=options,
            rules=rules,
            frontier=self.frontier,
            retry=RetryPolicy(options.retries),
            tally=self.tally,
            analyse=analyse,
            form=self._form,
            intake=self._intake,
            keep=self._timeline or self._outputs,
            stop=self.stop,
            draw=random.random,
            workers=self.workers,
            connections=connections,
            resume_at=self._intake.resume_at(),
            trace=self._timeline,
        )

    def run(self) -> CrawlReport:
        """Run the mode, record what a stop left over, check the books; raises CrawlError."""
        with self._files, self.stop.listening():
            self._began = now()
            if self._timeline is not None:
                self._timeline.begin(self._began)
            self._began_cpu = cpu_of_process()
            self._cpu_before = self._began_cpu + cpu_of_children()
            BY_NAME[self.options.mode](self._gear)
            self._own_cpu = cpu_of_process()
            self._record_rest()
            if self._timeline is not None:
                self._timeline.finish(self.options.mode)
        if not (self.frontier.offered or self.stop.requested or self._gear.source_error):
            raise SourceError("no URL in any source")
        if not self.frontier.offered == self.frontier.settled == self.tally.records:
            raise InternalError(f"{self.frontier!r}, but {self.tally.records} records")
        if self._gear.source_error is not None and not self.stop.requested:
            raise self._gear.source_error
        return self._report()

    def expected_inputs(self) -> int | None:
        """Return how many inputs there will be, by the share of the lists that was read."""
        share = self._intake.share_read()
        return None if not share else round(self.frontier.offered / share)

    def _open(self, on_record: Callable[[Record], object] | None, *, to_output: bool) -> Outputs:
        options = self.options
        records = failed = None
        if options.output is not None or on_record is None or to_output:
            path = None if options.output == "-" else options.output
            records = self._files.enter_context(LineFile(path))
        if options.failed is not None:
            failed = self._files.enter_context(LineFile(options.failed))
        return Outputs(records, failed, on_record)

    def _record_rest(self) -> None:
        """Record as interrupted what was read and is not settled, in blocks."""
        if not self.stop.requested:
            return
        rest = [interrupted(target) for target in self.frontier.abandon() + self.frontier.recall()]
        for start in range(0, len(rest), BLOCK):
            block = rest[start : start + BLOCK]
            self._outputs.write([self._form.entry_of(record) for record in block])
            self.tally.count_interrupted(len(block))

    def _report(self) -> CrawlReport:
        tally, ended = self.tally, now()
        first, last = tally.first_at or ended, tally.last_at or ended
        span = max(last - first, 1e-9)
        cpu = cpu_of_process() + cpu_of_children() - self._cpu_before
        return CrawlReport(
            mode=self.options.mode,
            inputs=self.frontier.offered,
            records=tally.records,
            outcomes={str(name): count for name, count in sorted(tally.outcomes.items())},
            bytes=tally.bytes,
            wire_bytes=tally.wire_bytes,
            retries=tally.retries,
            elapsed_s=ended - self._began,
            first_s=first - self._began,
            last_s=last - self._began,
            pages_per_s=tally.after_first() / span,
            in_flight_mean=tally.busy_ms / 1000 / max(last - self._began, 1e-9),
            latency_ms=tally.latency(),
            mean_ms=tally.mean_ms(),
            cpu_s=cpu,
            stages=self._stages(cpu),
            bound=self._bound(span),
            stopped=self.stop.reason,
            resume_at=self._gear.resume_at if self.stop.requested else None,
        )

    def _stages(self, cpu: float) -> dict[str, float]:
        """Divide the CPU seconds up; on a loop, what is not analyse or write is fetch."""
        tally, options = self.tally, self.options
        own = self._own_cpu - self._began_cpu
        inline = options.mode == "async" or options.pool == "threads"
        fetch = tally.fetch_cpu_s
        if options.mode in {"async", "hybrid"}:
            fetch = own - (tally.analyse_cpu_s + tally.write_cpu_s if inline else 0.0)
        stages = {"fetch": fetch, "analyse": tally.analyse_cpu_s, "write": tally.write_cpu_s}
        return stages | {"rest": max(0.0, cpu - sum(stages.values()))}

    def _bound(self, span: float) -> str:
        """Say what held the run from its first record on; starting workers does not count."""
        tally, options, cores = self.tally, self.options, usable_cores()
        places = in_flight(options, self.workers)
        apart = (options.mode, options.pool) == ("hybrid", "processes")
        apart = apart or options.mode == "processes"
        away = tally.analyse_cpu_s + tally.fetch_cpu_s + tally.write_cpu_s if apart else 0.0
        own = self._own_cpu - self._began_cpu
        busy = tally.busy_ms / 1000
        load = Load(
            places=busy / (span + busy / max(tally.records, 1)) / places,
            owner_thread=own / span,
            workers=away / span / self.workers,
            cores=(own + away) / span / cores,
            polite=self.frontier.held_s / span,
            in_flight=places,
            cores_count=cores,
        )
        return binding_limit(load)


def _check_parts(options: Options, analyse: Analyse) -> None:
    """Find out before anything is opened or started what this run cannot have."""
    if options.http2 and find_spec("h2") is None:
        raise OptionsError("--http2: needs h2: install crawl[http2]")
    if options.mode in {"async", "hybrid"}:
        loop_factory(options.loop)
    if options.mode == "processes" or (options.mode, options.pool) == ("hybrid", "processes"):
        try:
            pickle.dumps(analyse)
        except (pickle.PicklingError, AttributeError, TypeError):
            reason = "worker processes find it by name, so it must be a function of a module"
            raise OptionsError(f"analyse {analyse!r}: {reason}") from None

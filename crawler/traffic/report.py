"""What a load test found: one immutable value that is printed, kept as JSON and compared."""

import msgspec

from crawler.traffic.job import LoadOptions

__all__ = [
    "Checked",
    "Distribution",
    "FoundMax",
    "Generator",
    "Knee",
    "LoadReport",
    "Quantile",
    "Slice",
    "Step",
    "TargetReport",
    "Verdict",
    "kept",
    "read",
]


class Quantile(msgspec.Struct, frozen=True):
    """A quantile in milliseconds, and the 95 % confidence interval of it by order statistics."""

    q: float
    ms: float
    low_ms: float
    high_ms: float


class Distribution(msgspec.Struct, kw_only=True, frozen=True):
    """A histogram summed up; ``hdr`` is all of it, in nanoseconds, in HdrHistogram's V2 form.

    ``quantiles`` holds those of p50 p75 p90 p95 p99 p99.9 p99.99 that at least ten samples lie
    beyond.  All are 0 and ``quantiles`` is empty when nothing was counted.
    """

    count: int
    mean_ms: float
    min_ms: float
    max_ms: float
    quantiles: tuple[Quantile, ...]
    hdr: str

    def ms(self, q: float) -> float | None:
        """Return a quantile that is in the table, None if too few samples were counted."""
        return next((found.ms for found in self.quantiles if found.q == q), None)


class Slice(msgspec.Struct, kw_only=True, frozen=True):
    """A short piece of the run: what was sent and came back in it; times since the start.

    ``in_flight`` is the mean.  ``p50_ms`` and the like are of response times of the answers
    that came in it, None when none came; ``lag_ms`` is the worst.
    """

    at_s: float
    seconds: float
    sent: int
    ok: int
    http_error: int
    network: int
    timeout: int
    in_flight: float
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    lag_ms: float


class Generator(msgspec.Struct, kw_only=True, frozen=True):
    """What one generator process used; shares are of the time from first to last request.

    ``queue_share`` is the share of time it could have run and waited for a core, None where
    the system does not tell.  ``timer`` is what its timetable went by: timerfd or call_later.
    """

    cpu_s: float
    cpu_share: float
    queue_share: float | None
    timer: str
    connections_opened: int
    memory_bytes: int


class TargetReport(msgspec.Struct, kw_only=True, frozen=True):
    """What came of the requests to one of several targets; timeouts count in its times."""

    target: str
    ended: int
    failed: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Verdict(msgspec.Struct, frozen=True):
    """What held the run, in one word, and in a sentence that says what to do.

    The words: ``kept-up`` (everything left when it was due and was answered), ``server-limited``,
    ``generator-limited``, ``schedule-limited``, ``too-few-samples``.  *evidence* are the figures
    it goes by.
    """

    word: str
    sentence: str
    evidence: dict[str, float] = {}

    @property
    def is_trusted(self) -> bool:
        """Whether the figures are the server's: fails --strict otherwise."""
        return self.word in {"kept-up", "server-limited"}


class Checked(msgspec.Struct, frozen=True):
    """One expectation, as written, what was found, and whether it is met."""

    text: str
    found: str
    met: bool


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """One rate that was tried by --find-max: what was found, and whether it met the expectation.

    ``figures`` has what each term of the expectation found, by the term's name, such as p99 in
    milliseconds or errors as a share.
    """

    rate: float
    requests_per_s: float
    in_flight: float
    figures: dict[str, float]
    met: bool


class Knee(msgspec.Struct, kw_only=True, frozen=True):
    """The Universal Scalability Law, X(N) = l N / (1 + a (N - 1) + b N (N - 1)), as fitted.

    X are requests/s at N in flight.  ``peak_in_flight`` and ``peak_per_s`` are where it is
    greatest, None if it has no peak.
    """

    per_s: float
    contention: float
    coherency: float
    peak_in_flight: float | None
    peak_per_s: float | None


class FoundMax(msgspec.Struct, kw_only=True, frozen=True):
    """The highest rate, in requests/s, that still meets *expect*, and its 95 % interval.

    ``edge`` is ``highest`` if every rate that was tried met it, ``lowest`` if none did.
    """

    expect: str
    rate: float
    low: float
    high: float
    steps: tuple[Step, ...]
    knee: Knee | None
    edge: str | None = None


class LoadReport(msgspec.Struct, kw_only=True, frozen=True):
    """One run.  All counts leave out the warm-up, save ``warmup_sent``.

    ``scheduled = sent + unsent`` and ``sent = ok + http_error + network + timeout +
    in_flight_at_end``; ``errors`` divides up network, ``statuses`` the answers.  The rates are
    of answers that came within ``window_s``.  ``response`` counts from when a request was due,
    ``service`` from when it was written; both are of ok answers and of timeouts, at the time
    that these took.  ``lag`` is from due to noticed by the generator; in a closed loop, that of
    a clock that ticks 100 times a second.  ``wait`` is from noticed to written, for a
    connection.  ``connect`` is of new connections, TLS included.  ``failed`` has the response
    times of http-error, network and timeout.  ``server_requests`` is the server's own count
    where it is the bundled one, warm-up included.  ``targets`` is empty where there is one
    ``target`` only, or more than 20.
    """

    version: str
    started_at: str
    options: LoadOptions
    target: str
    targets: tuple[TargetReport, ...]
    window_s: float
    scheduled: int
    sent: int
    unsent: int
    ok: int
    http_error: int
    network: int
    timeout: int
    in_flight_at_end: int
    warmup_sent: int
    statuses: dict[str, int]
    errors: dict[str, int]
    requests_per_s: float
    bytes_per_s: float
    response: Distribution
    service: Distribution
    lag: Distribution
    wait: Distribution
    connect: Distribution
    failed: dict[str, Distribution]
    series: tuple[Slice, ...]
    in_flight_mean: float
    processes: tuple[Generator, ...]
    verdict: Verdict
    expectations: tuple[Checked, ...] = ()
    server_requests: int | None = None
    found: FoundMax | None = None
    stopped: str | None = None

    @property
    def loop_model(self) -> str:
        """How requests came to be due, as the first words of every report."""
        options = self.options
        places = f"{options.connections} connection{'s' * (options.connections != 1)}"
        if options.stages:
            stages = f"{len(options.stages)} stage{'s' * (len(options.stages) != 1)}"
            return f"open loop, {options.arrivals}, {stages}, {places}"
        if options.rate is not None:
            return f"open loop, {options.arrivals} {options.rate:.4g}/s, {places}"
        return f"closed loop, {places}"

    @property
    def failures(self) -> int:
        """How many requests were answered with an error, or not at all."""
        return self.http_error + self.network + self.timeout


def kept(report: LoadReport) -> bytes:
    """Return the report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def read(text: bytes) -> LoadReport:
    """Return the report in *text*; raises msgspec.MsgspecError for what is none."""
    return msgspec.json.decode(text, type=LoadReport)

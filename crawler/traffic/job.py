"""What a load test was asked for: how much, how fast, how long, at whom; plain values."""

import msgspec

from crawler.core.errors import OptionsError

__all__ = ["ARRIVALS", "ENGINES", "LoadOptions", "Stage", "Target", "validated"]

#: The bare connection, and the crawl's own modes for study.
ENGINES = ("wire", "serial", "threads", "async", "processes")
ARRIVALS = ("constant", "poisson")
#: Seconds of a run that was given neither a duration nor a number of requests.
DURATION = 10.0

_MOST = {
    "connections": 20_000, "workers": 64, "rate": 10_000_000, "requests": 10**12,
    "duration": 1_000_000, "timeout": 3_000, "warmup": 1_000_000, "seed": 2**63,
}  # fmt: skip
_FLAGS = {"connections": "-c", "workers": "-w", "rate": "-q", "requests": "-n", "duration": "-z"}


class Stage(msgspec.Struct, frozen=True):
    """So many *seconds* of open loop, from the rate *first* to the rate *last*, in requests/s."""

    seconds: float
    first: float
    last: float


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One address to ask, as it was named: its share of the requests goes by *weight*.

    ``address`` is in the form of the WHATWG URL standard, ``host`` and ``port`` are where it
    leads.  ``method`` and ``body`` None are those of the options.
    """

    address: str
    scheme: str
    host: str
    port: int
    method: str | None = None
    weight: int = 1
    body: bytes | None = None


class LoadOptions(msgspec.Struct, kw_only=True, frozen=True):
    """Everything a load test can be told; durations in seconds, rates in requests/s of all.

    Without ``rate`` and ``stages`` the loop is closed: each of the ``connections`` asks again
    when it was answered.  With them it is open: requests are due by a timetable that waits for
    no answer.  It ends after ``duration`` or ``requests``, whichever comes first; ``duration``
    None means 10 s, unless requests or stages say when it ends.  What is due within ``warmup``
    is in no figure.  ``new_connections`` is the share of requests that get a connection of
    their own.  ``allow_targets`` are hosts that may be asked though they are public.
    ``find_max`` is what the highest rate has to meet that is searched for, step by step, each
    of ``duration``.
    """

    connections: int = 50
    duration: float | None = None
    requests: int | None = None
    rate: float | None = None
    arrivals: str = "constant"
    stages: tuple[Stage, ...] = ()
    warmup: float = 0.0
    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout: float = 10.0
    keepalive: bool = True
    new_connections: float = 0.0
    insecure: bool = False
    workers: int = 1
    seed: int = 1
    expect: tuple[str, ...] = ()
    find_max: str | None = None
    allow_targets: tuple[str, ...] = ()
    engine: str = "wire"
    loop: str = "uvloop"

    @property
    def is_open(self) -> bool:
        """Whether requests are due by a timetable."""
        return self.rate is not None or bool(self.stages)

    @property
    def seconds(self) -> float | None:
        """How long it lasts after the warm-up at most; None: until all requests have left."""
        if self.stages:
            whole = sum(stage.seconds for stage in self.stages)
            return whole if self.duration is None else min(whole, self.duration)
        if self.duration is None and self.requests is None:
            return DURATION
        return self.duration

    def timetable(self) -> tuple[Stage, ...]:
        """Return the stages of an open loop, the warm-up before them at the first rate."""
        if self.rate is not None:
            return (Stage(_MOST["duration"], self.rate, self.rate),)
        first = self.stages[0].first
        warm = (Stage(self.warmup, first, first),) if self.warmup else ()
        return (*warm, *self.stages)


def validated(options: LoadOptions) -> LoadOptions:
    """Return *options*, or raise OptionsError naming the first that makes no sense."""
    _check_choices(options)
    for name, most in _MOST.items():
        value = getattr(options, name)
        if value is None:
            continue
        may_be_0 = name in {"warmup", "seed"}
        if not (0 <= value <= most if may_be_0 else 0 < value <= most):
            wanted = f"{'from' if may_be_0 else 'more than'} 0 and at most {most}"
            raise OptionsError(f"{_FLAGS.get(name, '--' + name)} {value:g}: must be {wanted}")
    if not 0 <= options.new_connections <= 1:
        raise OptionsError("--new-connections: a share from 0% to 100%")
    if options.workers > options.connections:
        raise OptionsError(
            f"-w {options.workers}: each process needs a connection, and there are "
            f"{options.connections} (-c)"
        )
    for stage in options.stages:
        if stage.seconds <= 0 or min(stage.first, stage.last) < 0 or stage.last > _MOST["rate"]:
            raise OptionsError("--stage: a duration and a rate of more than 0")
    return options


def _check_choices(options: LoadOptions) -> None:
    """Raise OptionsError for options that do not go together."""
    for name, known in (("engine", ENGINES), ("arrivals", ARRIVALS)):
        if getattr(options, name) not in known:
            raise OptionsError(
                f"--{name} {getattr(options, name)!r}: choose from {', '.join(known)}"
            )
    if options.rate is not None and options.stages:
        raise OptionsError("--rate and --stage: one or the other says how fast")
    if options.engine != "wire" and options.is_open:
        raise OptionsError(
            f"--engine {options.engine}: closed loop only; -q and --stage need --engine wire"
        )
    if options.arrivals != "constant" and not (options.is_open or options.find_max):
        raise OptionsError(
            f"--arrivals {options.arrivals}: needs a rate (-q or --stage); without one each "
            "connection asks when it was answered"
        )
    if not options.keepalive and options.new_connections:
        raise OptionsError(
            "--disable-keepalive and --new-connections: the first makes all connections new"
        )

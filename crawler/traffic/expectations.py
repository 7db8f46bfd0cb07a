"""What is expected of a run, such as p99<200ms: read it, and hold it against the report."""

import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from crawler.core.errors import OptionsError
from crawler.core.histogram import HOUR_NS
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import Checked, Distribution, LoadReport

__all__ = ["Expectation", "QuantileMs", "expected", "figure", "parse_all"]

#: Milliseconds at a share of a distribution, from its whole histogram.
QuantileMs = Callable[[Distribution, float], float]

_FORM = re.compile(
    r"\s*([a-z0-9.-]+)\s*(<=|>=|<|>)\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([a-z/%]*)\s*"
)
_PERCENTILE = re.compile(r"(?:(service|lag)-)?p([0-9]{1,2}(?:\.[0-9]{1,6})?)")
_OPERATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TIMES = ("mean", "max", "min")
_SHARES = ("errors", "http-errors", "timeouts", "unsent")
_TERMS = f"p99 or another percentile, service-p99, lag-p99, {', '.join(_TIMES + _SHARES)}, rate"
#: What one of each unit is as `figure` counts; decimal, as 57 * 0.01 is more than 0.57.
_MS = {"us": "0.001", "ms": "1", "s": "1000", "m": "60000"}
_SHARE = {"": "1", "%": "0.01"}
_RATE = {"": "1", "/s": "1", "%": "0.01"}
#: A quantile with fewer samples beyond it is chance.
_BEYOND = 10
#: What stands for a time when nothing was counted: the most that a histogram holds.
_LONGEST_MS = HOUR_NS / 1e6


class Expectation(msgspec.Struct, frozen=True):
    """One term and its limit: ``limit`` as it was written, ``value`` as `figure` counts it."""

    term: str
    op: str
    limit: str
    value: float

    def __str__(self) -> str:
        return f"{self.term}{self.op}{self.limit}"

    @property
    def is_below(self) -> bool:
        """Whether it is met by what lies below the limit."""
        return self.op.startswith("<")

    @property
    def samples(self) -> float:
        """How many samples it needs: ten beyond a percentile, ten for any other figure."""
        match = _PERCENTILE.fullmatch(self.term)
        return _BEYOND if match is None else _BEYOND / (1 - float(f"{match[2]}e-2"))

    @classmethod
    def parse(cls, text: str, option: str = "--expect") -> "Expectation":
        """Return what *text* expects; raises OptionsError naming *option* and what to write."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise OptionsError(
                f"{option} {text!r}: write a term, one of < <= > >=, and a value, such as "
                "'p99<200ms' or 'errors<0.1%'"
            )
        term, op, number, unit = match.groups()
        units, example = _units(term)
        if not units:
            raise OptionsError(f"{option} {text!r}: {term!r} is no term; write {_TERMS}")
        if unit not in units:
            raise OptionsError(f"{option} {text!r}: write {example} behind {op}")
        value = float(Decimal(number) * Decimal(units[unit]))
        if units is _SHARE and value > 1:
            raise OptionsError(f"{option} {text!r}: more than all; write {example}")
        return cls(term, op, number + unit, value)

    def check(self, report: LoadReport, quantile: QuantileMs) -> Checked:
        """Say what *report* has, and whether that is as expected.

        Nothing is met by a percentile with fewer than ten samples beyond it, by a time of
        which there is none, or by a rate when nothing was finished.
        """
        lack = _lack(self, report)
        if lack is not None:
            return Checked(str(self), lack, met=False)
        found = figure(self, report, quantile)
        met = _OPERATIONS[self.op](found, self.value)
        return Checked(str(self), _shown(self, found), met)


def parse_all(texts: Iterable[str], option: str = "--expect") -> tuple[Expectation, ...]:
    """Return all that *texts* expect, each one or several between commas; raises OptionsError."""
    return tuple(Expectation.parse(part, option) for text in texts for part in text.split(","))


def expected(options: LoadOptions) -> tuple[Expectation, ...]:
    """Return what *options* expect; raises OptionsError, also for what such a run cannot tell."""
    found = parse_all(options.expect)
    for expectation in found:
        if _is_relative(expectation) and not options.is_open:
            raise OptionsError(
                f"--expect '{expectation}': a share of the rate that is asked for needs -q or "
                "--stage; write 500/s"
            )
    return found


def figure(expectation: Expectation, report: LoadReport, quantile: QuantileMs) -> float:
    """Return what *report* has for the term: ms, a share, or answers/s.

    A rate against a limit in % is a share of the rate that was asked for.  Where nothing was
    counted a share is 1, a time an hour, and a rate 0: always a number, fit for JSON.
    """
    term = expectation.term
    if term in _SHARES:
        return _share(term, report)
    if term == "rate":
        asked = _asked_per_s(report) if _is_relative(expectation) else 1.0
        return report.requests_per_s / asked if asked else 0.0
    distribution, q = _measured(term, report)
    if not distribution.count:
        return _LONGEST_MS
    if q is not None:
        return quantile(distribution, q)
    return {
        "mean": distribution.mean_ms,
        "max": distribution.max_ms,
        "min": distribution.min_ms,
    }[term]


def _units(term: str) -> tuple[dict[str, str], str]:
    """Return the units a limit of *term* may have, and an example; none if it is no term."""
    if term in _SHARES:
        return _SHARE, "a share, such as 0.1% or 0.001,"
    if term == "rate":
        return _RATE, "answers per second, such as 500/s, or a share of the rate, such as 99%,"
    match = _PERCENTILE.fullmatch(term)
    is_time = term in _TIMES or (match is not None and float(match[2]) > 0)
    return (_MS, "a duration with its unit, such as 200ms or 1.5s,") if is_time else ({}, "")


def _is_relative(expectation: Expectation) -> bool:
    return expectation.term == "rate" and expectation.limit.endswith("%")


def _measured(term: str, report: LoadReport) -> tuple[Distribution, float | None]:
    """Return the distribution that a time is of, and the share if it is a percentile."""
    match = _PERCENTILE.fullmatch(term)
    if match is None:
        return report.response, None
    distribution = {"service": report.service, "lag": report.lag}.get(match[1], report.response)
    return distribution, float(f"{match[2]}e-2")  # 99.9 / 100 is not 0.999


def _share(term: str, report: LoadReport) -> float:
    part = {
        "errors": report.failures,
        "http-errors": report.http_error,
        "timeouts": report.timeout,
        "unsent": report.unsent,
    }[term]
    whole = report.scheduled if term == "unsent" else _finished(report)
    return part / whole if whole else 1.0


def _finished(report: LoadReport) -> int:
    return report.ok + report.failures


def _asked_per_s(report: LoadReport) -> float | None:
    """Return the rate that was asked for, None in a closed loop; of stages it is the mean."""
    if report.options.stages:
        return report.scheduled / report.window_s if report.window_s else None
    return report.options.rate


def _lack(expectation: Expectation, report: LoadReport) -> str | None:
    """Say why *report* cannot meet the expectation whatever its figure is; None if it can."""
    if expectation.term in _SHARES:
        return None
    if expectation.term == "rate":
        if _is_relative(expectation) and not _asked_per_s(report):
            return "no rate was asked for"
        return None if _finished(report) else "nothing was finished"
    distribution, q = _measured(expectation.term, report)
    beyond = _BEYOND if q is None else round(distribution.count * (1 - q), 6)
    if distribution.count and beyond >= _BEYOND:
        return None
    return f"only {distribution.count} sample{'s' * (distribution.count != 1)}"


def _shown(expectation: Expectation, found: float) -> str:
    """Return *found* with five digits and its unit."""
    if expectation.term in _SHARES or _is_relative(expectation):
        return f"{_digits(100 * found)}%"
    return f"{_digits(found)}/s" if expectation.term == "rate" else f"{_digits(found)} ms"


def _digits(number: float) -> str:
    return f"{Decimal(f'{number:.5g}'):f}"

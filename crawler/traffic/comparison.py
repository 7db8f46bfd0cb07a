"""Say whether one run is better than another, worse, or the same, by a test and not by a guess."""

import textwrap
from collections.abc import Sequence
from math import exp, floor, inf, isinf, sqrt

import msgspec

from crawler.traffic.estimates import (
    Estimate,
    Events,
    estimates,
    events,
    of_runs,
    sum_of_runs,
)
from crawler.traffic.job import LoadOptions
from crawler.traffic.probability import beta_quantile, critical
from crawler.traffic.report import LoadReport

__all__ = ["PRACTICAL", "Comparison", "Line", "compare", "lines"]

#: A change of less than this share is called the same, however sure it is: the clock, the buckets
#: of the histogram (0.1 %) and where a program lies in memory can make as much.
PRACTICAL = 0.01
#: The chance that anything at all is called different when nothing is: over all lines together.
_FALSE = 0.05

_ENDLESS = 700.0  # exp of more is no float
_FEWER_IS_BETTER = {"requests/s": False}
_UNASKED = {"seed", "expect", "allow_targets"}  # these do not change what is measured
_SECRET = {"headers", "body"}
_WIDTH = 100


class Line(msgspec.Struct, frozen=True):
    """One figure of both sides, ``ratio`` new/old and the interval it is in, and the word for it.

    Times are in milliseconds, errors are a share.  The interval is wider than one of 95 %: it is
    what the test of all lines together went by.
    """

    name: str
    old: float
    new: float
    ratio: float
    low: float
    high: float
    word: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: ``word`` is better, worse, same or, if lines contradict, mixed.

    *differences* are the options in which the sides were not alike, *cautions* say why a figure
    may be doubted.
    """

    word: str
    lines: tuple[Line, ...]
    differences: tuple[str, ...]
    cautions: tuple[str, ...]


def compare(
    old: LoadReport | Sequence[LoadReport], new: LoadReport | Sequence[LoadReport]
) -> Comparison:
    """Hold *new* against *old*: one run on each side, or at least two on each.

    A line is better or worse if the interval of its ratio leaves out 1 and the ratio is off by
    1 % at least.  The intervals are those of a t test on logarithms (of errors: the exact one of
    two Poisson counts), made wider so that all lines together call something different in
    at most 5 % of comparisons of the same (Holm 1979).  With one run the slices of it say how
    sure a figure is, with several the runs do (Welch); only then is counted what differs from
    start to start.  Raises ValueError for one run against several, and for none.
    """
    olds = [old] if isinstance(old, LoadReport) else list(old)
    news = [new] if isinstance(new, LoadReport) else list(new)
    if not olds or not news or (len(olds) == 1) != (len(news) == 1):
        raise ValueError("give one report on each side, or at least two on each")
    failed = sum_of_runs([events(run) for run in olds]), sum_of_runs([events(run) for run in news])
    found = _judged(_side(olds), _side(news), failed)
    return Comparison(
        word=_overall(found),
        lines=tuple(found),
        differences=_differences(olds + news, olds[0], news[0]),
        cautions=(*_doubts("old", olds), *_doubts("new", news), *_unseen(olds + news, found)),
    )


def lines(comparison: Comparison) -> list[str]:
    """Return the comparison as a table of plain text, at most 100 columns wide."""
    named = {
        word: ", ".join(line.name for line in comparison.lines if line.word == word)
        for word in ("better", "worse")
    }
    said = "; ".join(f"{word}: {names}" for word, names in named.items() if names)
    first = said or f"same: nothing differs beyond chance and {PRACTICAL:.0%}"
    table = [f"{'':<10} {'old':>14} {'new':>14} {'new/old':>8}   {'interval':<17}"]
    table += [
        f"{line.name:<10} {_figure(line.name, line.old):>14} {_figure(line.name, line.new):>14} "
        f"{_ratio(line.ratio):>8}   {_ratio(line.low):>7} - {_ratio(line.high):<7} {line.word}"
        for line in comparison.lines
    ]
    remarks = [f"not alike: {text}" for text in comparison.differences]
    remarks += [f"mind: {text}" for text in comparison.cautions]
    return [
        *textwrap.wrap(first, _WIDTH),
        *(line.rstrip() for line in table),
        *(part for text in remarks for part in textwrap.wrap(text, _WIDTH, subsequent_indent="  ")),
    ]


def _side(runs: Sequence[LoadReport]) -> dict[str, Estimate]:
    """Return the estimates that every run of a side has."""
    each = [estimates(run) for run in runs]
    return {
        name: of_runs([found[name] for found in each])
        for name in each[0]
        if all(name in found for found in each)
    }


def _judged(
    before: dict[str, Estimate], after: dict[str, Estimate], failed: tuple[Events, Events]
) -> list[Line]:
    """Return all lines by Holm's steps: a line that differs leaves its share to the others."""
    waiting = [name for name in before if name in after] + ["errors"]
    silent = sum(side.count for side in failed) == 0  # then there is nothing to be wrong about
    settled: dict[str, Line] = {}
    while True:
        level = _FALSE / max(len(waiting) - silent, 1)
        found = {
            name: _errors(*failed, level)
            if name == "errors"
            else _line(name, before[name], after[name], level)
            for name in waiting
        }
        surest = {name: line for name, line in found.items() if line.word != "same"}
        settled |= surest or found
        waiting = [name for name in waiting if name not in surest]
        if not surest or not waiting:
            names = [*(name for name in before if name in after), "errors"]
            return [settled[name] for name in names]


def _line(name: str, old: Estimate, new: Estimate, level: float) -> Line:
    """Compare two estimates by Welch's t test on their logarithms."""
    change = new.log - old.log
    # Of both together: each for itself, chance would more often pass for a reason to doubt.
    spread = max(old.variance + new.variance, old.least + new.least)
    reach = 0.0
    if isinf(spread):
        reach = inf
    elif spread:
        reach = critical(level, _welch(old, new)) * sqrt(spread)
    low = exp(change - reach)
    high = exp(change + reach) if change + reach < _ENDLESS else inf
    word = _word(name, exp(change), low, high)
    return Line(name, old.value, new.value, exp(change), low, high, word)


def _welch(old: Estimate, new: Estimate) -> int:
    """Return the degrees of freedom of the sum of two variances (Welch and Satterthwaite)."""
    parts = old.variance**2 / old.degrees + new.variance**2 / new.degrees
    whole = (old.variance + new.variance) ** 2
    return max(1, floor(whole / parts if parts else old.degrees + new.degrees))


def _errors(old: Events, new: Events, level: float) -> Line:
    """Compare two counts: given their sum, the share of one is binomial (Przyborowski 1940).

    Bursts count as the fewer independent events that would vary as much.
    """
    if old.count == new.count == 0:
        return Line("errors", 0.0, 0.0, 1.0, 1.0, 1.0, "same")
    excess = max(old.excess, new.excess)
    sure = critical(level, 10**6)
    degrees = max(1, floor(min(old.degrees, new.degrees)))
    excess *= (critical(level, degrees) / sure) ** 2
    a, b = new.count / excess, old.count / excess
    scale = old.total / max(new.total, 1)
    low = _odds(beta_quantile(level / 2, a, b + 1)) * scale
    high = _odds(beta_quantile(1 - level / 2, a + 1, b)) * scale
    ratio = new.share / old.share if old.count else inf
    word = _word("errors", ratio, low, high)
    return Line("errors", old.share, new.share, ratio, low, high, word)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else inf


def _word(name: str, ratio: float, low: float, high: float) -> str:
    """Return the word for a ratio new/old that lies between *low* and *high*."""
    small = 1 / (1 + PRACTICAL) < ratio < 1 + PRACTICAL
    if small or low <= 1 <= high:
        return "same"
    return "better" if (ratio < 1) == _FEWER_IS_BETTER.get(name, True) else "worse"


def _overall(found: Sequence[Line]) -> str:
    words = {line.word for line in found} - {"same"}
    return "mixed" if len(words) == 2 else next(iter(words), "same")


def _differences(runs: Sequence[LoadReport], old: LoadReport, new: LoadReport) -> tuple[str, ...]:
    """Name what the runs were not alike in; headers and bodies may hold secrets."""
    found = []
    if len({run.loop_model for run in runs}) > 1:
        found.append(f"{old.loop_model} against {new.loop_model}")
    if len({(run.target, *(one.target for one in run.targets)) for run in runs}) > 1:
        found.append(f"target {old.target} against {new.target}")
    for name in LoadOptions.__struct_fields__:
        values = [getattr(run.options, name) for run in runs]
        if name not in _UNASKED and any(value != values[0] for value in values):
            pair = f" {_said(values[0])} against {_said(values[-1])}"
            found.append(name.replace("_", " ") + ("" if name in _SECRET else pair))
    if len({run.version for run in runs}) > 1:
        found.append(f"version {old.version} against {new.version}")
    return tuple(found)


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _doubts(side: str, runs: Sequence[LoadReport]) -> tuple[str, ...]:
    """Say which runs are not to be trusted."""
    doubted = [
        f"{side} run is {run.verdict.word}: {run.verdict.sentence}"
        for run in runs
        if not run.verdict.is_trusted
    ]
    return (*doubted, *(f"{side} run was stopped: {run.stopped}" for run in runs if run.stopped))


def _unseen(runs: Sequence[LoadReport], found: Sequence[Line]) -> tuple[str, ...]:
    """Say what this comparison cannot see."""
    said = []
    if any(isinf(line.high) and line.old for line in found):
        said.append("a run has too few slices to tell how sure a figure is: let it last longer")
    if {line.name for line in found} == {"errors"}:
        said.append("a run has too few answers to compare times")
    if len(runs) == 2:
        said.append(
            "one run on each side: what differs from one start of a server to the next is not "
            "counted; give several runs of each to see it"
        )
    return tuple(said)


def _figure(name: str, value: float) -> str:
    if name == "errors":
        return f"{value:.4%}"
    return f"{value:,.1f}" if name == "requests/s" else f"{value:,.3f} ms"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 1000 else "over 999"

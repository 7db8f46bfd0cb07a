"""Read rates, shares and the stages of a load test as people write them."""

import re

from crawler.cli.units import duration
from crawler.traffic.job import Stage

__all__ = ["parse_rate", "parse_share", "parse_stage"]

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)"
_RATE = re.compile(_NUMBER + r"\s*(k?)\s*(?:/\s*([sm]))?")
_SHARE = re.compile(_NUMBER + r"\s*(%?)")
_SECONDS = {None: 1, "s": 1, "m": 60}


def parse_rate(text: str) -> float:
    """Return requests/s, more than 0: a bare number, with k, and with /s or /m; or ValueError."""
    rate = _rate_or_pause(text)
    if not rate:
        raise ValueError(f"{text!r} is no rate: must be more than 0, such as 500, 30/m or 1k")
    return rate


def parse_share(text: str) -> float:
    """Return a share from 0 to 1, written as such or in percent; raises ValueError."""
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else -1
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is no share: write 5% or 0.05, at most 100% or 1")
    return share


def parse_stage(text: str) -> Stage:
    """Return the stage ``10s:100``, or the ramp ``30s:100..500``; raises ValueError.

    A stage may have the rate 0: a pause, or a ramp that starts or ends there.
    """
    length, colon, rates = text.partition(":")
    if not colon:
        raise ValueError(f"{text!r} is no stage: write 10s:100, or 30s:100..500 for a ramp")
    seconds = duration(length)
    if not seconds:
        raise ValueError(f"{text!r} is no stage: its duration must be more than 0, such as 10s")
    first, dots, last = rates.partition("..")
    start = _rate_or_pause(first)
    return Stage(seconds, start, _rate_or_pause(last) if dots else start)


def _rate_or_pause(text: str) -> float:
    """Return requests/s, 0 too; raises ValueError."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no rate: write 500, 500/s, 30/m or 1k")
    return float(match[1]) * (1000 if match[2] else 1) / _SECONDS[match[3]]

"""After a failed attempt: again, not before this time, or give up; never sleeps."""

import msgspec

from crawler.core.pages import Fetched, Outcome, Target

__all__ = ["BASE_DELAY", "MAX_DELAY", "Again", "Done", "RetryPolicy"]

#: First back-off and its ceiling in seconds; doubling with full jitter as in Marc Brooker,
#: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
BASE_DELAY = 0.5
MAX_DELAY = 30.0
#: A server may ask for more patience than our own back-off has, but not for ever.
MAX_RETRY_AFTER = 120.0

_MAY_PASS = frozenset({Outcome.TIMEOUT, Outcome.REFUSED, Outcome.RESET, Outcome.DNS})
_STATUS_MAY_PASS = frozenset({429, 502, 503, 504})


class Again(msgspec.Struct, frozen=True):
    """Take this target again, not before *not_before* (monotonic seconds)."""

    not_before: float
    home: bool | None = None


class Done(msgspec.Struct, frozen=True):
    """This target is finished, and its record is written."""

    outcome: Outcome
    home: bool | None = None


class RetryPolicy(msgspec.Struct, frozen=True):
    """How many times a target is tried again after its first attempt."""

    retries: int = 2

    def decide(self, target: Target, fetched: Fetched, now: float, draw: float) -> Again | None:
        """Return when to try again, or None; *draw* is a random number in [0, 1)."""
        if target.attempt > self.retries or not _may_pass(fetched):
            return None
        ceiling = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(target.attempt - 1, 16))
        asked = min(fetched.retry_after or 0.0, MAX_RETRY_AFTER)
        return Again(now + max(ceiling * draw, asked), fetched.home)


def _may_pass(fetched: Fetched) -> bool:
    return fetched.outcome in _MAY_PASS or fetched.status in _STATUS_MAY_PASS

"""A frontier that hands out the same targets again and again, for a closed-loop load test."""

from collections.abc import Iterator, Sequence

import msgspec

from crawler.core.frontier import FINISHED, Finished, Wait
from crawler.core.pages import Target
from crawler.core.retry import Again, Done

__all__ = ["Repeating"]


class Repeating:
    """Hands out *targets* by *choices* until *requests* were handed out, or time is over.

    The clock starts with the first that is taken: *warmup* seconds that do not count, then
    *seconds*; None of either means no end by it.  Otherwise it is a `Frontier` that is closed:
    it wants nothing, and nothing waits for politeness.
    """

    closed = True

    def __init__(
        self,
        targets: Sequence[Target],
        choices: Iterator[int],
        *,
        requests: int | None,
        seconds: float | None,
        warmup: float,
    ):
        self._targets = targets
        self._choices = choices
        self._left = requests
        self._seconds = seconds
        self._warmup = warmup
        self._taken: dict[int, Target] = {}
        self.began: float | None = None
        self.measured = 0
        self.in_warmup = 0

    @property
    def in_flight(self) -> int:
        """How many targets are taken and not yet settled."""
        return len(self._taken)

    def room(self) -> int:
        """Return 0: it has its targets."""
        return 0

    def offer(self, targets: Sequence[Target]) -> None:
        """Take nothing."""

    def close(self) -> None:
        """Stay closed."""

    def take(self, limit: int, now: float) -> list[Target] | Wait | Finished:
        """Return *limit* targets, fewer at the end, or why there are none."""
        if self.began is None:
            self.began = now
        is_warm = now >= self.began + self._warmup
        over = self._seconds is not None and now >= self.began + self._warmup + self._seconds
        if is_warm and self._left is not None:
            limit = min(limit, self._left)
            over = over or not self._left
        if over:
            return Wait(None) if self._taken else FINISHED
        if limit <= 0:
            return Wait(None)
        taken = [self._next(now) for _ in range(limit)]
        if is_warm:
            self.measured += limit
            self._left = None if self._left is None else self._left - limit
        else:
            self.in_warmup += limit
        return taken

    def settle(self, target: Target, outcome: Again | Done, now: float) -> None:  # noqa: ARG002 (as Frontier's)
        """Take back a target that was taken, for good."""
        del self._taken[id(target)]

    def _next(self, now: float) -> Target:
        target = msgspec.structs.replace(
            self._targets[next(self._choices)], attempt=1, taken_at=now
        )
        self._taken[id(target)] = target
        return target

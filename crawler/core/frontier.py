"""Which targets wait, are in flight and are done; knows no lock, no task and no clock."""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush

import msgspec

from crawler.core.pacing import Host
from crawler.core.pages import Target
from crawler.core.retry import Again, Done

__all__ = ["FINISHED", "WINDOW", "Finished", "Frontier", "Wait"]

#: Targets read ahead of the crawl.  Room for the slow ones not to hold up the rest, and still
#: flat memory: 4 096 targets are about 2 MB.
WINDOW = 4096
#: Hosts remembered though nothing waits for them, before the idle ones are forgotten.
HOSTS_REMEMBERED = 10_000


class Wait(msgspec.Struct, frozen=True):
    """Nothing may be taken before *until* (monotonic seconds); None: before something settles."""

    until: float | None


class Finished(msgspec.Struct, frozen=True):
    """Nothing waits, nothing is in flight, and no more will be offered."""


FINISHED = Finished()


class Frontier:
    """Hands out targets, host by host in turn, and takes back what became of them.

    There is no await and no lock in here: whoever owns it says so in the header of its mode.
    What is taken is settled exactly once; anything else raises KeyError.  ``held_s`` counts the
    seconds in which politeness alone kept a place free.
    """

    def __init__(self, *, is_home: Callable[[str], bool], window: int = WINDOW):
        self._is_home = is_home
        self._window = window
        self._hosts: dict[str, Host] = {}
        self._turn: deque[Host] = deque()
        self._cooling: list[tuple[float, int, Host]] = []
        self._retries: list[tuple[float, int, Target]] = []
        self._taken: dict[int, Target] = {}
        self._waiting = 0
        self._ticket = 0
        self._closed = False
        self._held_since: float | None = None
        self.offered = 0
        self.settled = 0
        self.held_s = 0.0

    def __repr__(self) -> str:
        return (
            f"<Frontier {self._waiting} waiting, {self.in_flight} in flight, {self.settled} done>"
        )

    @property
    def in_flight(self) -> int:
        """How many targets are taken and not yet settled."""
        return len(self._taken)

    @property
    def closed(self) -> bool:
        """Whether no more will be offered."""
        return self._closed

    def room(self) -> int:
        """Return how many more targets it wants now: none, or enough to be worth the asking."""
        room = self._window - self._waiting
        return 0 if self._closed or room * 4 < self._window else room

    def offer(self, targets: Iterable[Target]) -> None:
        """Add targets that were read; each will be handed out."""
        for target in targets:
            self.offered += 1
            self._enqueue(target)

    def close(self) -> None:
        """Say that no more will be offered."""
        self._closed = True

    def take(self, limit: int, now: float) -> list[Target] | Wait | Finished:
        """Return up to *limit* targets that may be asked for at *now*, or why there are none."""
        self._wake(now)
        taken: list[Target] = []
        while len(taken) < limit and self._turn:
            host = self._turn.popleft()
            host.queued = False
            if host.next_at > now or not host.has_room():  # learnt to be public in the meantime
                self._line_up(host)
                continue
            target = host.give(now)
            target.attempt += 1
            target.taken_at = now
            self._waiting -= 1
            self._taken[id(target)] = target
            taken.append(target)
            self._line_up(host)
        self._note_held(now, held=limit > 0 and not taken and bool(self._cooling))
        if taken:
            return taken
        if self._closed and not self._waiting and not self._taken:
            return FINISHED
        return Wait(self._next_time() if limit > 0 else None)

    def settle(self, target: Target, outcome: Again | Done, now: float) -> None:
        """Take back a target that was taken: done for good, or to be taken again later."""
        del self._taken[id(target)]
        host = self._hosts[target.host]
        host.in_flight -= 1
        if outcome.home is not None:
            host.learn(home=outcome.home)
        if isinstance(outcome, Again):
            self._waiting += 1
            self._ticket += 1
            heappush(self._retries, (outcome.not_before, self._ticket, target))
        else:
            self.settled += 1
        self._line_up(host)
        if len(self._hosts) > HOSTS_REMEMBERED:
            self._forget(now)

    def abandon(self) -> list[Target]:
        """Close, and return what was offered and not taken; it counts as settled."""
        self._closed = True
        left = [target for _, _, target in sorted(self._retries, key=lambda entry: entry[:2])]
        for host in self._hosts.values():
            left.extend(host.waiting)
            host.waiting.clear()
            host.queued = False
        self._turn.clear()
        self._cooling.clear()
        self._retries.clear()
        self._waiting = 0
        self.settled += len(left)
        return left

    def recall(self) -> list[Target]:
        """Return what is in flight; it counts as settled, whoever has it must drop it."""
        left = list(self._taken.values())
        self._taken.clear()
        self.settled += len(left)
        return left

    def _enqueue(self, target: Target) -> None:
        host = self._hosts.get(target.host)
        if host is None:
            host = Host(target.host, home=not target.host or self._is_home(target.host))
            self._hosts[target.host] = host
        host.waiting.append(target)
        self._waiting += 1
        self._line_up(host)

    def _line_up(self, host: Host) -> None:
        """Put a host where it belongs: in turn, cooling, or nowhere until one of it settles."""
        if host.queued or not host.waiting or not host.has_room():
            return
        host.queued = True
        if host.pace.gap:
            self._ticket += 1
            heappush(self._cooling, (host.next_at, self._ticket, host))
        else:
            self._turn.append(host)

    def _wake(self, now: float) -> None:
        while self._retries and self._retries[0][0] <= now:
            target = heappop(self._retries)[2]
            self._waiting -= 1
            self._enqueue(target)
        while self._cooling and self._cooling[0][0] <= now:
            self._turn.append(heappop(self._cooling)[2])

    def _note_held(self, now: float, *, held: bool) -> None:
        """Add up the seconds in which a place was free and politeness kept it so."""
        if self._held_since is not None:
            self.held_s += now - self._held_since
        self._held_since = now if held else None

    def _next_time(self) -> float | None:
        times = [heap[0][0] for heap in (self._cooling, self._retries) if heap]
        return min(times, default=None)

    def _forget(self, now: float) -> None:
        idle = [name for name, host in self._hosts.items() if host.is_idle(now)]
        for name in idle:
            del self._hosts[name]

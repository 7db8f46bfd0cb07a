"""Which connections are idle, where they lead, and which of them to close; opens none itself."""

from typing import Generic, TypeVar

__all__ = ["IDLE_SECONDS", "IdlePool", "Origin"]

#: Seconds after which an idle connection is closed; common servers close theirs at 5 to 75.
IDLE_SECONDS = 15.0

#: Scheme, host and port.
Origin = tuple[str, str, int]

_Conn = TypeVar("_Conn")


class IdlePool(Generic[_Conn]):
    """Idle connections, each step in constant time; time is an argument (monotonic seconds).

    At most *most_idle* are kept (None: any number), each for *idle_seconds*.  Its owner closes
    what ``put``, ``oldest`` and ``expired`` hand out.
    """

    def __init__(self, most_idle: int | None = None, idle_seconds: float | None = IDLE_SECONDS):
        self._most_idle = float("inf") if most_idle is None else most_idle
        self._idle_seconds = float("inf") if idle_seconds is None else idle_seconds
        #: Both in the order of their return: the newest is taken, the oldest is closed.
        self._of_origin: dict[Origin, dict[_Conn, None]] = {}
        self._idle: dict[_Conn, tuple[Origin, float]] = {}

    def __len__(self) -> int:
        return len(self._idle)

    def __repr__(self) -> str:
        return f"<IdlePool {len(self._idle)} idle to {len(self._of_origin)} origins>"

    def take(self, origin: Origin) -> _Conn | None:
        """Return the connection to *origin* that became idle last."""
        to_origin = self._of_origin.get(origin)
        if to_origin is None:
            return None
        connection, _ = to_origin.popitem()
        if not to_origin:
            del self._of_origin[origin]
        del self._idle[connection]
        return connection

    def put(self, connection: _Conn, origin: Origin, now: float) -> _Conn | None:
        """Keep an idle connection; return one to close if that is one too many."""
        self._of_origin.setdefault(origin, {})[connection] = None
        self._idle[connection] = (origin, now)
        return self.oldest() if len(self._idle) > self._most_idle else None

    def oldest(self) -> _Conn | None:
        """Take out the connection that has been idle for the longest time."""
        connection = next(iter(self._idle), None)
        if connection is not None:
            self.remove(connection)
        return connection

    def remove(self, connection: _Conn) -> None:
        """Forget a connection that is gone, if it was idle."""
        origin, _ = self._idle.pop(connection, (None, 0.0))
        if origin is not None:
            to_origin = self._of_origin[origin]
            del to_origin[connection]
            if not to_origin:
                del self._of_origin[origin]

    def next_expiry(self) -> float | None:
        """Return when the next connection is to be closed."""
        for _, since in self._idle.values():
            return since + self._idle_seconds
        return None

    def expired(self, now: float) -> list[_Conn]:
        """Take out the connections that have been idle for too long."""
        old = []
        while (ends := self.next_expiry()) is not None and ends <= now:
            old.append(self.oldest())
        return [connection for connection in old if connection is not None]

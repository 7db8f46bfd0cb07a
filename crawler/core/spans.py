"""Spans of time, who spent them, and places beside each other in which none overlap."""

from bisect import bisect_right, insort

__all__ = ["Places", "Span", "Trail", "Where"]

#: The process and the name of its thread.
Where = tuple[int, str]
#: Who (None: a task on a loop, which shares its thread), what, from when to when in monotonic
#: seconds.  A plain tuple: it is made several times a page, and crosses to other processes.
Span = tuple[Where | None, str, float, float]


#: When each step of connecting began and ended.
Steps = tuple[tuple[float, float], ...]


class Trail:
    """The spans of one attempt at a page, as it goes on; times in monotonic seconds.

    ``queue`` and ``fetch`` follow each other; within the fetch each request has ``connect``, if
    it made a connection, ``wait`` until the head of the answer, and ``body``.
    """

    def __init__(self, where: Where | None, taken: float, began: float):
        self._where = where
        self._began = self._mark = began
        self._is_answered = False
        self.spans: list[Span] = [(where, "queue", min(taken, began), began)]

    def asked(self, now: float) -> None:
        """Note that a request is made."""
        self._mark, self._is_answered = now, False

    def answered(self, now: float, connecting: Steps) -> None:
        """Note the head of its answer, and the times in which it was *connecting*."""
        for began, ended in connecting:
            self._add("connect", ended, max(began, self._mark))
        self._add("wait", now, self._mark)
        self._is_answered = True

    def ended(self, now: float) -> None:
        """Note the end of the body."""
        self._add("body", now, self._mark)

    def failed(self, now: float, connecting: Steps, *, fresh: bool) -> None:
        """Note a failure; a *fresh* connection that was not made was being made."""
        if self._is_answered:
            self._add("body", now, self._mark)
        elif fresh and not connecting:
            self._add("connect", now, self._mark)
        else:
            self.answered(now, connecting)

    def done(self, now: float) -> list[Span]:
        """Return all spans, those that hold others before them."""
        self.spans.insert(1, (self._where, "fetch", self._began, now))
        return self.spans

    def _add(self, name: str, ended: float, began: float) -> None:
        """Add what the next one does not begin before."""
        self.spans.append((self._where, name, began, ended))
        self._mark = ended


class Places:
    """Gives spans places, numbered from 0, so that no two in one place overlap.

    Given in the order of their ends they take as few as can be, which is as many as there ever
    were at once: each goes where the gap before it is least (Faigle and Nawijn, "Note on
    scheduling intervals on-line", 1995).
    """

    def __init__(self) -> None:
        self._ends: list[tuple[float, int]] = []

    def fit(self, began: float, ended: float) -> int:
        """Return the place for a span."""
        index = bisect_right(self._ends, (began, len(self._ends)))
        place = self._ends.pop(index - 1)[1] if index else len(self._ends)
        insort(self._ends, (ended, place))
        return place

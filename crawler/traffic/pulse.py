"""Some 100 beats a second: how late the loop is, how much is in flight, when a piece ends."""

__all__ = ["BEAT", "Pulse"]

#: Nanoseconds from beat to beat: no round part of a second, or samples of what is in flight
#: would always fall on the same moment between two requests of a timetable.
BEAT = 9_381_966


class Pulse:
    """Beats from *start*, in pieces of *length*; samples from *measured_from* on make the mean.

    One piece begins at *measured_from*.  Times are nanoseconds of the monotonic clock.  ``due``
    is when the next beat is; a beat that was missed is not left out, so that a loop that stood
    still is late many times.
    """

    def __init__(self, start: int, length: int, measured_from: int):
        self.due = start
        self._length = length
        self._piece_ends = start + ((measured_from - start) % length or length)
        self._measured_from = measured_from
        self._samples = self._sum = 0
        self._measured = self._measured_sum = 0

    @property
    def is_measured(self) -> bool:
        """Whether the beat that is due lies behind the warm-up."""
        return self.due >= self._measured_from

    def beat(self, in_flight: int, ends: int | None) -> None:
        """Take a sample, and let the next beat be due: at *ends* if that comes first."""
        self._samples += 1
        self._sum += in_flight
        if self.is_measured:
            self._measured += 1
            self._measured_sum += in_flight
        following = self.due + BEAT
        self.due = following if ends is None or not self.due < ends < following else ends

    def is_piece_over(self, now: int) -> bool:
        """Say whether a piece ends, and let the next one end later than *now*."""
        if now < self._piece_ends:
            return False
        self._piece_ends += (1 + (now - self._piece_ends) // self._length) * self._length
        return True

    def piece_mean(self) -> float:
        """Return the mean in flight since it was asked for last."""
        mean = self._sum / max(self._samples, 1)
        self._samples = self._sum = 0
        return mean

    def mean(self) -> float:
        """Return the mean in flight behind the warm-up."""
        return self._measured_sum / max(self._measured, 1)

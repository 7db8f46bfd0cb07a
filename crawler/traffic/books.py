"""The account that one generator gives when all is done; it pickles."""

import msgspec

from crawler.traffic.tally import Tally

__all__ = ["Books"]


class Books(msgspec.Struct, kw_only=True):
    """What was counted and what it cost.

    ``in_flight_mean`` is by samples, ``in_flight_by_times`` by the times of the requests.
    ``window_ended`` is when rates ceased to be taken, in monotonic nanoseconds.  ``first_heads``
    are of the first answer on each connection.  Shares are of the time until then.
    """

    tally: Tally
    scheduled: int
    unsent: int
    in_flight_at_end: int
    in_flight_mean: float
    in_flight_by_times: float
    warmup_sent: int
    window_ended: int
    opened: int
    first_heads: list[bytes]
    timer: str
    cpu_s: float
    cpu_share: float
    queue_share: float | None
    memory: int

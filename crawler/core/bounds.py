"""Which limit held a run: pages in flight, a busy thread, the cores, politeness or the input."""

import msgspec

__all__ = ["Load", "binding_limit"]

#: A resource used more than this counts as the limit; below it something else was waited for.
BUSY = 0.85


class Load(msgspec.Struct, kw_only=True, frozen=True):
    """How loaded each resource was between the first and the last record, 1.0 being full."""

    places: float
    owner_thread: float
    workers: float
    cores: float
    polite: float
    in_flight: int
    cores_count: int


def binding_limit(load: Load) -> str:
    """Return in words which limit held the run, from the one closest to its end."""
    if load.cores >= BUSY:
        return f"the CPU: all {load.cores_count} cores were busy"
    if load.owner_thread >= BUSY:
        return "the CPU of one thread: this process used one core whole"
    if load.workers >= BUSY:
        return "the CPU of the workers"
    if load.polite > 0.5:
        return "politeness towards public hosts"
    if load.places >= BUSY:
        return f"places: all {load.in_flight} in flight were used (-c, or -w for processes)"
    return "waiting: neither the CPU nor the places were used up (input, output or retries)"

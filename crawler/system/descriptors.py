"""See to it that this process may open as many files and sockets as a run needs."""

import importlib.util

from crawler.core.errors import OptionsError

__all__ = ["SPARE", "ensure_connections", "ensure_descriptors"]

#: For everything that is not a page in flight: outputs, sources, pipes of workers, the loop.
SPARE = 64
#: A place in flight has one connection in use and up to two idle ones.
SOCKETS = 3


def ensure_descriptors(in_flight: int, workers: int, *, shared: bool) -> int:
    """Return how many connections may be open at once; raises OptionsError if too few.

    The soft limit is raised if it is too low.  Connections that all places *share* can do with
    few idle ones: a quarter more than are in flight.
    """
    wanted = SOCKETS * in_flight
    least = in_flight + in_flight // 4 if shared else wanted
    return _ensure(f"{in_flight} in flight", wanted, least, 8 * workers + SPARE)


def ensure_connections(count: int, origins: int) -> None:
    """See to it that *count* places may have one open to each of *origins*, or OptionsError."""
    whom = f" to {origins} origins" if origins > 1 else ""
    _ensure(f"-c {count}{whom}:", count * origins, count * origins, SPARE)


def _ensure(what: str, wanted: int, least: int, others: int) -> int:
    if importlib.util.find_spec("resource") is None:
        return wanted  # Windows has no such limit
    resource = importlib.import_module("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted + others:
        return wanted
    most = wanted + others if hard == resource.RLIM_INFINITY else min(hard, wanted + others)
    if most < least + others:
        raise OptionsError(f"{what} need {least + others} open files; the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    return int(max(soft, most)) - others

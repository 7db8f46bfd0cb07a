"""See to it that this process may open as many files and sockets as a run needs."""

import importlib.util

from crawler.core.errors import OptionsError

__all__ = ["SPARE", "ensure_descriptors"]

#: For everything that is not a page in flight: outputs, sources, pipes of workers, the loop.
SPARE = 64
#: A place in flight has one connection in use and up to two idle ones.
SOCKETS = 3


def ensure_descriptors(in_flight: int, workers: int) -> None:
    """Raise the soft limit if it is too low; raises OptionsError where the hard one is."""
    if importlib.util.find_spec("resource") is None:
        return  # Windows has no such limit
    resource = importlib.import_module("resource")
    wanted = SOCKETS * in_flight + 8 * workers + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise OptionsError(f"{in_flight} in flight need {wanted} open files; the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""Run `crawl selftest`: prove the load tool on this machine, and print our error at each figure."""

from collections.abc import Iterable

from crawler.cli.exits import of_error
from crawler.cli.serving import served
from crawler.cli.streams import say
from crawler.core.errors import CrawlError
from crawler.core.version import user_agent
from crawler.system.cores import apart
from crawler.traffic.proof import Proof, Row, proofs

__all__ = ["run_selftest"]


def run_selftest() -> int:
    """Print each proof as it is done; returns 0 when all hold, 1 otherwise."""
    print("crawl load against the bundled test server, on this machine")
    try:
        with served(size="1kB", quiet=True) as (url, pid), apart(pid):
            failed = _show(proofs(url, user_agent()))
    except CrawlError as error:
        say(f"crawl: {error}")
        return of_error(error)
    print("all hold" if not failed else f"{failed} of the claims do not hold on this machine now")
    return 1 if failed else 0


def _show(found: Iterable[Proof]) -> int:
    """Print *found* one by one; returns how many do not hold."""
    failed = 0
    for proof in found:
        again = f"  (repeated {proof.repeats} times: the machine was not quiet)"
        print(f"\n{proof.name:<4}{proof.claim}{again if proof.repeats else ''}")
        for row in proof.rows:
            print(line(row), flush=True)
        failed += not proof.holds
    return failed


def line(row: Row) -> str:
    """Return a figure as it must be, as it was found, and how far off it is."""
    unit = f" {row.unit}" if row.unit else ""
    digits = 0 if float(row.truth).is_integer() and float(row.ours).is_integer() else 3
    truth, ours, off, allowed = (
        f"{value:.{digits}f}" for value in (row.truth, row.ours, row.ours - row.truth, row.allowed)
    )
    mark = "ok" if row.holds else "FAILS"
    return (
        f"    {row.what:<30} truth {truth:>10}{unit}  found {ours:>10}{unit}  "
        f"off {off:>8} of {allowed:>7}  {mark}"
    )

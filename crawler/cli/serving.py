"""Start the bundled test server: for `crawl serve`, which has its own options, and for selftest."""

import contextlib
from collections.abc import Iterator

__all__ = ["serve", "served"]


def serve(words: list[str]) -> int:
    """Serve until told to stop; returns the exit code."""
    from fixtures.__main__ import main  # here, so that no other command waits for it

    return main(words, prog_name="crawl serve")


@contextlib.contextmanager
def served(**options: object) -> Iterator[tuple[str, int]]:
    """Serve for as long as the body runs, in another process; gives its URL and its id."""
    from fixtures.running import serve as serve_child

    with serve_child(**options) as running:
        yield running.url, running.pid

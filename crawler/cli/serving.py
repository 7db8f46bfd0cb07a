"""Hand the words of `crawl serve` to the bundled test server, which has its own options."""

__all__ = ["serve"]


def serve(words: list[str]) -> int:
    """Serve until told to stop; returns the exit code."""
    from fixtures.__main__ import main  # here, so that no other command waits for it

    return main(words, prog_name="crawl serve")

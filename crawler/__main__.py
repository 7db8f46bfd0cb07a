"""Let `python -m crawler` and the command `crawl` be the command line."""

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Outside a run Ctrl-C has nothing to save: end at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from crawler.cli import app  # here: worker processes import this module and have no use for it

    sys.exit(app(standalone_mode=False, prog_name="crawl"))


if __name__ == "__main__":
    main()

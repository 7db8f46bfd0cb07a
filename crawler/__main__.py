"""Let `python -m crawler` and the command `crawl` be the command line."""

import signal
import sys

import typer

from crawler.cli import app

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Outside a run Ctrl-C has nothing to save: end at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        code = app(standalone_mode=False, prog_name="crawl")
    except typer.TyperException as error:
        sys.stderr.write(f"crawl: {error.format_message()}\n")
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()

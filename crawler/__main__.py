"""Let `python -m crawler` and the command `crawl` be the command line."""

import sys

import typer

from crawler.cli import app

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        code = app(standalone_mode=False, prog_name="crawl")
    except typer.TyperException as error:
        sys.stderr.write(f"crawl: {error.format_message()}\n")
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()

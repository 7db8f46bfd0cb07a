"""Turn words into options and reports into text; decide nothing."""

from crawler.cli.commands import app

__all__ = ["app"]

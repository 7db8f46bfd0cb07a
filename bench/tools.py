"""Other people's load tools: how each is asked for the same load, and what it says of its run."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.cell import BenchError
from bench.interpreters import FOLDER
from bench.nginx import CONNECTIONS

__all__ = ["TOOLS", "Said", "Tool", "present"]

RIVALS = Path(__file__).resolve().parent / "rivals"
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


class Said(NamedTuple):
    """What a tool says: answers that it got, and troubles of any kind, added up."""

    answers: int
    troubles: int


@dataclass(frozen=True)
class Tool:
    """A program, the words that it is given, what reads its report, and what tells versions.

    In the words stand `{url}`, `{site}` (the URL without its path), `{seconds}`, `{report}` and
    `{rivals}`, the folder with scripts for other people's tools.
    Its report is `{report}.json` if it writes that, else its standard output.  *versions* has
    for each name a command that prints it.
    """

    name: str
    program: str
    words: Sequence[str]
    read: Callable[[str], Said]
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def command(self, url: str, seconds: int, report: Path) -> list[str]:
        """Return the command for one run."""
        parts = urlsplit(url)
        given = {
            "url": url, "site": f"{parts.scheme}://{parts.netloc}", "seconds": seconds,
            "report": report, "rivals": RIVALS,
        }  # fmt: skip
        return [self.program, *(word.format_map(given) for word in self.words)]

    def said(self, report: str) -> Said:
        """Return what it says in its report; raises BenchError if that says nothing of requests."""
        try:
            return self.read(report)
        except (LookupError, TypeError, ValueError):
            raise BenchError(f"{self.name} says nothing of requests: {report.strip()}") from None


def _matched(answers: str, troubles: str, report: str) -> Said:
    """Add up all numbers that the two patterns find; raises LookupError without any answers."""
    found = list(_numbers(answers, report))
    if not found:
        raise LookupError(answers)
    return Said(sum(found), sum(_numbers(troubles, report)))


def _numbers(pattern: str, report: str) -> Sequence[int]:
    matches = re.finditer(pattern, report, re.MULTILINE)
    return [int(number) for match in matches for number in match.groups() if number]


def _autocannon(report: str) -> Said:
    found = json.loads(report)
    kinds = ("errors", "timeouts", "mismatches", "non2xx", "resets")
    return Said(found["requests"]["total"], sum(found[kind] for kind in kinds))


def _ours(report: str) -> Said:
    found = json.loads(report)
    failed = found["http_error"] + found["network"] + found["timeout"]
    return Said(found["ok"] + failed, failed)


def _locust(report: str) -> Said:
    [found] = json.loads(report)
    return Said(found["num_requests"], found["num_failures"])


_WRK = partial(
    _matched,
    r"^ +(\d+) requests in ",
    r"^ +Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$"
    r"|^ +Non-2xx or 3xx responses: (\d+)$",
)
_HEY = partial(
    _matched,
    r"^ +\[\d{3}\]\t(\d+) responses$",
    r"^ +\[(?!2\d\d\])\d{3}\]\t(\d+) responses$|^ +\[(\d+)\]\t(?!\d+ responses$)",
)
_AB = partial(
    _matched,
    r"^Complete requests: +(\d+)$",
    r"^(?:Failed requests|Write errors|Non-2xx responses): +(\d+)$",
)
_H2LOAD = partial(
    _matched,
    r"^requests: .* (\d+) done,",
    r"^requests: .* (\d+) failed, (\d+) errored, (\d+) timeout$"
    r"|^status codes: .* (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$",
)
_AUTOCANNON = str(FOLDER / "node" / "node_modules" / ".bin" / "autocannon")
_LOCUST = str(FOLDER / "bin" / "locust")

#: The same for all: so many connections that stay open, each asking again once it is answered.
TOOLS = (
    Tool(
        name="crawl load",
        program=sys.executable,
        words=(
            "-m", "crawler", "load", "-c", f"{CONNECTIONS}", "-z", "{seconds}s",
            "-o", "{report}.json", "{url}",
        ),
        read=_ours,
    ),
    Tool(
        name="wrk",
        program="wrk",
        words=("-t1", f"-c{CONNECTIONS}", "-d{seconds}s", "{url}"),
        read=_WRK,
        versions={"wrk": ("wrk", "-v")},
    ),
    Tool(
        name="hey",
        program="hey",
        words=("-c", f"{CONNECTIONS}", "-z", "{seconds}s", "{url}"),
        read=_HEY,
        # It does not tell, but where it was installed from does.
        versions={"hey": ("dpkg-query", "--show", "--showformat=${Version}", "hey")},
    ),
    Tool(
        name="ab",
        program="ab",
        # `-t` alone would end after 50 000 requests; it keeps 32 bytes for each that it may send.
        words=("-k", "-q", "-c", f"{CONNECTIONS}", "-t", "{seconds}", "-n", "5000000", "{url}"),
        read=_AB,
        versions={"ab": ("ab", "-V")},
    ),
    Tool(
        name="h2load",
        program="h2load",
        words=("--h1", "-t1", f"-c{CONNECTIONS}", "-D", "{seconds}", "{url}"),
        read=_H2LOAD,
        versions={"h2load": ("h2load", "--version")},
    ),
    Tool(
        name="autocannon",
        program=_AUTOCANNON,
        words=("-c", f"{CONNECTIONS}", "-d", "{seconds}", "--json", "{url}"),
        read=_autocannon,
        versions={"autocannon": (_AUTOCANNON, "--version"), "node": ("node", "--version")},
    ),
    Tool(
        name="Locust",
        program=_LOCUST,
        words=(
            "-f", "{rivals}/locust_file.py", "--headless", "--only-summary", "-u", f"{CONNECTIONS}",
            "--spawn-rate", f"{CONNECTIONS}", "--run-time", "{seconds}s", "--host", "{site}",
            "--json-file", "{report}",
        ),
        read=_locust,
        versions={"locust": (_LOCUST, "--version")},
    ),
)  # fmt: skip


def present(tools: Sequence[Tool] = TOOLS) -> tuple[list[Tool], dict[str, str]]:
    """Return those *tools* that are on this machine, and versions by name."""
    found = [tool for tool in tools if shutil.which(tool.program)]
    asked = {name: words for tool in found for name, words in tool.versions.items()}
    return found, {name: _version(words) for name, words in asked.items()}


def _version(words: Sequence[str]) -> str:
    """Return the first number with a dot that a command prints."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    found = _VERSION.search(done.stdout + done.stderr)
    return found[0] if found else "unknown"

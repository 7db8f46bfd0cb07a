"""See to it that no file of one run is read and replaced at once, nor written twice."""

import os
import stat
import sys
from collections.abc import Iterable

from crawler.core.errors import OptionsError, OutputError, SourceError

__all__ = ["check_files", "check_roles"]


def check_files(
    sources: list[str], output: str | None, failed: str | None, trace: str | None
) -> None:
    """Raise for a standard stream that is closed, and for a file that has two roles."""
    if "-" in sources and sys.stdin is None:
        raise SourceError("standard input: closed")
    if output in {None, "-"} and sys.stdout is None:
        raise OutputError("standard output: closed; name a file with -o")
    if failed == "-":
        raise OptionsError("--failed -: name a file; standard output is for records")
    if trace == "-":
        raise OptionsError("--trace -: name a file; standard output is for records")
    check_roles(sources, (("--output", output), ("--failed", failed), ("--trace", trace)))


def check_roles(sources: Iterable[str], outputs: Iterable[tuple[str, str | None]]) -> None:
    """Raise OptionsError for a file that is both source and output, or output twice."""
    roles = {_identity(source): "a source" for source in sources}
    for role, path in outputs:
        if path is None or path == "-" or (identity := _identity(path)) is None:
            continue
        if identity in roles:
            raise OptionsError(f"{path}: both {roles[identity]} and {role}; write to another file")
        roles[identity] = role


def _identity(path: str) -> object:
    """Return what two names of one file share; None for what can have many roles."""
    try:
        status = os.fstat(0) if path == "-" else os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path) if "\0" not in path else None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None

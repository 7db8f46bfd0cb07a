"""The three standard streams, also where one is closed, full, or a terminal to be kept safe."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

import typer

from crawler.cli.text import printable

__all__ = ["fill_closed_streams", "is_terminal", "own_output", "say", "tell", "told"]


class _Stop(Protocol):
    @property
    def forced(self) -> bool: ...


def fill_closed_streams() -> None:
    """Open nothing at all where a standard stream is closed, lest a socket gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether *stream* is open and a person may sit before it; a closed one is None."""
    return stream is not None and stream.isatty()


def say(text: str) -> None:
    """Tell a person, line by line safe for a terminal; a person who is gone misses it."""
    if sys.stderr is None:
        return
    try:
        print("\n".join(printable(line) for line in text.split("\n")), file=sys.stderr)
    except OSError:
        _drop(sys.stderr)


def tell(text: str) -> None:
    """Print what was asked for on standard output, safe for a terminal; raises OSError."""
    print("\n".join(printable(line) for line in text.split("\n")), flush=True)


def told(stop: _Stop, *, silent: bool) -> Callable[[], None]:
    """Return what tells a person, from the signal handler, that a request to stop was heard."""

    def heard() -> None:
        if not silent and not stop.forced:
            text = "crawl: stopping after what is in flight; once more to stop now\n"
            with contextlib.suppress(
                OSError
            ):  # print() may be in use by what the signal interrupted
                os.write(2, text.encode())

    return heard


@contextmanager
def own_output() -> Iterator[None]:
    """End with the exit code of an output that failed, while help or a schema is printed."""
    try:
        yield
    except BrokenPipeError:
        _drop(sys.stdout)
        raise typer.Exit(141) from None
    except OSError as error:
        _drop(sys.stdout)
        say(f"crawl: standard output: {error.strerror}")
        raise typer.Exit(8) from None


def _drop(stream: TextIO) -> None:
    """Lead *stream* nowhere, so that what Python flushes at its end does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

"""Read URLs from files, gzip files, standard input and arguments, lazily and a few at a time."""

import codecs
import errno
import gzip
import io
import os
import select
import stat
import sys
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from crawler.core.errors import SourceError
from crawler.core.pages import Batch, Place, Target
from crawler.core.urls import MAX_URL_LENGTH, public_form, target_of

__all__ = ["Intake"]

#: Bytes read at once: 64 KiB is about a thousand URLs.
_CHUNK = 65_536
#: A NUL within this many bytes makes a file binary, as grep and git have it.
_BINARY_PROBE = 8192
#: A longer line is one bad URL, and the rest of it is dropped; four bytes a character at most.
_LONGEST_LINE = 4 * MAX_URL_LENGTH


class Intake:
    """The inputs of a run, in order; ``read`` never waits if ``wait_ready`` was called first.

    A source is a file of URLs (plain or .gz), ``-`` for standard input, or a URL.  All of
    them are looked at before the first request: raises SourceError naming the one at fault.
    """

    def __init__(self, sources: Sequence[str]):
        if not sources:
            raise SourceError("no source: name a file of URLs, a URL, or - for standard input")
        self._queue: deque[_Lines | Target] = deque()
        try:
            self._queue.extend(_opened(source) for source in sources)
        except SourceError:
            self.close()
            raise
        self._sources = [source for source in self._queue if isinstance(source, _Lines)]

    def wait_ready(self, timeout: float | None = None) -> bool:
        """Wait until ``read`` has something or time runs out; only standard input takes any."""
        source = self._queue[0] if self._queue else None
        return not isinstance(source, _Lines) or source.wait_ready(timeout)

    def read(self, most: int) -> Batch:
        """Return the next inputs, at most *most*; none may be ready though more will come."""
        targets: list[Target] = []
        while self._queue and not targets:
            source = self._queue[0]
            if isinstance(source, Target):
                targets.append(source)
                self._queue.popleft()
                continue
            targets = source.read(most)
            if source.ended:
                self._queue.popleft()
                source.close()
            elif not targets:
                break
        return Batch(targets, self.resume_at(), ended=not self._queue)

    def resume_at(self) -> Place | None:
        """Return the first line that was not read; None if everything was."""
        if not self._queue:
            return None
        source = self._queue[0]
        return source.place if isinstance(source, _Lines) else Place(source.url, 1)

    def share_read(self) -> float | None:
        """Return the share of all bytes that was read; None if it cannot be known."""
        sizes = [source.size for source in self._sources]
        if None in sizes:
            return None
        whole = sum(filter(None, sizes))
        return sum(source.taken for source in self._sources) / whole if whole else 1.0

    def close(self) -> None:
        """Close whatever is still open."""
        for source in list(self._queue):  # the feed's thread may be at it still
            if isinstance(source, _Lines):
                source.close()


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...


class _Lines:
    """The lines of one file, read in chunks so that a long list never fills the memory."""

    def __init__(self, name: str, stream: _Stream, *, waits: bool, size: int | None):
        self._stream = stream
        self._waits = waits
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._ended = False
        self._too_long = False
        self._number = 0
        self._seen = 0
        self._name = name
        self.size = size
        self.taken = 0

    @property
    def place(self) -> Place:
        return Place(self._name, self._number + 1)

    def wait_ready(self, timeout: float | None) -> bool:
        if not self._waits or self._lines or self._ended or not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(self._stream.fileno(), select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def read(self, most: int) -> list[Target]:
        targets: list[Target] = []
        may_fill = True
        while most > 0:
            while self._lines and len(targets) < most:
                line = self._lines.popleft()
                target = _target_in(line, first=self._number == 0)
                self._number += 1
                self.taken += len(line) + 1
                if target is not None:
                    targets.append(target)
            if targets or self._ended or not may_fill:
                break
            self._fill()
            may_fill = not self._waits
        return targets

    @property
    def ended(self) -> bool:
        """Whether every line was handed out."""
        return self._ended and not self._lines

    def close(self) -> None:
        self._stream.close()

    def _fill(self) -> None:
        try:
            chunk = self._stream.read1(_CHUNK)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self._name}: unreadable after line {self._number}") from error
        self.accept(chunk)

    def accept(self, chunk: bytes) -> None:
        """Split what was read into lines; an empty chunk is the end; raises SourceError."""
        if b"\0" in chunk[: max(0, _BINARY_PROBE - self._seen)]:
            self.close()
            raise SourceError(f"{self._name}: a binary file, not a list of URLs")
        self._seen += len(chunk)
        self._ended = not chunk
        *lines, rest = (self._rest + chunk).split(b"\n")
        if self._ended:
            lines, rest = [rest] if rest else [], b""
        if self._too_long and lines:
            del lines[0]
            self._too_long = False
        if len(rest) > _LONGEST_LINE:
            if not self._too_long:
                lines.append(rest)
            self._too_long, rest = True, b""
        self._rest = rest
        self._lines.extend(lines)


def _target_in(line: bytes, *, first: bool) -> Target | None:
    """Return the target on one line, or None for a blank line or a comment."""
    if first:
        line = line.removeprefix(codecs.BOM_UTF8)
    if line.startswith(b"#"):
        return None
    fields = line.split(maxsplit=1)
    if not fields:
        return None
    if b"\r" in line.rstrip():
        target = target_of(fields[0].decode(errors="backslashreplace"))
        target.problem = "a carriage return within the line: lines end in LF or CR LF"
        return target
    try:
        return target_of(fields[0].decode())
    except UnicodeDecodeError:
        target = target_of(fields[0].decode(errors="backslashreplace"))
        target.problem = "not UTF-8"
        return target


def _opened(source: str) -> "_Lines | Target":
    if source == "-":
        if sys.stdin is None:
            raise SourceError("standard input: closed")
        try:
            own = io.FileIO(os.dup(sys.stdin.fileno()))  # so that it can be closed like any other
        except (OSError, ValueError):
            raise SourceError("standard input: it has no file descriptor") from None
        return _Lines("standard input", io.BufferedReader(own), waits=True, size=None)
    if "://" not in source:
        return _file(source)
    target = target_of(source)
    if target.problem:
        raise SourceError(f"{target.url}: {target.problem}")
    return target


def _file(source: str) -> _Lines:
    """Open a list and look at its beginning; raises SourceError."""
    try:
        stream = _stream(source)
        status = os.fstat(stream.fileno())
        waits = not stat.S_ISREG(status.st_mode)
        head = b"" if waits else stream.read1(_BINARY_PROBE)
    except FileNotFoundError:
        hint = f"no such file; for a URL write https://{public_form(source)}"
        raise SourceError(f"{public_form(source)}: {hint}") from None
    except IsADirectoryError:
        raise SourceError(f"{source}: a directory, not a file of URLs") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise SourceError(f"{source}: ends in .gz, but is no gzip file") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(getattr(error, "errno", None) or errno.EINVAL)
        raise SourceError(f"{public_form(source)}: {reason}") from None
    size = None if waits or source.endswith(".gz") else status.st_size
    lines = _Lines(source, stream, waits=waits, size=size)
    if not waits:
        lines.accept(head)
    return lines


def _stream(source: str) -> _Stream:
    if source.endswith(".gz"):
        return gzip.open(source)
    return io.BufferedReader(io.FileIO(source))

"""A file that is either as it was before or written whole, and known to be writable early."""

import errno
import os
import stat
from types import TracebackType

from crawler.core.errors import OutputClosedError, OutputError

__all__ = ["WholeFile"]


class WholeFile:
    """Makes room for a file now and writes it later; a context manager that leaves no rest.

    What is no regular file, a pipe or a device, is written in place.  Anything else is written
    to a neighbour that takes its place when all is kept.  Raises OutputError.
    """

    def __init__(self, path: str):
        self.name = path
        self._fd = -1
        self._neighbour: str | None = None
        try:
            self._open(os.path.realpath(path))
        except OSError as error:
            self.close()
            raise self._trouble(error) from None
        except ValueError:
            raise OutputError(f"{path!r}: no name of a file") from None

    def __enter__(self) -> "WholeFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """Write all there is to be in it, or what is not yet, once."""
        try:
            self.append(content)
            fd, self._fd = self._fd, -1
            os.close(fd)
            if self._neighbour is not None:
                os.replace(self._neighbour, os.path.realpath(self.name))
                self._neighbour = None
        except OSError as error:
            raise self._trouble(error) from None
        finally:
            self.close()

    def append(self, content: bytes) -> None:
        """Write a part of it; it takes its place with the last one, by ``write``."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except BrokenPipeError:
            raise OutputClosedError(f"{self.name}: closed by its reader") from None
        except OSError as error:
            raise self._trouble(error) from None

    def close(self) -> None:
        """Give up what was not written."""
        if self._fd >= 0:
            os.close(self._fd)
        if self._neighbour is not None:
            os.unlink(self._neighbour)
        self._fd, self._neighbour = -1, None

    def _open(self, path: str) -> None:
        try:
            mode: int | None = os.stat(path).st_mode
        except FileNotFoundError:
            mode = None
        if mode is not None:
            # Whether it may be written does not follow from whether it may be replaced.
            self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            if not stat.S_ISREG(mode):
                return
            os.close(self._fd)
            self._fd = -1
        folder, base = os.path.split(path)
        if not base:
            raise OSError(errno.EISDIR, "")
        neighbour = os.path.join(folder, f".{base[:60]}.{os.getpid()}")
        self._fd = os.open(neighbour, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._neighbour = neighbour
        if mode is not None:
            os.fchmod(self._fd, stat.S_IMODE(mode))

    def _trouble(self, error: OSError) -> OutputError:
        return OutputError(f"{self.name}: {os.strerror(error.errno or errno.EIO)}")

"""Keep blocks of whole lines in a file or on standard output: write() blocks, awrite() awaits."""

import errno
import os
import stat
import sys
from types import TracebackType

import aiofiles
from aiofiles.threadpool.binary import AsyncFileIO

from crawler.core.errors import OutputClosedError, OutputError

__all__ = ["LineFile"]


class LineFile:
    """An output that never ends in half a line, also when the disk is full.

    *path* None means standard output; a file is replaced.  Raises OutputError if it cannot be
    opened or written, OutputClosedError if its reader went away.
    """

    def __init__(self, path: str | None):
        self.name = "standard output" if path is None else path
        if path is None and sys.stdout is None:
            raise OutputError("standard output: closed")
        try:
            self._fd = (
                os.dup(sys.stdout.fileno())
                if path is None
                else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            )
        except OSError as error:
            raise OutputError(f"{self.name}: {os.strerror(error.errno or 0)}") from None
        self._file: AsyncFileIO | None = None
        # Somebody else may have set it otherwise; then a full pipe would look like an error.
        os.set_blocking(self._fd, True)
        self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)

    def __enter__(self) -> "LineFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, block: bytes) -> None:
        """Append whole lines."""
        done = 0
        try:
            while done < len(block):
                done += os.write(self._fd, memoryview(block)[done:])
        except OSError as error:
            raise self._failure(error, done, block) from None

    async def awrite(self, block: bytes) -> None:
        """Append whole lines without holding up the loop."""
        done = 0
        try:
            if self._file is None:
                self._file = await aiofiles.open(self._fd, "wb", buffering=0, closefd=False)
            while done < len(block):
                done += await self._file.write(memoryview(block)[done:])
        except OSError as error:
            raise self._failure(error, done, block) from None

    def close(self) -> None:
        """Close the output; data that a disk could not keep after all is an OutputError."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                os.close(fd)
            except OSError as error:
                raise OutputError(f"{self.name}: {os.strerror(error.errno or 0)}") from None

    def _failure(self, error: OSError, done: int, block: bytes) -> OutputError:
        """Take back the half line at the end of a file, and name what happened."""
        if isinstance(error, BrokenPipeError):
            return OutputClosedError(f"{self.name}: closed by its reader")
        torn = done - (block.rfind(b"\n", 0, done) + 1)
        if self._regular and torn:
            end = os.lseek(self._fd, 0, os.SEEK_CUR) - torn
            os.ftruncate(self._fd, end)
            os.lseek(self._fd, end, os.SEEK_SET)
        reason = os.strerror(error.errno or errno.EIO)
        return OutputError(f"{self.name}: {reason}; it ends with a whole line")

"""The most that the server can give, asked for by the cheapest client there is."""

import os
import re
import socket
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from bench.cell import BenchError, environment
from bench.stand import Stand

__all__ = ["MOST", "ceiling", "drive"]

#: A crawl that takes a larger share than this of what the server can give measures the server.
MOST = 0.70
SECONDS = 0.5
CONNECTIONS = 8
LINES = 5000  # of a list; the rest is alike
PIECE = 65_536

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def ceiling(stand: Stand, work: str) -> float:
    """Return the answers a second that the server gives to a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.ceiling", str(stand.lists[work]), *map(str, stand.cores)],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"the measure of the server ended with {done.returncode}")
    return float(done.stdout)


def drive(urls: list[str], seconds: float) -> float:
    """Ask for *urls* in turn over a few connections that never wait; return answers a second."""
    where = urlsplit(urls[0])
    host = f"Host: {where.netloc}"
    requests = cycle(
        [
            f"GET {url.partition(where.netloc)[2]} HTTP/1.1\r\n{host}\r\n\r\n".encode()
            for url in urls
        ]
    )
    address = (where.hostname or "", where.port or 80)
    lines = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    for line in lines:
        line.sendall(next(requests))
    began, answers = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        for line in lines:
            _read_answer(line)
            line.sendall(next(requests))
        answers += len(lines)
    elapsed = time.monotonic() - began
    for line in lines:
        line.close()
    return answers / elapsed


def _read_answer(line: socket.socket) -> None:
    got = _read(line)
    while (end := got.find(b"\r\n\r\n")) < 0:
        got += _read(line)
    length = _LENGTH.search(got, 0, end)
    if length is None:
        raise ConnectionError("an answer without a length")
    missing = end + 4 + int(length[1]) - len(got)
    while missing > 0:
        missing -= len(_read(line))


def _read(line: socket.socket) -> bytes:
    got = line.recv(PIECE)
    if not got:
        raise ConnectionError("the server closed a connection")
    return got


def main() -> None:
    """Measure with the list and on the cores that are given."""
    source, *cores = sys.argv[1:]
    if cores:
        os.sched_setaffinity(0, [int(core) for core in cores])
    urls = Path(source).read_text(encoding="ascii").split()[:LINES]
    print(drive(urls, SECONDS))


if __name__ == "__main__":
    main()

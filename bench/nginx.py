"""nginx with one static page, to compare the test server with, and wrk to ask both for it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from bench.cell import BenchError
from bench.meter import cpu_of_family

__all__ = [
    "CONNECTIONS", "Count", "Page", "Programs", "Speed", "counter", "on_cores", "programs", "speed",
    "static", "wrk",
]  # fmt: skip

SET_UP = "bench/server_setup.sh"
CONNECTIONS = 50
PATIENCE = 5.0  # seconds that nginx has for its start

# What nginx is good at: one worker, no log, the file kept open, connections that never end.
_CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
    default_type "text/html; charset=utf-8";
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/site;
        location = /status {{ stub_status; }}
    }}
}}
"""
_REQUESTS = re.compile(r"^ +(\d+) requests in ", re.MULTILINE)
_PER_SECOND = re.compile(r"^Requests/sec: +([\d.]+)$", re.MULTILINE)
_COUNTS = re.compile(r"^server accepts handled requests\n (\d+) \d+ (\d+) ", re.MULTILINE)
_TROUBLE = re.compile(r"^ +((?:Socket errors|Non-2xx or 3xx responses): .+)$", re.MULTILINE)


@dataclass(frozen=True)
class Programs:
    """Where other people's programs are, and their versions by name."""

    nginx: str
    wrk: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Page:
    """A page that a server has at `url`; the server is the process `pid` and its children."""

    url: str
    pid: int


class Count(NamedTuple):
    """What nginx has had since its start: connections, and requests that it has begun."""

    connections: int
    requests: int


class Speed(msgspec.Struct, kw_only=True, frozen=True):
    """What wrk got from a server: CPU in seconds of one request, and the share of its core."""

    requests_per_s: float
    cpu: float
    busy: float


def programs() -> Programs:
    """Return nginx and wrk; raises BenchError that names the set-up when one is missing."""
    # A user's PATH often lacks the folder where Debian puts nginx.
    paths = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    found = {name: shutil.which(name, path=paths) for name in ("nginx", "wrk", "taskset")}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise BenchError(f"not on this machine: {', '.join(missing)}; {SET_UP} installs them")
    nginx, wrk_path = str(found["nginx"]), str(found["wrk"])
    versions = {name: _version(path) for name, path in (("nginx", nginx), ("wrk", wrk_path))}
    return Programs(nginx, wrk_path, versions)


@contextlib.contextmanager
def static(nginx: str, page: bytes, cores: Sequence[int]) -> Iterator[Page]:
    """Serve *page* by the program *nginx* on *cores* while the body runs; raises BenchError."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+") as said:
        folder, port = Path(name), _free_port()
        folder.chmod(0o755)  # its worker is another user when we are root
        (folder / "site").mkdir()
        (folder / "site" / "page.html").write_bytes(page)
        config = folder / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, port=port), encoding="utf-8")
        child = subprocess.Popen(
            on_cores(cores, [nginx, "-e", "stderr", "-p", name, "-c", str(config)]), stderr=said
        )
        try:
            if not _answers(port, child):
                said.seek(0)
                raise BenchError(f"nginx did not start: {said.read().strip()}")
            yield Page(f"http://127.0.0.1:{port}/page.html", child.pid)
        finally:
            child.terminate()
            child.wait()


@contextlib.contextmanager
def counter(page: Page) -> Iterator[Callable[[], Count]]:
    """Lend what asks nginx for its own count; the requests that ask are not in it."""
    with contextlib.closing(HTTPConnection(urlsplit(page.url).netloc)) as connection:
        asked = 0

        def count() -> Count:
            nonlocal asked
            asked += 1
            connection.request("GET", "/status")
            said = connection.getresponse().read().decode("ascii")
            counts = _COUNTS.search(said)
            if not counts:
                raise BenchError(f"nginx does not tell its count: {said.strip()}")
            return Count(int(counts[1]), int(counts[2]) - asked)

        yield count


def wrk(program: str, page: Page, seconds: int, cores: Sequence[int]) -> Speed:
    """Ask a server for its page with wrk on *cores*; raises BenchError if not all went well."""
    before = cpu_of_family(page.pid)
    asked = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", page.url]
    done = subprocess.run(on_cores(cores, asked), capture_output=True, text=True, check=False)
    used = cpu_of_family(page.pid) - before
    if done.returncode:
        raise BenchError(f"wrk ended with {done.returncode}: {done.stderr.strip()}")
    return speed(done.stdout, used)


def speed(said: str, used: float) -> Speed:
    """Return the speed in what wrk *said*, when the server *used* so many seconds of CPU.

    Raises BenchError if not every answer was a good one.
    """
    trouble = _TROUBLE.search(said)
    requests, per_second = _REQUESTS.search(said), _PER_SECOND.search(said)
    if trouble or not requests or not per_second or not int(requests[1]):
        raise BenchError(f"wrk did not get its pages: {trouble[1] if trouble else said.strip()}")
    cpu, rate = used / int(requests[1]), float(per_second[1])
    return Speed(requests_per_s=rate, cpu=cpu, busy=cpu * rate)


def on_cores(cores: Sequence[int], command: Sequence[str]) -> list[str]:
    """Return the *command* that keeps to these cores."""
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int, child: subprocess.Popen[bytes]) -> bool:
    """Wait until somebody listens; say whether that happened before the child ended."""
    until = time.monotonic() + PATIENCE
    while child.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return True
    return False


def _version(program: str) -> str:
    """Return the version in the first line that `-v` prints: a word with a number in it."""
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else "unknown"

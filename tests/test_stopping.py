"""Whatever ends a crawl early: a clear message, the right exit code, whole lines, no orphan."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crawler import MODES
from fixtures.running import serve

LIMIT = 60  # seconds for anything to happen at all; nothing here takes a tenth of it
QUICK, SLOW = 8, 40
PIPE = 4096  # bytes that the smallest pipe holds
ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
#: In many modes at once, one of them will do in a hurry.
EITHER = [ENDS[0], pytest.param(*ENDS[1], marks=pytest.mark.slow)]

pytestmark = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def site():
    with serve(pages=1000, size="2kB", links=5) as running:
        yield running


@pytest.fixture
def start(tmp_path):
    """Start `crawl` in a session of its own; at the end nothing of it may be left."""
    started: list[Any] = []

    def begin(mode, urls, *words, **more):
        source = tmp_path / "urls.txt"
        source.write_text("".join(f"{url}\n" for url in urls))
        argv = [sys.executable, "-m", "crawler", "--mode", mode, "-w", "2", str(source), *words]
        if mode not in {"serial", "processes"}:
            argv += ["-c", "4"]
        process = subprocess.Popen(
            argv,
            bufsize=0,  # or what a buffer holds after readline() is lost to communicate()
            start_new_session=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT)
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()
        until(lambda pid=process.pid: not of_session(pid))


def until(true):
    """Ask again and again until it is true; a clock only says when to give up."""
    ends = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < ends, "it never came true"


def of_session(session):
    """The processes of a session that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = entry.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(name)
    return found


def come_to_rest(process):
    """Wait until all of its threads wait, or until it ends; what it was sent it has dealt with.

    Python runs a handler only between two of its own steps.  A signal that comes after the last
    of them and before a lock is waited for is dealt with when that wait is over.
    """
    until(lambda: process.poll() is not None or is_at_rest(process.pid))


def is_at_rest(pid):
    """Say whether no thread of a process has run between two looks."""
    first, second = threads_of(pid), threads_of(pid)
    return first == second and all("State:\tS (sleeping)" in lines for lines in first.values())


def threads_of(pid):
    """Return of each thread whether it sleeps and how often it began to."""
    wanted = ("State", "voluntary", "nonvoluntary")
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = (task / "status").read_text().splitlines()
            found[task.name] = [line for line in lines if line.startswith(wanted)]
    return found


def pages(site, way, count=QUICK):
    return [f"{site.url}/p/{number}?{way}" for number in range(count)]


def read(process, count):
    """Read *count* records as they come."""
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def unread(pipe):
    """Return how many bytes stand in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


def rest(process):
    out, err = process.communicate(timeout=LIMIT)
    err = err or b""  # where it was led elsewhere
    assert not out or out.endswith(b"\n")
    assert b"Traceback" not in err, err.decode()
    return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize(("number", "code"), EITHER)
def test_one_signal_finishes_what_is_in_flight(site, start, mode, number, code):
    site.reset()
    urls = pages(site, "size=2kB") + pages(site, "latency=300ms", SLOW)
    process = start(mode, urls, "-o", "-")
    records = read(process, QUICK)
    until(lambda: site.truth()["in_flight"] > 0)

    os.killpg(process.pid, number)  # as a terminal does: to the workers too
    more, err = rest(process)

    assert process.returncode == code
    outcomes = Counter(record["outcome"] for record in records + more)
    assert set(outcomes) == {"ok", "interrupted"}
    assert outcomes["ok"] > QUICK
    assert sum(outcomes.values()) == len(urls)
    assert "stopped" in err
    assert number.name in err


def test_a_second_signal_stops_in_the_middle(site, start, mode):
    site.reset()
    urls = pages(site, "size=2kB") + pages(site, "fault=hang", SLOW)
    process = start(mode, urls, "-o", "-", "--read-timeout", "50s", "--timeout", "50s")
    records = read(process, QUICK)
    until(lambda: site.truth()["in_flight"] > 0)

    os.killpg(process.pid, signal.SIGINT)
    assert b"once more to stop now" in process.stderr.readline()
    come_to_rest(process)
    os.killpg(process.pid, signal.SIGINT)
    more, err = rest(process)

    assert process.returncode == 130
    assert "stopped   by SIGINT" in err
    outcomes = Counter(record["outcome"] for record in records + more)
    assert outcomes == {"ok": QUICK, "interrupted": SLOW}


def stalled(site, start, mode, number):
    """Start a crawl, fill the pipe that nobody reads, and insist; returns it and its URLs."""
    site.reset()
    urls = pages(site, "size=20kB&links=200") + pages(site, "fault=hang", SLOW)
    words = ("-o", "-", "--read-timeout", "50s", "--timeout", "50s")
    process = start(mode, urls, *words, pipesize=PIPE)
    # Each line is longer than the pipe: what is full holds the beginning of one, and its
    # writer stands in the middle of it.
    until(lambda: unread(process.stdout) == PIPE)
    come_to_rest(process)

    os.killpg(process.pid, number)
    assert b"once more to stop now" in process.stderr.readline()
    come_to_rest(process)
    os.killpg(process.pid, number)
    come_to_rest(process)
    if mode in {"async", "hybrid"}:  # the others cannot hang up while their owner writes
        until(lambda: site.truth()["in_flight"] == 0)
    return process, urls


@pytest.mark.parametrize(("number", "code"), EITHER)
def test_a_reader_that_stands_still_at_a_forced_stop_gets_each_record_once(
    site, start, mode, number, code
):
    process, urls = stalled(site, start, mode, number)
    assert process.poll() is None  # it waits for its reader: half a line helps nobody
    records, err = rest(process)

    assert process.returncode == code
    assert f"stopped   by {number.name}" in err
    assert sorted(record["url"] for record in records) == sorted(urls)
    outcomes = Counter(record["outcome"] for record in records)
    assert set(outcomes) == {"ok", "interrupted"}
    assert outcomes["ok"] <= QUICK


@pytest.mark.slow
def test_a_third_signal_ends_it_though_nobody_reads(site, start, mode):
    process, _ = stalled(site, start, mode, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(LIMIT) == -signal.SIGINT
    until(lambda: not of_session(process.pid))
    assert len(process.stdout.read()) == PIPE


@pytest.fixture
def pipe():
    """Return the two ends of a pipe; it stays open when nothing more comes."""
    reader, writer = os.pipe()
    with open(reader, "rb") as reading, open(writer, "wb", buffering=0) as writing:
        yield reading, writing


def test_what_the_input_delivers_after_a_request_to_stop_is_not_crawled(site, start, mode, pipe):
    reading, writing = pipe
    site.reset()
    hangs, *late = pages(site, "fault=hang", 3)
    words = ("-", "-o", "-", "--read-timeout", "50s", "--timeout", "50s")
    process = start(mode, [], *words, stdin=reading)
    writing.write(f"{hangs}\n".encode())
    until(lambda: site.truth()["in_flight"] == 1)
    come_to_rest(process)

    os.killpg(process.pid, signal.SIGINT)
    assert b"once more to stop now" in process.stderr.readline()
    writing.write("".join(f"{url}\n" for url in late).encode())
    come_to_rest(process)
    assert (unread(reading) > 0) == (mode == "serial")  # which has its hands full
    os.killpg(process.pid, signal.SIGINT)
    records, err = rest(process)

    read_lines = 1 if mode == "serial" else 3
    assert process.returncode == 130
    assert site.truth()["requests"] == 1
    assert {record["outcome"] for record in records} == {"interrupted"}
    assert sorted(record["url"] for record in records) == [hangs, *late][:read_lines]
    assert f"go on from standard input line {read_lines + 1}" in err


@pytest.fixture(params=["closed", "without a reader"])
def nobody(request):
    """Return how to start a process that has nobody to tell anything."""
    if request.param == "closed":
        yield {"stderr": None, "preexec_fn": lambda: os.close(2)}
        return
    reader, writer = os.pipe()
    os.close(reader)
    yield {"stderr": writer}
    os.close(writer)


@pytest.mark.slow
def test_a_signal_stops_politely_with_nobody_to_tell(site, start, mode, nobody):
    number, code = ENDS["preexec_fn" in nobody]
    site.reset()
    urls = pages(site, "size=2kB") + pages(site, "latency=300ms", SLOW)
    process = start(mode, urls, "-o", "-", **nobody)
    records = read(process, QUICK)
    until(lambda: site.truth()["in_flight"] > 0)

    os.killpg(process.pid, number)
    more, _ = rest(process)

    assert process.returncode == code
    assert sorted(record["url"] for record in records + more) == sorted(urls)
    outcomes = Counter(record["outcome"] for record in records + more)
    assert set(outcomes) == {"ok", "interrupted"}
    assert outcomes["ok"] > QUICK


def test_a_closed_pipe_ends_the_crawl_silently(site, start, mode):
    process = start(mode, pages(site, "size=2kB", 900), "-o", "-")
    read(process, 1)
    process.stdout.close()
    process.stdout = open(os.devnull, "rb")  # noqa: SIM115 (communicate wants one)

    _, err = rest(process)

    assert (process.returncode, err) == (141, "")


def test_a_full_disk_leaves_whole_lines(site, start, mode, tmp_path):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    output = tmp_path / "records.jsonl"
    process = start(mode, pages(site, "size=2kB", 400), "-o", str(output), preexec_fn=small_disk)
    _, err = rest(process)

    assert process.returncode == 8
    assert str(output) in err
    assert len(err.splitlines()) == 1
    written = output.read_bytes()
    assert 5_000 < len(written) <= 10_000
    assert written.endswith(b"\n")
    assert all(json.loads(line)["outcome"] == "ok" for line in written.splitlines())


@pytest.mark.slow
def test_a_device_that_takes_nothing_is_named(site, start, mode):
    process = start(mode, pages(site, "size=2kB", 400), "-o", "/dev/full")
    _, err = rest(process)

    assert process.returncode == 8
    assert "/dev/full: No space left on device" in err


def test_an_output_that_cannot_be_opened_is_found_before_the_first_request(
    site, start, mode, tmp_path
):
    site.reset()
    process = start(mode, pages(site, "size=2kB"), "-o", str(tmp_path / "missing" / "out"))
    _, err = rest(process)

    assert process.returncode == 8
    assert "No such file or directory" in err
    assert site.truth()["requests"] == 0


def test_a_killed_parent_leaves_nobody_behind(site, start, mode):
    urls = pages(site, "size=2kB") + pages(site, "fault=hang", SLOW)
    process = start(mode, urls, "-o", "-", "--read-timeout", "50s")
    read(process, QUICK)
    if mode in {"processes", "hybrid"}:
        assert len(of_session(process.pid)) > 2

    process.kill()
    process.wait(LIMIT)

    until(lambda: not of_session(process.pid))

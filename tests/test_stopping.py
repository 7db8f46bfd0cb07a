"""Whatever ends a crawl early: a clear message, the right exit code, whole lines, no orphan."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from crawler import MODES
from fixtures.running import serve

LIMIT = 60  # seconds for anything to happen at all; nothing here takes a tenth of it
QUICK, SLOW = 8, 40

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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **more,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT)
        process.stdout.close()
        process.stderr.close()
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


def pages(site, way, count=QUICK):
    return [f"{site.url}/p/{number}?{way}" for number in range(count)]


def read(process, count):
    """Read *count* records as they come."""
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def rest(process):
    out, err = process.communicate(timeout=LIMIT)
    assert not out or out.endswith(b"\n")
    assert b"Traceback" not in err, err.decode()
    return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_finishes_what_is_in_flight(site, start, mode, number, code):
    site.reset()
    urls = pages(site, "size=2kB") + pages(site, "latency=700ms", SLOW)
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
    os.killpg(process.pid, signal.SIGINT)
    more, err = rest(process)

    assert process.returncode == 130
    assert "stopped   by SIGINT" in err
    outcomes = Counter(record["outcome"] for record in records + more)
    assert outcomes == {"ok": QUICK, "interrupted": SLOW}


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

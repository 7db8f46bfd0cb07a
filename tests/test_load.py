"""`crawler.load` from end to end, in processes of its own: counts, stops, deaths, who is asked."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from crawler import (
    LoadOptions,
    OptionsError,
    RefusedTargetError,
    Stage,
    WorkerError,
    load,
)
from crawler.compose.loading import Load
from crawler.traffic import aiming
from fixtures.running import serve

LIMIT = 60  # seconds for anything to happen at all; nothing here takes a tenth of it
STUDY = ["serial", "threads", "async", "processes"]
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def site():
    with serve(pages=10, size="100", links=0) as running:
        yield running


def balances(report):
    ends = report.ok + report.http_error + report.network + report.timeout
    assert report.scheduled == report.sent + report.unsent
    assert report.sent == ends + report.in_flight_at_end
    for name in ("sent", "ok", "http_error", "network", "timeout"):
        assert sum(getattr(one, name) for one in report.series) == getattr(report, name), name
    return True


@pytest.mark.parametrize(
    "options",
    [
        {"requests": 301, "workers": 2},
        pytest.param({"requests": 101, "workers": 2, "rate": 1000.0, "warmup": 0.05}, marks=SLOW),
        {"duration": 0.2, "stages": (Stage(0.1, 100.0, 900.0), Stage(0.1, 500.0, 500.0))},
    ],
    ids=["closed", "open", "stages"],
)
def test_the_server_counts_what_the_report_says(site, options):
    site.reset()
    report = load(f"{site.url}/p/1", LoadOptions(**{"connections": 6} | options))
    assert balances(report)
    assert len(report.processes) == options.get("workers", 1)
    assert report.server_requests == report.sent + report.warmup_sent
    assert site.truth()["requests"] == report.server_requests
    if "requests" in options:
        assert report.sent == report.ok == options["requests"]
    if "stages" in options:
        assert report.scheduled == 100


@SLOW
def test_a_second_run_counts_for_itself(site):
    first, second = (load(f"{site.url}/p/1", LoadOptions(connections=2, requests=20)) for _ in "ab")
    assert (first.server_requests, second.server_requests) == (20, 20)


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=SLOW if name != "async" else ()) for name in STUDY]
)
def test_the_crawl_s_modes_count_as_the_bare_connection_does(site, engine):
    url = f"{site.url}/p/1?fault=20%:503,20%:reset-body,20%:truncate,10%:garbage"
    counts = {}
    for name in ("wire", engine):
        site.reset()
        options = LoadOptions(connections=2, requests=60, engine=name, timeout=20.0)
        report = load(url, options)
        assert balances(report)
        truth = site.truth()
        assert report.sent == truth["requests"] == 60
        assert report.http_error == truth["answers"]["503"]
        assert report.ok == truth["answers"]["200"]
        errors = Counter(report.errors)
        errors["protocol"] += errors.pop("truncated", 0)  # the crawl has one word for both
        counts[name] = (report.statuses, errors)
    assert counts[engine] == counts["wire"]


@pytest.mark.parametrize("engine", STUDY)
def test_the_crawl_s_modes_have_no_rate(engine):
    with pytest.raises(OptionsError, match=f"--engine {engine}: closed loop only"):
        load("http://127.0.0.1:1/", LoadOptions(engine=engine, rate=10.0))


def test_a_target_that_is_named_twice_is_counted_by_all_engines(site):
    urls = [f"{site.url}/p/1", f"{site.url}/p/1", f"{site.url}/p/2"]
    report = load(urls, LoadOptions(connections=2, requests=30, engine="async"))
    assert balances(report)
    assert report.ok == 30
    assert sum(one.ended for one in report.targets) == 30


# Who may be asked.


class Resolver:
    """Looks names up in a table, and keeps what it was asked."""

    def __init__(self, table):
        self.table = table

    def __call__(self, names):
        del names
        return self

    def resolve(self, host, port, timeout):
        del port, timeout
        return self.table.get(host, [host])

    def close(self):
        pass


@pytest.fixture
def no_connection(monkeypatch):
    """Have every connection of the aiming fail the test."""

    def refuse(*_, **__):
        raise AssertionError("a connection to somebody who must not be asked")

    monkeypatch.setattr("socket.create_connection", refuse)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8", "169.254.169.254", "169.254.1.1", "[fe80::1]", "[fd00:ec2::254]",
        "[2606:4700::1111]", "100.100.100.200", "[::ffff:8.8.8.8]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("engine", ["wire", "async"])
@pytest.mark.usefixtures("no_connection")
def test_others_are_not_asked(host, engine):
    with pytest.raises(RefusedTargetError, match="--allow-target"):
        load(f"http://{host}/", LoadOptions(requests=1, engine=engine))


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]"])
@pytest.mark.usefixtures("no_connection")
def test_a_metadata_service_is_not_asked_though_it_was_allowed(host):
    with pytest.raises(RefusedTargetError):
        load(f"http://{host}/", LoadOptions(requests=1, allow_targets=(host, host.strip("[]"))))


@pytest.mark.usefixtures("no_connection")
def test_a_name_that_leads_abroad_is_refused_and_allowing_one_allows_no_other(monkeypatch):
    table = {"a.test": ["8.8.8.8"], "b.test": ["8.8.8.8"]}
    monkeypatch.setattr(aiming, "Names", Resolver(table))
    for allowed in ((), ("a.test",), ("test",), (".test",)):
        with pytest.raises(RefusedTargetError, match=r"b\.test \(8\.8\.8\.8\).*b\.test"):
            load("http://b.test/", LoadOptions(requests=1, allow_targets=allowed))


def test_of_two_addresses_only_the_one_that_may_be_asked_is(site, monkeypatch):
    monkeypatch.setattr(aiming, "Names", Resolver({"both.test": ["8.8.8.8", "127.0.0.1"]}))
    touched, connect = [], socket.create_connection

    def connects(where, *more):
        touched.append(where)
        return connect(where, *more)

    monkeypatch.setattr(socket, "create_connection", connects)
    report = load(f"http://both.test:{site.port}/p/1", LoadOptions(connections=1, requests=5))
    assert report.ok == 5
    assert set(touched) == {("127.0.0.1", site.port)}


def test_no_origin_is_touched_when_another_is_refused(monkeypatch, no_connection):
    del no_connection
    monkeypatch.setattr(aiming, "Names", Resolver({"far.test": ["8.8.8.8"]}))
    with pytest.raises(RefusedTargetError):
        load(["http://127.0.0.1:1/", "http://far.test/"], LoadOptions(requests=1))


def test_more_than_may_be_opened_is_refused_before_anything_is_sent(site):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > 15_000 * 64:
        pytest.skip("this system has no limit")
    urls = [f"http://127.0.0.{n}:{site.port}/" for n in range(1, 65)]
    with pytest.raises(OptionsError, match=r"-c 15000 .*open files; the limit is"):
        Load(urls, LoadOptions(connections=15_000))


# How it ends.


class Script:
    """A Python process that runs a load test and prints its report, in a session of its own."""

    def __init__(self, url, **options):
        code = (
            "import json, sys; from crawler import load, LoadOptions, CrawlError\n"
            "def main():\n"
            "  try:\n"
            f"    r = load({url!r}, LoadOptions(**{options!r}))\n"
            "  except CrawlError as e:\n"
            "    print(json.dumps([type(e).__name__, str(e)])); return\n"
            "  ends = r.ok + r.http_error + r.network + r.timeout + r.in_flight_at_end\n"
            "  print(json.dumps([r.stopped, r.ok, r.in_flight_at_end, r.sent - ends, r.sent]))\n"
            "main()\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, err
        return json.loads(out), err

    def generators(self):
        return [pid for pid in session(self.pid) if "spawn_main" in command(pid)]


@pytest.fixture
def script():
    started = []

    def start(url, **options):
        started.append(Script(url, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        one.process.communicate(timeout=LIMIT)
        until(lambda pid=one.pid: not session(pid))


def until(true):
    ends = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.01)  # for whom it waits needs the core


def session(number):
    """The processes of a session that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[3]) == number and fields[0] != "Z":
                found.append(int(entry.parent.name))
    return found


def command(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def test_ctrl_c_gives_the_report_of_what_was_done(site, script):
    site.reset()
    running = script(f"{site.url}/p/1?latency=10ms", connections=4, duration=300.0, workers=2)
    until(lambda: site.truth()["requests"] > 20)
    os.killpg(running.pid, signal.SIGINT)
    (stopped, ok, in_flight, missing, sent), err = running.said()
    assert (stopped, in_flight, missing, err) == ("SIGINT", 0, 0, "")
    assert ok == sent == site.truth()["requests"]
    until(lambda: not session(running.pid))


def test_a_second_request_to_stop_waits_for_no_answer(site, script):
    """The second is SIGTERM: two of the same that come at once are one."""
    site.reset()
    url = f"{site.url}/p/1?fault=hang"
    running = script(url, connections=4, duration=300.0, timeout=250.0)
    until(lambda: site.truth()["requests"] == 4)
    os.killpg(running.pid, signal.SIGINT)
    os.kill(running.pid, signal.SIGTERM)
    (stopped, ok, in_flight, missing, _), err = running.said()
    assert (stopped, ok, in_flight, missing, err) == ("SIGINT", 0, 4, 0, "")


def test_ctrl_c_before_the_start_gives_a_report_of_nothing(site, script):
    """The generators have hardly begun to exist."""
    site.reset()
    running = script(f"{site.url}/p/0", connections=2, duration=300.0, workers=2)
    until(running.generators)
    os.killpg(running.pid, signal.SIGINT)
    (stopped, ok, in_flight, missing, sent), err = running.said()
    assert site.truth()["requests"] == 0
    assert (stopped, ok, in_flight, missing, sent, err) == ("SIGINT", 0, 0, 0, 0, "")


def test_a_generator_that_is_killed_is_one_clear_sentence(site, script):
    site.reset()
    running = script(f"{site.url}/p/1?latency=5ms", connections=4, duration=300.0, workers=2)
    until(lambda: site.truth()["requests"] > 10)
    os.kill(running.generators()[0], signal.SIGKILL)
    (name, words), err = running.said()
    assert name == WorkerError.__name__
    assert words.endswith("ended by itself")
    assert err == ""
    until(lambda: not session(running.pid))


def test_a_parent_that_is_killed_leaves_no_generator(site, script):
    site.reset()
    running = script(f"{site.url}/p/1?latency=5ms", connections=4, duration=300.0, workers=2)
    until(lambda: site.truth()["requests"] > 10)
    assert len(running.generators()) == 2
    running.process.kill()
    until(lambda: not session(running.pid))


@SLOW
def test_a_script_that_does_not_guard_its_main_is_told_so(site, tmp_path):
    file = tmp_path / "unguarded.py"
    file.write_text(
        "from crawler import load, LoadOptions\n"
        f"load('{site.url}/p/1', LoadOptions(requests=1, connections=1))\n"
    )
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 1
    assert "if __name__ == '__main__'" in done.stderr.splitlines()[-1]


@SLOW
@pytest.mark.parametrize("options", [{}, {"rate": 300.0}], ids=["closed", "open"])
def test_a_generator_that_stood_still_is_found_out(site, options):
    running = Load([f"{site.url}/p/1"], LoadOptions(connections=4, duration=1.0, **options))

    def hold():
        until(lambda: running.series is not None and running.series.glance() is not None)
        (generator,) = multiprocessing.active_children()
        assert generator.pid is not None
        os.kill(generator.pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(generator.pid, signal.SIGCONT)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        report = running.run()
        held.result()
    assert balances(report)
    assert report.verdict.evidence["lag_max_ms"] >= 150
    assert report.verdict.word == "generator-limited"

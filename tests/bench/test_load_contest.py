import contextlib
import dataclasses
import os
import shutil
import signal
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench import load_contest, meter
from bench.cell import BenchError
from bench.load_contest import Look, Looks, contest, judged
from bench.nginx import Count, counter, static
from bench.tools import Said, Tool

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
with_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not on this machine")

#: Asks on one connection until a file is there, and tells how often.
ASKS = """
import http.client, os, sys
from urllib.parse import urlsplit
url, enough, report = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3]
connection, asked = http.client.HTTPConnection(url.netloc), 0
while not asked or not os.path.exists(enough):
    connection.request("GET", url.path)
    connection.getresponse().read()
    asked += 1
if report:
    open(report + ".json", "w").write(str(asked))
else:
    print("asked", asked, flush=True)
"""
LOOKS = Looks(0.02, 0.2)
CORES = sorted(os.sched_getaffinity(0))[:1] if NGINX else []


def look(at, requests, client, server):
    return Look(at, Count(51, requests), client, server)


def tool(script, *words):
    return Tool(
        name="a tool",
        program=sys.executable,
        words=("-I", "-S", "-c", script.replace("{", "{{").replace("}", "}}"), *words),
        read=lambda report: Said(int(report.removeprefix("asked ")), 0),
    )


@pytest.fixture(scope="module")
def page():
    with static(NGINX, b"a page", [max(os.sched_getaffinity(0))]) as served:
        yield served


@pytest.fixture
def enough(monkeypatch, tmp_path):
    """Lend a file that is there once both processes were looked at twice."""
    path, looked = tmp_path / "enough", []

    def cpu_of_family(pid):
        looked.append(pid)
        if len(looked) == 4:
            path.touch()
        return meter.cpu_of_family(pid)

    monkeypatch.setattr(load_contest, "cpu_of_family", cpu_of_family)
    return path


def test_speed_and_cost_are_what_lies_between_the_looks():
    begin, end = look(100.0, 5_000, 9.0, 3.0), look(104.0, 25_000, 11.0, 4.0)

    turn = judged("a tool", 0.5, [begin, end], Count(50, 40_000), Said(39_950, 2))

    assert ("a tool", 5_000.0, 1e-4, 5e-5) == (
        turn.who, turn.requests_per_s, turn.cpu, turn.server_cpu
    )  # fmt: skip
    assert (0.25, 0.5) == (turn.server_busy, turn.startup_s)
    assert (50, 40_000, 39_950, 2) == (
        turn.connections, turn.counted, turn.said, turn.troubles
    )  # fmt: skip
    assert turn.pages_per_s == turn.requests_per_s


def test_a_tool_that_asks_for_nothing_between_the_looks_is_refused():
    same = look(100.0, 5_000, 9.0, 3.0)

    with pytest.raises(BenchError, match="a tool asked for nothing"):
        judged("a tool", 0.5, [same, same._replace(at=104.0)], Count(50, 9), Said(9, 0))


@with_nginx
def test_nginx_counts_connections_and_requests_but_not_those_that_ask_for_its_count(page):
    with counter(page) as count:
        before = count()
        with contextlib.closing(HTTPConnection(urlsplit(page.url).netloc)) as connection:
            for _ in range(3):
                connection.request("GET", "/page.html")
                connection.getresponse().read()
        count()
        after = count()

    assert (1, 3) == (after.connections - before.connections, after.requests - before.requests)


@with_nginx
@pytest.mark.parametrize("report", ["{report}", ""])
def test_a_tool_on_its_cores_is_seen_asking_and_read_from_its_file_or_its_output(
    page, enough, report
):
    script = f"import os; assert os.sched_getaffinity(0) == {set(CORES)}\n{ASKS}"
    asking = tool(script, "{url}", str(enough), report)

    turn = contest(asking, page, CORES, LOOKS)

    assert turn.counted == turn.said > 0
    assert (1, 0) == (turn.connections, turn.troubles)
    assert 0 < turn.startup_s
    assert 0 < turn.requests_per_s * (LOOKS.end - LOOKS.begin) < turn.counted


@with_nginx
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('asked 0')", "a tool: no request; asked 0"),
        ("raise SystemExit('no such option')", "a tool: no request; no such option"),
        (ASKS + "sys.exit('a bad end')", "a tool ended with 1: a bad end"),
    ],
)
def test_a_tool_that_does_not_do_its_work_is_an_error_with_what_it_said(
    page, enough, script, message
):
    with pytest.raises(BenchError, match=message):
        contest(tool(script, "{url}", str(enough), ""), page, CORES, LOOKS)


@with_nginx
def test_a_tool_that_ends_before_the_last_look_is_an_error(page, tmp_path, monkeypatch):
    def end(pid):
        if pid != page.pid:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return 0.0

    monkeypatch.setattr(load_contest, "cpu_of_family", end)
    asking = tool(ASKS, "{url}", str(tmp_path / "never"), "")

    with pytest.raises(BenchError, match="a tool: it ended before the last look; it said nothing"):
        contest(asking, page, CORES, LOOKS)


@with_nginx
def test_a_tool_does_not_outlive_an_error(page, enough, tmp_path):
    note, nobody = tmp_path / "pid", dataclasses.replace(page, pid=2**30)
    script = f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))\n{ASKS}"

    with pytest.raises(BenchError, match=f"a tool: no process {2**30}"):
        contest(tool(script, "{url}", str(enough), ""), nobody, CORES, LOOKS)

    assert not Path(f"/proc/{note.read_text()}").exists()

import json
import re
from pathlib import Path

import pytest

from bench.cell import BenchError
from bench.load import SET_UP
from bench.tools import RIVALS, TOOLS, Tool, present

ROOT = Path(__file__).parents[2]
NAMED = {tool.name: tool for tool in TOOLS}

WRK = """\
Running 2s test @ http://127.0.0.1:42685/page.html
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.23ms    2.77ms  17.06ms   82.09%
  31156 requests in 2.04s, 304.29MB read
Requests/sec:  15302.82
"""
HEY = """\
Summary:
  Total:	2.0021 secs
  Requests/sec:	11607.3861

Response time histogram:
  0.000 [1]	|
  0.002 [4546]	|■■■■■■■■■■■■■■■■■■■■■

Status code distribution:
  [200]	23239 responses

"""
AB = """\
Time taken for tests:   2.000 seconds
Complete requests:      32744
Failed requests:        0
Keep-Alive requests:    32744
Requests per second:    16370.60 [#/sec] (mean)
"""
H2LOAD = """\
finished in 2.01s, 16547.50 req/s, 161.61MB/s
requests: 33095 total, 33145 started, 33095 done, 33095 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 33095 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 323.22MB (338925895) total, 6.00MB (6296220) headers (space savings 0.00%)
"""
TROUBLES = {"errors": 0, "timeouts": 0, "mismatches": 0, "non2xx": 0, "resets": 0}
AUTOCANNON = {**TROUBLES, "2xx": 23052, "requests": {"total": 23052, "sent": 23102}}
LOCUST = {"name": "/page.html", "num_requests": 2680, "num_none_requests": 0, "num_failures": 0}
REPORTS = {
    "wrk": WRK, "hey": HEY, "ab": AB, "h2load": H2LOAD, "autocannon": json.dumps(AUTOCANNON),
    "Locust": json.dumps([LOCUST]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answers"),
    [("wrk", 31156), ("hey", 23239), ("ab", 32744), ("h2load", 33095), ("autocannon", 23052),
     ("Locust", 2680)],
)  # fmt: skip
def test_a_report_of_a_good_run_has_its_answers_and_no_troubles(name, answers):
    assert (answers, 0) == NAMED[name].said(REPORTS[name])


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("wrk", "Requests/sec",
         "  Socket errors: connect 1, read 2, write 4, timeout 8\nRequests/sec", (31156, 15)),
        ("wrk", "Requests/sec", "  Non-2xx or 3xx responses: 16\nRequests/sec", (31156, 16)),
        ("hey", "[200]", "[404]\t5 responses\n  [200]", (23244, 5)),
        ("hey", "responses\n", 'responses\n\nError distribution:\n  [7]\tGet "http://a": EOF\n',
         (23239, 7)),
        ("hey", "responses\n", "responses\n\nError distribution:\n  [200]\tGet: EOF\n",
         (23239, 200)),
        ("ab", "Failed requests:        0", "Failed requests:        3", (32744, 3)),
        ("ab", "Keep", "Write errors:           2\nNon-2xx responses:      4\nKeep", (32744, 6)),
        ("h2load", "0 failed, 0 errored, 0 timeout", "1 failed, 2 errored, 4 timeout", (33095, 7)),
        ("h2load", "0 3xx, 0 4xx, 0 5xx", "1 3xx, 2 4xx, 4 5xx", (33095, 7)),
        ("Locust", '"num_failures": 0', '"num_failures": 9', (2680, 9)),
        *(("autocannon", f'"{kind}": 0', f'"{kind}": 6', (23052, 6)) for kind in TROUBLES),
    ],
)  # fmt: skip
def test_troubles_in_a_report_are_added_up(name, old, new, said):
    assert said == NAMED[name].said(REPORTS[name].replace(old, new, 1))


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("report", ["", "none", "[]", "{}"])
def test_a_report_without_requests_is_refused(name, report):
    with pytest.raises(BenchError, match=f"{name} says nothing of requests: {re.escape(report)}"):
        NAMED[name].said(report)


@pytest.mark.parametrize("name", NAMED)
def test_each_tool_is_told_the_page_the_time_and_fifty_connections(name):
    url = "http://127.0.0.1:8000/page.html"
    command = NAMED[name].command(url, 12, Path("a-report"))

    assert NAMED[name].program == command[0]
    assert not [word for word in command if "{" in word]
    assert {"12", "12s", "-d12s"} & set(command)
    assert {"50", "-c50"} & set(command)
    assert {url, url.removesuffix("/page.html")} & set(command)


def test_locust_reads_a_file_that_is_there_and_asks_for_the_page():
    command = NAMED["Locust"].command("http://127.0.0.1:8000/page.html", 12, Path("a-report"))
    read = command[command.index("-f") + 1]

    assert str(RIVALS / "locust_file.py") == read
    assert '.get("/page.html")' in Path(read).read_text(encoding="ascii")


def a_program(folder, name, does):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return str(path)


def test_tools_that_are_missing_are_left_out_and_the_others_tell_their_versions(tmp_path):
    here = a_program(tmp_path, "here", "echo 'here v1.22.3-4, of 2012'; exit 1")
    mute = a_program(tmp_path, "mute", "echo 'version two'")
    gone = str(tmp_path / "gone")
    tools = [
        Tool("here", here, (), NAMED["wrk"].read, {"here": (here, "-v"), "other": (gone,)}),
        Tool("gone", gone, (), NAMED["wrk"].read, {"gone": (gone, "-v")}),
        Tool("mute", mute, (), NAMED["wrk"].read, {"mute": (mute,)}),
    ]

    found, versions = present(tools)

    assert ["here", "mute"] == [tool.name for tool in found]
    assert {"here": "1.22.3", "other": "unknown", "mute": "unknown"} == versions


def test_every_tool_is_installed_by_the_set_up_or_by_make_peers():
    script = (ROOT / SET_UP).read_text(encoding="ascii")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pins = (ROOT / "bench" / "peers.txt").read_text(encoding="ascii")

    assert {"wrk", "hey", "apache2-utils", "nghttp2-client", "nginx-light"} <= set(script.split())
    assert re.search(r"^locust==", pins, re.MULTILINE)
    assert re.search(r"npm install --prefix \.venv-peers/node .*\$\(AUTOCANNON\)", makefile)

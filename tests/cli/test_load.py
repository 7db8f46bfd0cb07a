import signal
import subprocess
import time

import msgspec
import pytest

from crawler.cli.exits import EXIT_CODES, of_error, of_load_report
from crawler.core.errors import RefusedTargetError
from crawler.stores.hdrlog import decoded
from crawler.traffic.report import Checked, Verdict, read
from tests.cli.conftest import CRAWL, PATIENCE, environment
from tests.traffic.reports import report_of

MET, NOT_MET = Checked("p99<1s", "1 ms", met=True), Checked("p99<1s", "2 s", met=False)
DOUBTED = Verdict("generator-limited", "")
FAILED = {"ok": 0, "network": 5}


def refused(done, code, *named):
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1), done
    assert done.err.startswith("crawl: ")
    assert [text for text in named if text not in done.err] == []


def test_everything_that_is_asked_for_is_written_and_the_summary_goes_to_standard_output(
    run_here, site, tmp_path
):
    (tmp_path / "list").write_text(f"{site.url}/p/1\nPOST {site.url}/p/2 weight=2 body=x=1\n")
    files = ("--csv", "a.csv", "--hdr", "a.hdr", "-o", "a.json")
    done = run_here(
        "load", "list", "-c", 4, "-n", 200, "-H", "X-A: b", "--expect", "errors<1%", *files
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"closed loop, 4 connections, 200 requests: {site.url}/p/1 and 1")
    assert "written    a.json, a.csv, a.hdr" in done.out
    report = read((tmp_path / "a.json").read_bytes())
    assert (report.ok, report.options.headers) == (200, (("X-A", "b"),))
    assert (tmp_path / "a.csv").read_text().count("\n") == len(report.series) + 1
    tagged = [line for line in (tmp_path / "a.hdr").read_text().splitlines() if line[0] == "T"]
    assert [line.split(",")[0] for line in tagged] == [
        "Tag=response", "Tag=service", "Tag=lag", "Tag=wait", "Tag=connect",
    ]  # fmt: skip
    assert len(decoded(tagged[0].split(",")[-1])) == 200


def test_json_goes_to_standard_output_and_what_people_read_does_not(run_here, site):
    done = run_here("load", f"{site.url}/p/1", "-n", 50, "-o", "-", "--engine", "threads", "-c", 2)
    assert (done.code, read(done.out.encode()).options.engine) == (0, "threads")
    assert done.err.startswith("closed loop, 2 connections, engine threads")


def test_an_expectation_that_is_not_met_is_5_and_quiet_says_nothing(run_here, site):
    words = ("-q", 500, "-z", "100ms", "--warmup", "0.05", "-t", "1s", "--quiet", "--strict")
    done = run_here("load", f"{site.url}/p/1", *words, "--expect", "p50<0.001ms")
    assert (done.code, done.out, done.err) == (5, "", "")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 0),
        ({"verdict": DOUBTED}, 7),
        ({"verdict": DOUBTED, "expectations": (MET, NOT_MET)}, 5),
        ({"expectations": (MET,)}, 0),
        (FAILED, 4),
        ({**FAILED, "verdict": DOUBTED}, 7),
        ({**FAILED, "ok": 1}, 0),
        ({"ok": 0, "sent": 0}, 0),
        ({"stopped": "SIGINT", "verdict": DOUBTED, "expectations": (NOT_MET,)}, 130),
        ({"stopped": "SIGTERM"}, 143),
    ],
)
def test_the_code_is_that_of_what_is_gravest(fields, code):
    report = report_of([1.0] * 5, **fields)
    assert of_load_report(report, strict=True) == code
    assert code in {*EXIT_CODES, 143}
    trusted = msgspec.structs.replace(report, verdict=report_of([]).verdict)
    assert of_load_report(report, strict=False) == of_load_report(trusted, strict=True)


def test_a_target_that_is_refused_has_a_code_of_its_own():
    assert of_error(RefusedTargetError("")) == 6
    assert 6 in EXIT_CODES


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["-z", "5 parsecs"], ["-z", "'5 parsecs' is no duration: write 30"]),
        (["-q", "0"], ["-q", "'0' is no rate: must be more than 0"]),
        (["-q", "5/h"], ["-q", "is no rate: write 500"]),
        (["-q", "5", "--stage", "1s:5"], ["--rate and --stage"]),
        (["--stage", "5"], ["--stage", "'5' is no stage: write 10s:100"]),
        (["--new-connections", "200%"], ["--new-connections", "is no share"]),
        (["-n", "0"], ["-n 0: must be more than 0"]),
        (["-n", "many"], ["'-n'", "valid integer"]),
        (["-c", "2", "-w", "3"], ["-w 3: each process needs a connection"]),
        (["--arrivals", "poisson"], ["--arrivals poisson: needs a rate"]),
        (["--engine", "async", "-q", "5"], ["--engine async: closed loop only"]),
        (["-d", "a", "-D", "b"], ["-d and -D: a request has one body"]),
        (["-D", "no.txt"], ["-D no.txt: No such file"]),
        (["-D", "."], ["-D .: Is a directory"]),
        (["-D", "-", "-"], ["standard input: it can be read once"]),
        (["--find-max", ""], ["--find-max: write what"]),
        (["--find-max", "p99<1s", "-q", "5"], ["--find-max and -q"]),
        (["--find-max", "p99<1s", "--stage", "1s:5"], ["--find-max and --stage"]),
        (["--find-max", "p99<1s", "-n", "5"], ["--find-max and -n"]),
        (["--find-max", "p99<1s", "--engine", "async"], ["--find-max", "--engine"]),
        (["--find-max", "p99"], ["--find-max 'p99': write a term"]),
        (["--expect", "p99<5"], ["--expect 'p99<5'", "200ms"]),
        (["--csv", "-"], ["--csv -: name a file"]),
        (["--csv", "a", "--hdr", "./a"], ["./a: both --csv and --hdr"]),
        (["-H", "x"], ["-H", "'x' is no header"]),
        (["no.txt"], ["no.txt: no such file"]),
    ],
)
def test_a_word_that_makes_no_sense_is_named_before_anything_is_sent(run_here, site, words, named):
    refused(run_here("load", f"{site.url}/p/1", *words), 2, *named)
    assert site.truth()["requests"] == 0


def test_a_list_is_not_overwritten_by_what_is_found(run_here, tmp_path):
    (tmp_path / "list").write_text("http://127.0.0.1:1/\n")
    refused(run_here("load", "list", "-o", "list"), 2, "list: both a source and --output")
    assert (tmp_path / "list").read_text() == "http://127.0.0.1:1/\n"


def test_a_missing_extra_is_said_before_the_run(run_here, site, monkeypatch):
    monkeypatch.setattr("crawler.traffic.page.available", lambda: False)
    done = run_here("load", f"{site.url}/p/1", "--report", "a.html")
    refused(done, 2, "--report: needs matplotlib: install crawl[report]")
    assert site.truth()["requests"] == 0


@pytest.mark.parametrize(("option", "path"), [("-o", "no/a"), ("--csv", "."), ("--report", "a/b")])
def test_an_output_that_cannot_be_written_is_said_before_anything_is_sent(
    run_here, site, tmp_path, option, path
):
    (tmp_path / "a").touch()
    refused(run_here("load", f"{site.url}/p/1", option, path, "--hdr", "b"), 8, f"{path}: ")
    assert site.truth()["requests"] == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_is_full_in_the_end_costs_neither_the_summary_nor_the_other_files(
    run_here, site, tmp_path
):
    words = ("-n", 20, "-c", 2, "-o", "/dev/full", "--csv", "a.csv")
    done = run_here("load", f"{site.url}/p/1?status=404", *words)
    assert (done.code, done.err) == (8, "crawl: /dev/full: No space left on device\n")
    assert "outcomes   20 http-error (404)" in done.out
    assert (tmp_path / "a.csv").exists()


def test_nobody_there_is_2_and_a_public_address_is_6_and_no_file_is_left(run_here, tmp_path):
    refused(
        run_here("load", "http://127.0.0.1:1/", "--csv", "a"),
        2,
        "http://127.0.0.1:1: nothing listens",
    )
    refused(run_here("load", "http://192.88.99.1/", "-o", "a"), 6, "--allow-target 192.88.99.1")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_run_and_what_was_done_is_told(site, tmp_path):
    child = subprocess.Popen(
        [*CRAWL, "load", f"{site.url}/p/1", "-q", "200", "-z", "60s", "-c", "2", "-o", "a.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while site.truth()["requests"] < 10 and time.monotonic() < end:
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, err.count("\n")) == (130, 1)
    assert err.startswith("crawl: stopping after what is in flight; once more to stop now")
    assert "stopped    by SIGINT" in out
    report = read((tmp_path / "a.json").read_bytes())
    assert report.ok >= 10
    assert report.window_s < 60


def test_a_person_at_a_terminal_sees_how_it_stands(on_terminal, site):
    done = on_terminal("load", f"{site.url}/p/1", "-q", 300, "-z", "500ms", streams=("stderr",))
    assert done.code == 0
    assert " in flight" in done.out
    assert "p50 " in done.out
    assert done.err.startswith("open loop, constant 300/s, 50 connections, 500 ms: ")

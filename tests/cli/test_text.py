"""What people read, in the places where they read it."""

import unicodedata

import pytest

from crawler.cli.text import failure_line, outcomes_text, page_line, printable
from crawler.core.pages import Outcome, Timing
from crawler.core.record import Record

EVIL = "\x1b[31mred\x07 \u202egnp.exe\x9b2J\nnext \N{SNAIL}"


def record(**fields):
    return Record(url="http://h/", outcome=Outcome.OK, **fields)


@pytest.mark.parametrize("line", [page_line(record(title=EVIL)).decode(), printable(EVIL) + "\n"])
def test_nothing_that_steers_a_terminal_is_left_in_a_line(line):
    kinds = {unicodedata.category(char) for char in line.removesuffix("\n")}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "\N{SNAIL}" in line


def test_a_line_tells_outcome_status_size_time_url_and_title():
    full = record(status=200, bytes=4000, ms=Timing(queue=1, total=12), title="A title")
    assert failure_line(full).split() == [
        "ok",
        "200",
        "4",
        "kB",
        "12",
        "ms",
        "http://h/",
        "A",
        "title",
    ]
    assert failure_line(record()).split() == ["ok", "http://h/"]


def test_the_most_frequent_outcome_comes_first():
    assert outcomes_text({"dns": 2, "ok": 12_345}) == "12 345 ok, 2 dns"


def test_the_summary_goes_to_people_and_the_records_to_standard_output(run, site):
    urls = [f"{site.url}/p/{number}" for number in range(9)]
    done = run("--mode", "serial", *urls, f"{site.url}/p/9?status=404")
    assert len(done.records) == 10
    first, *rest = done.err.splitlines()
    assert first.startswith("serial: 10 records in ")
    assert "pages/s" in first
    names = ["outcomes", "latency", "a page", "CPU", "time", "limit"]
    assert [line[:12].strip() for line in rest] == names
    assert "9 ok, 1 http-error" in rest[0]


def test_one_record_has_no_rate(run, site):
    first = run("--mode", "serial", f"{site.url}/p/1").err.splitlines()[0]
    assert first.startswith("serial: 1 record in ")
    assert "/s" not in first


def test_quiet_says_nothing_but_errors(run, site):
    done = run("--quiet", "--mode", "serial", "-c", "9", f"{site.url}/p/1?status=500")
    assert (len(done.records), done.err) == (1, "")
    assert run("--quiet", "no.txt").err.startswith("crawl: no.txt: no such file")


def test_verbose_says_what_was_chosen_and_each_failure(run, site):
    words = ("--mode", "serial", "-v", "--timeout", "9s", "--retries", "0")
    err = run(*words, f"{site.url}/p/1", f"{site.url}/p/2?status=404").err
    settings, failure, *_ = err.splitlines()
    assert settings == "serial: 1 in flight, transport wire, timeout 9 s, 0 retries"
    assert failure.startswith("http-error 404 ")
    assert f"{site.url}/p/1 " not in err


@pytest.mark.parametrize("mode", ["serial", "processes"])
def test_a_number_in_flight_that_does_nothing_is_said_in_one_line(run, site, mode):
    err = run("--mode", mode, "-c", "8", f"{site.url}/p/1").err
    assert err.splitlines()[0].startswith(f"crawl: -c does nothing here: --mode {mode} has ")


def test_what_failed_can_be_fed_in_again(run, site, tmp_path):
    failing = f"{site.url}/p/2?status=503&fails=1"
    words = ("--mode", "serial", "--retries", "0", "--failed", "failed.txt")
    first = run(*words, f"{site.url}/p/1", failing, "http://127.0.0.1:1/")
    assert (first.code, sorted(first.outcomes)) == (3, ["http-error", "ok", "refused"])
    lines = (tmp_path / "failed.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [failing, "http://127.0.0.1:1/"]
    assert [line.split("\t")[1].split()[0] for line in lines] == ["http-error", "refused"]
    again = run("--mode", "serial", "--retries", "0", "failed.txt")
    assert (again.code, again.outcomes) == (3, ["ok", "refused"])


def test_an_output_file_is_replaced(run, site, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("old\n" * 1000)
    done = run("--mode", "serial", "-o", "out.jsonl", f"{site.url}/p/1")
    assert (done.code, done.out) == (0, "")
    assert out.read_text().count("\n") == 1
    assert "old" not in out.read_text()


def test_a_terminal_gets_short_lines_without_control_characters(on_terminal, httpserver):
    page = f"<title>{EVIL}</title>".encode()
    kind = "text/html; charset=utf-8"
    httpserver.expect_request("/evil").respond_with_data(page, content_type=kind)
    url = httpserver.url_for("/evil")
    done = on_terminal("--mode", "serial", url)
    assert done.code == 0
    line = done.out.removesuffix("\r\n")
    assert line.startswith("ok         200 ")
    assert url in line
    assert line.endswith("\N{SNAIL}")
    assert line.isprintable()
    assert "serial: 1 record in" in done.err


def test_minus_as_output_is_json_also_on_a_terminal(on_terminal, site):
    done = on_terminal("--mode", "serial", "-o", "-", f"{site.url}/p/1")
    assert done.code == 0
    assert done.records[0]["outcome"] == "ok"


@pytest.mark.parametrize("environ", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONUTF8": "1"}])
def test_a_title_is_shown_in_utf_8_whatever_the_locale(on_terminal, site, environ):
    done = on_terminal("--mode", "serial", "-v", f"{site.url}/p/1", "-A", "test", **environ)
    assert (done.code, "日本語" in done.out) == (0, True)


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_only_and_can_be_turned_off(on_terminal, site):
    words = ("--mode", "serial", "-o", "out", f"{site.url}/p/1?latency=300ms")
    assert " in flight  " in on_terminal(*words, streams=("stderr",)).out
    assert " in flight  " not in on_terminal(*words).err
    for option in ("--no-progress", "--quiet"):
        assert " in flight  " not in on_terminal(*words, option, streams=("stderr",)).out

"""What a clumsy hand can do: each is one line that names what and where, before any request."""

import gzip
import json
import socket

import pytest

SECRET = "hunter2"


def refused(done, *named):
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert done.err.startswith("crawl: ")
    assert [text for text in named if text not in done.err] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["no.txt"], ["no.txt: no such file; for a URL write https://no.txt"]),
        (["example.org"], ["for a URL write https://example.org"]),
        (["."], [".: a directory"]),
        (["binary.txt"], ["binary.txt: a binary file"]),
        (["fake.gz"], ["fake.gz: ends in .gz, but is no gzip file"]),
        (["http://127.0.0.1:99999/"], ["http://127.0.0.1:99999/", "not a valid URL"]),
        (["http://[::1"], ["http://[::1", "not a valid URL"]),
        (["ftp://127.0.0.1/"], ["ftp://127.0.0.1/", "only http and https"]),
        (["empty.txt"], ["no URL in any source"]),
        (["comments.txt"], ["no URL in any source"]),
        (["a\x1b[31mb"], ["a[31mb: no such file"]),
        (["--"], ["SOURCES"]),
    ],
)
def test_a_source_that_is_none_is_named(run_here, tmp_path, words, named):
    (tmp_path / "binary.txt").write_bytes(b"http://a\0b/\n")
    (tmp_path / "fake.gz").write_text("http://127.0.0.1:1/\n")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "comments.txt").write_text("# nothing\n\n   \n")
    refused(run_here(*words), *named)


@pytest.mark.parametrize(
    ("fed", "named"),
    [("", "no URL in any source"), ("a\0b\n", "standard input: a binary file, not a list")],
)
def test_nothing_useful_on_standard_input_is_said(run, fed, named):
    refused(run("--mode", "serial", "-", fed=fed), named)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--mode", "fast"], ["--mode", "'fast'", "serial", "hybrid"]),
        (["--mode"], ["--mode", "requires an argument"]),
        (["-c", "0"], ["--concurrency 0: must be at least 1"]),
        (["-c", "many"], ["-c"]),
        (["-w", "0"], ["--workers 0"]),
        (["--timeout", "abc"], ["--timeout", "'abc' is no duration: write"]),
        (["--timeout", "0"], ["--timeout", "more than 0"]),
        (["--timeout", "9" * 400], ["--timeout", "no duration"]),
        (["--max-bytes", "9" * 400], ["--max-bytes", "no size"]),
        (["--max-bytes", "0"], ["--max-bytes 0"]),
        (["--max-ratio", "nan"], ["--max-ratio nan"]),
        (["--retries", "-1"], ["--retries -1"]),
        (["-H", "no colon"], ["-H", "'no colon' is no header: write 'Name: value'"]),
        (["-H", "A: b\r\nX: y"], ["--header 'A'", "one line"]),
        (["-H", "A b: c"], ["--header 'A b'"]),
        (["--colour"], ["--colour"]),
        (["--failed", "-"], ["--failed -: name a file"]),
        (["--trace", "-"], ["--trace -: name a file"]),
    ],
)
def test_an_option_that_makes_no_sense_is_named(run_here, site, words, named):
    done = run_here(f"{site.url}/p/1", *words)
    refused(done, *named)
    assert "Value error" not in done.err
    assert site.truth()["requests"] == 0


def test_a_source_that_is_missing_is_found_before_the_first_request(run, site):
    refused(run(f"{site.url}/p/1", "no.txt"), "no.txt")
    assert site.truth()["requests"] == 0


def test_a_port_in_use_is_named(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", port)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"crawl serve: --host 127.0.0.1 --port {port}: cannot listen there" in done.err


def test_a_bad_url_on_line_17_is_one_record_and_the_crawl_goes_on(run, site, tmp_path):
    lines = [f"{site.url}/p/{number}" for number in range(20)]
    lines[16] = "htp//nowhere"
    (tmp_path / "list.txt").write_text("\n".join(lines))
    done = run("--mode", "threads", "list.txt")
    assert done.code == 3
    bad = [record for record in done.records if record["outcome"] != "ok"]
    assert [(record["url"], record["outcome"]) for record in bad] == [("htp//nowhere", "bad-url")]
    assert len(done.records) == 20
    assert site.truth()["requests"] == 19


@pytest.mark.parametrize("mode", ["serial", "hybrid"])
def test_a_weird_list_gives_one_record_for_each_line(run, site, mode):
    bad = [
        "no-scheme", "http://[::1", "http://a%00b/", "ws://127.0.0.1/", "http://127.0.0.1:99999/",
        f"{site.url}/{'a' * 60_000}", "http://\u202e/", "http://exa\0mple/", "//127.0.0.1/x",
    ]  # fmt: skip
    good = [f"{site.url}/p/1#part", f"{site.url.upper()}/p/2", f"{site.url}/p/3 and more"]
    padding = ["# a NUL this far down is one bad line, and no binary file"] * 200
    text = "\ufeff" + "\r\n".join([*padding, *good, "", "  ", *bad])
    done = run("--mode", mode, "--retries", "0", "/dev/stdin", fed=text)
    assert (done.code, sorted(done.outcomes)) == (3, ["bad-url"] * len(bad) + ["ok"] * len(good))
    assert max(len(record["url"]) for record in done.records) <= 16_000


def test_a_list_may_be_packed(run, site, tmp_path):
    (tmp_path / "list.txt.gz").write_bytes(gzip.compress(f"{site.url}/p/1\n".encode()))
    assert run("--mode", "serial", "list.txt.gz").outcomes == ["ok"]


@pytest.mark.parametrize("option", ["--output", "--failed", "--trace"])
@pytest.mark.parametrize("name", ["list.txt", "./list.txt", "link.txt"])
def test_a_list_is_not_overwritten_by_what_is_read_from_it(run_here, tmp_path, option, name):
    (tmp_path / "list.txt").write_text("http://127.0.0.1:1/\n")
    (tmp_path / "link.txt").hardlink_to(tmp_path / "list.txt")
    refused(run_here("list.txt", option, name), name, "both a source and", option)
    assert (tmp_path / "list.txt").read_text() == "http://127.0.0.1:1/\n"


def test_records_and_failures_do_not_go_to_one_file(run_here):
    refused(run_here("http://127.0.0.1:1/", "-o", "both", "--failed", "./both"), "./both")
    refused(run_here("http://127.0.0.1:1/", "-o", "both", "--trace", "./both"), "./both")


def test_credentials_reach_the_server_but_no_record_and_no_person(run, site, tmp_path):
    host = site.url.removeprefix("http://")
    urls = [
        f"http://user:{SECRET}@{host}/p/1",
        f"http://user:p%40{SECRET}@{host}/p/2?status=500",
        f"HTTP://user:{SECRET}@127.0.0.1:99999/",
        f"ftp://user:{SECRET}@{host}/",
    ]
    (tmp_path / "list.txt").write_text("\n".join(urls))
    done = run("list.txt", "-v", "--retries", "0", "--mode", "serial", "--failed", "failed.txt")
    assert sorted(done.outcomes) == ["bad-url", "bad-url", "http-error", "ok"]
    assert SECRET not in done.out + done.err + (tmp_path / "failed.txt").read_text()
    argued = run(urls[2])
    refused(argued, "127.0.0.1:99999")
    assert SECRET not in argued.err


@pytest.mark.parametrize("mode", ["serial", "async"])
def test_a_hostile_redirect_is_one_failed_record(run, site, mode):
    leads = ["file:///etc/passwd", f"http://u:{SECRET}@127.0.0.1:99999/", "ftp://127.0.0.1/",
             "http://169.254.169.254/"]  # fmt: skip
    urls = [f"{site.url}/p/1?redirect={lead}" for lead in leads]
    done = run("--mode", mode, "--timeout", "5s", *urls, f"{site.url}/p/1?hops=99")
    assert sorted(done.outcomes) == ["bad-url"] * 3 + ["private-address", "too-many-redirects"]
    assert done.code == 4


def test_no_input_of_a_user_shows_a_traceback(run, site, tmp_path):
    (tmp_path / "noise").write_bytes(bytes(range(1, 256)) * 40)
    for words in (["noise"], [f"{site.url}/p/1", "--max-bytes", "1", "--timeout", "0.0001"]):
        done = run("--mode", "serial", "--retries", "0", *words)
        assert "Traceback" not in done.err
        assert [json.loads(line) for line in done.out.splitlines()]
        assert done.code == 4

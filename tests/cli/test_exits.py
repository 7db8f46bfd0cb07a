import os
import subprocess

import pytest

from crawler.cli.exits import EXIT_CODES, of_error
from crawler.core.errors import (
    CrawlError,
    InternalError,
    OptionsError,
    OutputClosedError,
    OutputError,
    SourceError,
    WorkerError,
)
from tests.cli.conftest import CRAWL, PATIENCE, environment


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OptionsError, 2), (SourceError, 2), (OutputError, 8), (OutputClosedError, 141),
        (WorkerError, 1), (InternalError, 1), (CrawlError, 1),
    ],
)  # fmt: skip
def test_each_error_has_a_code_that_help_explains(error, code):
    assert of_error(error("")) == code
    assert code in EXIT_CODES


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["/p/1", "/p/2"], 0),
        (["/p/1", "/p/2?status=404"], 3),
        (["/p/1?status=404", "/p/2?status=500"], 4),
        (["/p/1?status=304"], 0),
    ],
)
def test_the_code_tells_how_many_failed(run, site, paths, code):
    urls = [site.url + path for path in paths]
    assert run("--mode", "serial", "--quiet", *urls).code == code


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "/dev/full"],
        ["-o", "."],
        ["-o", "no/such"],
        ["--failed", "."],
        ["--trace", "/dev/full"],
        ["--trace", "no/such"],
    ],
)
def test_an_output_that_cannot_be_written_is_one_line_and_8(run, site, words):
    done = run("--mode", "serial", f"{site.url}/p/1", *words)
    assert (done.code, done.out, done.err.count("\n")) == (8, "", 1)
    assert done.err.startswith(f"crawl: {words[1]}: ")


@pytest.mark.parametrize("words", [["schema"], ["--help"], ["--version"], [], ["run", "--help"]])
def test_a_full_disk_under_what_is_printed_is_one_line_and_8(words):
    code, err = ended(words, ">/dev/full")
    assert (code, err) == (8, "crawl: standard output: No space left on device\n")


@pytest.mark.parametrize("words", [["schema"], ["--help"]])
def test_a_reader_that_went_away_is_no_message_and_141(words):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*CRAWL, *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_closed_standard_output_is_said_and_8(site):
    code, err = ended([f"{site.url}/p/1"], ">&-")
    assert (code, err) == (8, "crawl: standard output: closed; name a file with -o\n")


def test_a_closed_standard_input_is_said_and_2():
    assert ended(["-"], "<&-") == (2, "crawl: standard input: closed\n")


@pytest.mark.parametrize("mode", ["serial", "hybrid"])
def test_with_every_stream_closed_a_file_still_gets_its_records(site, tmp_path, mode):
    out = tmp_path / "records"
    words = [f"{site.url}/p/{number}" for number in range(5)]
    code, _ = ended(["--mode", mode, "-o", str(out), *words], "<&- >&- 2>&-")
    assert (code, out.read_bytes().count(b"\n")) == (0, 5)


def test_a_full_standard_error_costs_nothing(site, tmp_path):
    out = tmp_path / "records"
    code, _ = ended(["--mode", "serial", "-o", str(out), f"{site.url}/p/1"], "2>/dev/full")
    assert (code, out.read_bytes().count(b"\n")) == (0, 1)


def ended(words, redirections):
    """Run the command with its streams as a shell redirects them; returns code and stderr."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *CRAWL, *words],
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.decode()

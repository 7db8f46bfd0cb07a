import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cell import BenchError
from bench.contest import Look, steady, watch
from bench.findings import findings
from bench.interpreters import PINS, peers, pinned
from bench.meter import cpu_of_family

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


def looks(*sizes):
    """Look once a second: the client uses half a second of CPU in each, the server a tenth."""
    return [Look(100.0 + at, size, at / 2, at / 10) for at, size in enumerate(sizes)]


def test_a_crawl_is_measured_from_its_first_record_until_99_percent_are_there():
    found = steady(looks(0, 0, 1000, 5000, 9800, 9950, 9950, 10_000), pages=100)

    assert 88 / 2 == pytest.approx(found.pages_per_s)
    assert 2.0 == found.startup_s
    assert 2 * 0.5 / 88 == pytest.approx(found.client)
    assert 2 * 0.1 / 88 == pytest.approx(found.server)


def test_the_time_that_a_tool_takes_to_close_does_not_count():
    quick = steady(looks(0, 1000, 5000, 9900, 10_000), pages=100)
    slow = steady(looks(0, 1000, 5000, 9900, 10_000, *[10_000] * 9), pages=100)

    assert quick == slow


def test_a_crawl_too_short_to_be_seen_growing_counts_from_before_its_first_record():
    found = steady(looks(0, 0, 1000, 1000), pages=10)

    assert 10 == pytest.approx(found.pages_per_s)
    assert 2.0 == found.startup_s


@linux
def test_a_command_is_watched_while_it_writes(tmp_path):
    output = tmp_path / "out"
    script = f"import pathlib; pathlib.Path({str(output)!r}).write_text('x' * 10)"

    seen = watch([sys.executable, "-c", script], output, site_pid=1)

    assert (0, 10) == (seen[0].written, seen[-1].written)
    assert seen[-1].client > 0


@linux
@pytest.mark.parametrize(
    ("script", "message"), [("pass", "wrote nothing"), ("raise SystemExit(3)", "ended with 3")]
)
def test_a_command_that_fails_or_writes_nothing_is_an_error(tmp_path, script, message):
    with pytest.raises(BenchError, match=message):
        watch([sys.executable, "-c", script], tmp_path / "out", site_pid=1)


@linux
def test_the_cpu_of_a_family_has_that_of_children_that_ended():
    before = cpu_of_family(os.getpid())
    burn = "import time\nwhile time.process_time() < 0.1: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)

    assert 0.09 <= cpu_of_family(os.getpid()) - before


def record(number, **changes):
    made = {
        "url": f"http://a.test/{number}", "status": 200, "sha256": "a" * 64, "title": "A title",
        "links": ["http://a.test/1", "http://a.test/2"], "bytes": 30_000, "text_sha256": "b" * 64,
    }  # fmt: skip
    return json.dumps(made | changes)


def written(path, *records):
    path.write_text("".join(f"{one}\n" for one in records))
    return findings(path)


def test_the_same_findings_have_the_same_digest_in_any_order_and_number(tmp_path):
    once = written(tmp_path / "a", record(1), record(2))
    twice = written(tmp_path / "b", record(2), record(1, outcome="ok"), record(1), record(2))

    assert once.digest == twice.digest
    assert (2, 2, 1, 1) == (once.records, once.different, once.fewest, once.most)
    assert (4, 2, 2, 2) == (twice.records, twice.different, twice.fewest, twice.most)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 404},
        {"sha256": "c" * 64},
        {"title": "Another"},
        {"links": ["http://a.test/2", "http://a.test/1"]},
        {"bytes": 1},
        {"text_sha256": "c" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_differs_changes_the_digest(tmp_path, changes):
    same = written(tmp_path / "a", record(1))
    other = written(tmp_path / "b", record(1, **changes))

    assert same.digest != other.digest


def test_without_their_environment_the_peers_cannot_be_measured(tmp_path):
    with pytest.raises(BenchError, match="run make peers"):
        peers(["aiohttp"], folder=tmp_path)


def test_what_both_environments_have_is_pinned_alike():
    """Otherwise the loop or the parser would be compared, not the crawlers."""
    ours = pinned(PINS.parent.parent / "constraints.txt")

    assert {name: ours[name] for name in ("selectolax", "uvloop")} == {
        name: pinned()[name] for name in ("selectolax", "uvloop")
    }

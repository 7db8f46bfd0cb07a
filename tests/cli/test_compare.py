import pytest

from crawler.traffic.report import kept
from tests.traffic.reports import report_of


def times(median):
    return [median * (1 + (number * 7919 % 100) / 500) for number in range(4000)]


@pytest.fixture
def reports(tmp_path):
    (tmp_path / "fast.json").write_bytes(kept(report_of(times(1.0))))
    (tmp_path / "slow.json").write_bytes(kept(report_of(times(2.0))))


@pytest.mark.usefixtures("reports")
def test_two_reports_are_compared_the_old_one_first(run_here):
    done = run_here("compare", "fast.json", "slow.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("worse: ")
    assert run_here("compare", "slow.json", "fast.json").out.startswith("better: ")
    assert run_here("compare", "fast.json", "fast.json").out.startswith("same: ")


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(
    ("files", "code"),
    [
        (("fast.json", "slow.json"), 5),
        (("slow.json", "fast.json"), 0),
        (("fast.json", "fast.json"), 0),
        (("fast.json", "fast.json", "slow.json", "slow.json"), 5),
    ],
)
def test_worse_may_be_a_failure(run_here, files, code):
    assert run_here("compare", *files, "--fail-if-worse").code == code


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(
    ("files", "named"),
    [
        (("fast.json",), "1 report: give an old one and a new one"),
        (("fast.json",) * 3, "3 reports: "),
        (("fast.json", "no.json"), "no.json: no such file"),
        (("fast.json", "."), ".: Is a directory"),
        (("fast.json", "list"), "list: no report of `crawl load -o`: "),
        (("fast.json", "other.json"), "other.json: no report of `crawl load -o`: "),
        (("broken.json", "fast.json"), "histogram"),
        (("a\0", "fast.json"), "no name of a file"),
        ((), "REPORTS"),
    ],
)
def test_what_is_no_report_is_named(run_here, tmp_path, files, named):
    (tmp_path / "list").write_bytes(b"\xff\xfe http://127.0.0.1/\n")
    (tmp_path / "other.json").write_text('{"version": "1"}')
    whole = (tmp_path / "fast.json").read_bytes()
    (tmp_path / "broken.json").write_bytes(whole.replace(b'"hdr": "HIST', b'"hdr": "MIST'))
    done = run_here("compare", *files)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert named in done.err

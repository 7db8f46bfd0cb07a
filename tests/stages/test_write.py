"""Keeping records: in the output, in the file of failures and by a callback, in both colours."""

import asyncio
import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import OutputError
from crawler.core.pages import NOT_FAILURES, Outcome
from crawler.core.record import Record, encode
from crawler.core.urls import target_of
from crawler.stages.write import Outputs, failed_line
from crawler.stores.jsonl import LineFile
from crawler.system.intake import Intake

RECORDS = [Record(url=f"http://h/{outcome}", outcome=outcome) for outcome in Outcome]


def json_line(record):
    return encode(record) + b"\n"


@pytest.fixture(params=["write", "awrite"])
def keep(request):
    """Write blocks of records in one colour."""
    with asyncio.Runner() as runner:

        def keep(outputs, *blocks):
            for block in blocks:
                if request.param == "write":
                    outputs.write(block)
                else:
                    runner.run(outputs.awrite(block))

        yield keep


@pytest.fixture
def files(tmp_path):
    """Open an output and a file of failures."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(LineFile(str(tmp_path / name))) for name in ("records", "failed")
        ]


def fed_again(line, tmp_path):
    path = tmp_path / "again"
    path.write_bytes(line)
    intake = Intake([str(path)])
    targets = [*intake.read(10).targets, *intake.read(10).targets]
    intake.close()
    return targets


def test_each_record_is_a_line_and_each_failure_one_more(tmp_path, files, keep):
    told: list[Record] = []
    outputs = Outputs(json_line, files[0], files[1], told.append)
    keep(outputs, RECORDS[:5], [], RECORDS[5:])

    lines = (tmp_path / "records").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Record) for line in lines] == RECORDS
    failed = (tmp_path / "failed").read_text().splitlines()
    assert [line.split("\t")[1] for line in failed] == [
        outcome for outcome in Outcome if outcome not in NOT_FAILURES
    ]
    assert told == RECORDS


def test_with_a_callback_alone_nothing_is_written(keep):
    told: list[Record] = []
    keep(Outputs(json_line, None, on_record=told.append), RECORDS)

    assert told == RECORDS


def test_the_line_is_whatever_was_asked_for(tmp_path, files, keep):
    keep(Outputs(lambda record: f"<{record.outcome}>\n".encode(), files[0]), RECORDS[:2])

    assert (tmp_path / "records").read_text() == "<ok>\n<http-error>\n"


@pytest.mark.parametrize("broken", [0, 1])
def test_a_record_that_is_not_kept_is_not_told(tmp_path, keep, broken):
    told: list[Record] = []
    paths = [str(tmp_path / "records"), str(tmp_path / "failed")]
    paths[broken] = "/dev/full"
    with contextlib.ExitStack() as stack:
        records, failed = (stack.enter_context(LineFile(path)) for path in paths)
        outputs = Outputs(json_line, records, failed, told.append)
        with pytest.raises(OutputError, match="/dev/full"):
            keep(outputs, RECORDS)

    assert told == []


def test_what_lines_cost_the_cpu_is_added_up(files, keep):
    outputs = Outputs(json_line, files[0], files[1])
    keep(outputs, RECORDS * 50)
    once = outputs.cpu_s
    keep(outputs, RECORDS * 50)

    assert 0.0 < once < outputs.cpu_s


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            Record(url="http://h/", outcome=Outcome.TIMEOUT, error="nothing received for 10 s"),
            b"http://h/\ttimeout nothing received for 10 s\n",
        ),
        (
            Record(url="http://h/", outcome=Outcome.HTTP_ERROR, status=503),
            b"http://h/\thttp-error 503\n",
        ),
        (
            Record(url="http://h/", outcome=Outcome.TOO_LARGE, status=200, error="too much"),
            b"http://h/\ttoo-large too much\n",
        ),
        (Record(url="http://ü/", outcome=Outcome.HOST_DOWN), "http://ü/\thost-down\n".encode()),
    ],
)
def test_a_failure_is_a_url_a_tab_and_what_went_wrong(record, line):
    assert failed_line(record) == line


@given(st.lists(st.sampled_from(["http://", "h.test", "/", "ä", "?q=", "\u3000", "#x", "%", "'"])))
def test_the_line_of_a_failure_can_be_fed_in_again(tmp_path_factory, parts):
    target = target_of("http://h.test/" + "".join(parts))
    line = failed_line(Record(url=target.url, outcome=Outcome.DNS, error="no # address\there"))

    [again] = fed_again(line, tmp_path_factory.getbasetemp())

    assert (again.url, again.address) == (target.url, target.address)


def test_a_failed_url_with_a_space_can_be_fed_in_again(tmp_path):
    target = target_of("http://h.test/a b?c d")
    line = failed_line(Record(url=target.url, outcome=Outcome.DNS))

    [again] = fed_again(line, tmp_path)

    assert again.address == target.address


def test_a_url_that_was_too_long_is_not_fed_in_again_as_a_shorter_one(tmp_path):
    target = target_of("http://h.test/".ljust(20_000, "x"))
    line = failed_line(Record(url=target.url, outcome=Outcome.BAD_URL, error=str(target.problem)))

    assert [again.address for again in fed_again(line, tmp_path) if again.address] == []

"""Keeping records: in the output, in the file of failures and by a callback, in both colours."""

import asyncio
import contextlib
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.entry import Form, failed_line
from crawler.core.errors import OutputError
from crawler.core.pages import NOT_FAILURES, Analysed, Fetched, Outcome, Timing
from crawler.core.record import Record
from crawler.core.urls import target_of
from crawler.stages.write import Outputs, written
from crawler.stores.jsonl import LineFile
from crawler.system.intake import Intake

RECORDS = [Record(url=f"http://h/{outcome}", outcome=outcome) for outcome in Outcome]
WHOLE = Form(failures=True, records=True)


def entries(records=RECORDS, form=WHOLE):
    return [form.entry_of(record) for record in records]


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
    outputs = Outputs(files[0], files[1], told.append)
    keep(outputs, entries(RECORDS[:5]), [], entries(RECORDS[5:]))

    lines = (tmp_path / "records").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Record) for line in lines] == RECORDS
    failed = (tmp_path / "failed").read_text().splitlines()
    assert [line.split("\t")[1] for line in failed] == [
        outcome for outcome in Outcome if outcome not in NOT_FAILURES
    ]
    assert told == RECORDS


def test_with_a_callback_alone_nothing_is_written(keep):
    told: list[Record] = []
    form = Form(line=None, records=True)
    keep(Outputs(None, on_record=told.append), entries(form=form))

    assert told == RECORDS
    assert {entry.line for entry in entries(form=form)} == {b""}


def test_the_line_is_whatever_was_asked_for(tmp_path, files, keep):
    form = Form(line=lambda record: f"<{record.outcome}>\n".encode())
    keep(Outputs(files[0]), entries(RECORDS[:2], form))

    assert (tmp_path / "records").read_text() == "<ok>\n<http-error>\n"


@pytest.mark.parametrize("broken", [0, 1])
def test_a_record_that_is_not_kept_is_not_told(tmp_path, keep, broken):
    told: list[Record] = []
    paths = [str(tmp_path / "records"), str(tmp_path / "failed")]
    paths[broken] = "/dev/full"
    with contextlib.ExitStack() as stack:
        records, failed = (stack.enter_context(LineFile(path)) for path in paths)
        outputs = Outputs(records, failed, told.append)
        with pytest.raises(OutputError, match="/dev/full"):
            keep(outputs, entries())

    assert told == []


def test_an_entry_has_what_the_books_count():
    target = target_of("http://h/")
    timing = Timing(queue=1.0, total=2.0)
    fetched = Fetched(
        url="http://h/", final_url="http://h/", outcome=Outcome.OK, wire_bytes=5, timing=timing
    )
    found = Analysed(bytes=7, cpu_s=0.25)
    entry = written(Form(), target, fetched, found)

    assert (entry.outcome, entry.bytes, entry.wire_bytes) == (Outcome.OK, 7, 5)
    assert (entry.ms, entry.analyse_cpu_s) == (timing, 0.25)
    assert entry.write_cpu_s > 0.0
    assert (entry.failure, entry.record) == (b"", None)
    assert msgspec.json.decode(entry.line, type=Record).bytes == 7


def test_what_analysing_made_of_an_answer_is_its_outcome():
    fetched = Fetched(url="http://h/", final_url="http://h/", outcome=Outcome.OK, status=200)
    broken = Analysed(outcome=Outcome.DECODE_ERROR, error="not gzip")
    entry = Form(failures=True).entry(target_of("http://h/"), fetched, broken)

    assert entry.outcome is Outcome.DECODE_ERROR
    assert entry.failure == b"http://h/\tdecode-error not gzip\n"


def test_an_entry_travels():
    [entry] = entries(RECORDS[:1])

    assert pickle.loads(pickle.dumps(entry)) == entry


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

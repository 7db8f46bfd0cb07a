"""The record of a visit: what is in it, what is not, and that its schema tells the truth."""

import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.pages import Analysed, Fetched, Hop, Outcome, Target, Timing
from crawler.core.record import Record, encode, interrupted, record_of, schema

NAMES = (
    "url", "final_url", "outcome", "status", "error", "content_type", "encoding", "bytes",
    "wire_bytes", "sha256", "text_sha256", "simhash", "title", "links", "links_total",
    "redirects", "attempts", "depth", "referrer", "fetched_at", "ms",
)  # fmt: skip
TARGET = Target(
    url="http://h/", address="http://h/", host="h", attempt=2, depth=1, referrer="http://g/"
)
FETCHED = Fetched(
    url="http://h/",
    final_url="http://h/x",
    outcome=Outcome.OK,
    status=200,
    content_type="text/html",
    content_encoding="gzip",
    body=b"xy",
    wire_bytes=2,
    redirects=[Hop(302, "http://h/x")],
    home=True,
    fetched_at=1_700_000_000.1234,
    timing=Timing(queue=0.5, connect=1.0, ttfb=2.0, total=3.0),
)
ANALYSED = Analysed(
    bytes=0,
    sha256="ab",
    encoding="UTF-8",
    text_sha256="cd",
    simhash="00",
    title="",
    links=[],
    links_total=0,
)
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "array": (),
    "object": (),
    "null": type(None),
}


def fits(value, wanted, whole):
    """Say whether a JSON value is as a JSON Schema wants it, as far as ours goes."""
    if "$ref" in wanted:
        return fits(value, whole["$defs"][wanted["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in wanted:
        return any(fits(value, one, whole) for one in wanted["anyOf"])
    if "enum" in wanted:
        return value in wanted["enum"]
    if isinstance(value, list):
        return wanted["type"] == "array" and all(fits(one, wanted["items"], whole) for one in value)
    if isinstance(value, dict) and wanted["type"] == "object":
        known = wanted["properties"]
        there = set(wanted["required"]) <= set(value) <= set(known)
        return there and all(fits(value[name], known[name], whole) for name in value)
    return isinstance(value, KINDS[wanted["type"]])


def is_record(line):
    return fits(msgspec.json.decode(line), schema(), schema())


def made(kind):
    """Any value of a record's type, with its absent fields absent."""
    absent: st.SearchStrategy = st.just(msgspec.UNSET)
    optional: dict[str, st.SearchStrategy] = dict.fromkeys(NAMES, absent | st.text(max_size=4))
    numbers = ("status", "bytes", "wire_bytes", "links_total", "attempts", "depth")
    optional |= dict.fromkeys(numbers, absent | st.integers(0, 2**53))
    optional["url"] = st.text(max_size=9)
    optional["outcome"] = st.sampled_from(Outcome)
    optional["links"] = absent | st.lists(st.text(max_size=3), max_size=3)
    optional["redirects"] = absent | st.lists(
        st.builds(Hop, st.integers(301, 308), st.text(max_size=3)), max_size=2
    )
    optional["ms"] = absent | st.builds(
        Timing, queue=st.floats(0, 9), connect=st.none() | st.floats(0, 9), total=st.floats(0, 9)
    )
    return st.builds(kind, **optional)


def test_a_whole_visit_fills_every_field_but_the_error():
    record = record_of(TARGET, FETCHED, ANALYSED)

    assert list(msgspec.json.decode(encode(record))) == [
        "url", "outcome", "final_url", "status", "content_type", "encoding", "bytes",
        "wire_bytes", "sha256", "text_sha256", "simhash", "title", "links", "links_total",
        "redirects", "attempts", "depth", "referrer", "fetched_at", "ms",
    ]  # fmt: skip
    assert record.fetched_at == "2023-11-14T22:13:20.123Z"
    assert record.attempts == 2


def test_what_is_empty_or_zero_is_there_and_what_does_not_apply_is_absent():
    found = msgspec.json.decode(encode(record_of(TARGET, FETCHED, ANALYSED)))
    assert (found["bytes"], found["links"], found["links_total"], found["title"]) == (0, [], 0, "")

    failed = Fetched(
        url="http://h/",
        final_url="",
        outcome=Outcome.DNS,
        error="e",
        fetched_at=1.0,
        timing=Timing(queue=0, total=1),
    )
    found = msgspec.json.decode(encode(record_of(TARGET, failed, None)))

    assert set(found) == {
        "url", "outcome", "error", "attempts", "depth", "referrer", "fetched_at", "ms",
    }  # fmt: skip
    assert set(found["ms"]) == {"queue", "total"}


def test_what_was_never_asked_for_has_no_time():
    never = Fetched(url="http://h/", final_url="", outcome=Outcome.INTERRUPTED)
    found = msgspec.json.decode(encode(record_of(TARGET, never, None)))

    assert {"fetched_at", "ms"}.isdisjoint(found)


def test_the_fetch_has_its_say_unless_analyse_found_something_wrong():
    wrong = Analysed(outcome=Outcome.DECODE_ERROR, error="gzip data is damaged")
    page = msgspec.structs.replace(FETCHED, outcome=Outcome.HTTP_ERROR, status=404)

    assert record_of(TARGET, page, ANALYSED).outcome is Outcome.HTTP_ERROR
    record = record_of(TARGET, page, wrong)
    assert (record.outcome, record.error) == (Outcome.DECODE_ERROR, "gzip data is damaged")
    assert (record.status, record.wire_bytes) == (404, 2)


def test_what_a_stop_left_over_has_a_record_of_its_own():
    found = msgspec.json.decode(encode(interrupted(TARGET)))

    assert found["outcome"] == "interrupted"
    assert set(found) == {"url", "outcome", "error", "attempts", "depth", "referrer"}


def test_the_schema_names_every_field_and_wants_only_the_url_and_the_outcome():
    record = schema()["$defs"]["Record"]  # type: ignore[index]

    assert sorted(record["properties"]) == sorted(NAMES)
    assert record["required"] == ["url", "outcome"]
    assert record["properties"]["outcome"] == {"$ref": "#/$defs/Outcome"}
    assert schema()["$defs"]["Outcome"]["enum"] == sorted(Outcome)  # type: ignore[index]


@given(made(Record))
def test_every_record_is_one_line_that_fits_the_schema_and_comes_back(record):
    line = encode(record)

    assert b"\n" not in line
    assert is_record(line)
    assert msgspec.json.decode(line, type=Record) == record
    assert pickle.loads(pickle.dumps(record)) == record


@pytest.mark.parametrize(
    "line",
    [
        b'{"url":"u"}',
        b'{"url":"u","outcome":"fine"}',
        b'{"url":"u","outcome":"ok","status":"200"}',
        b'{"url":"u","outcome":"ok","links":[1]}',
        b'{"url":"u","outcome":"ok","colour":"red"}',
        b'{"url":"u","outcome":"ok","title":null}',
        b'{"url":"u","outcome":"ok","ms":{"queue":1}}',
    ],
)
def test_the_schema_refuses_what_is_no_record(line):
    assert not is_record(line)

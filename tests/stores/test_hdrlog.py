import json
import subprocess
import sys

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given, settings
from hypothesis import strategies as some

from crawler.core.histogram import HOUR_NS, Histogram, greatest, index_of
from crawler.stores.hdrlog import decoded, encoded, hdr_log

numbers = some.integers(0, HOUR_NS) | some.integers(0, 5_000) | some.just(HOUR_NS)

few = settings(max_examples=25)  # an example costs milliseconds: the library counts 33 792 buckets


def recorded(values):
    histogram = Histogram()
    histogram.record_all(values)
    return histogram


@few
@given(some.lists(numbers, max_size=30))
def test_the_library_reads_what_was_encoded_and_would_write_the_same(values):
    text, library = encoded(recorded(values)), HdrHistogram(1, HOUR_NS, 3)
    for value in values:
        library.record_value(value)

    assert text == library.encode().decode()
    assert HdrHistogram.decode(text).counts[:] == recorded(values).counts


@few
@given(some.lists(numbers, max_size=30))
def test_decoded_is_what_was_encoded_as_far_as_buckets_know(values):
    back = decoded(encoded(recorded(values)))
    tops = [min(greatest(index_of(value)), HOUR_NS) for value in values]

    assert back.counts == recorded(values).counts
    assert (back.least, back.most) == (min(tops, default=HOUR_NS), max(tops, default=0))
    assert back.total == sum(tops)


@pytest.mark.parametrize(
    "text",
    ["", "no histogram", "HISTFAAA", "ü", encoded(recorded([5]))[:-8], "A" * 40],
    ids=["empty", "words", "short", "not ASCII", "cut off", "zeros"],
)
def test_what_is_no_histogram_is_one_error(text):
    with pytest.raises(ValueError, match="no histogram in"):
        decoded(text)


@pytest.mark.parametrize("library", [HdrHistogram(1, HOUR_NS, 2), HdrHistogram(1, 1_000_000, 3)])
def test_a_histogram_with_other_buckets_is_an_error(library):
    with pytest.raises(ValueError, match="from 1 ns to an hour with 3 digits"):
        decoded(library.encode().decode())


def test_the_library_reads_the_log(tmp_path):
    response, lag = recorded([1_000_000, 2_500_000]), recorded([300])
    tagged = {"response": encoded(response), "lag": encoded(lag), "wait": encoded(recorded([]))}
    file = tmp_path / "run.hlog"
    file.write_text(hdr_log(1_700_000_000.25, 12.5, tagged), encoding="ascii")
    reader = HistogramLogReader(str(file), HdrHistogram(1, HOUR_NS, 3))

    read = [reader.get_next_interval_histogram() for _ in tagged]
    rest = reader.get_next_interval_histogram()
    reader.input_file.close()

    assert rest is None
    assert [one.get_tag() for one in read] == ["response", "lag", "wait"]
    assert [one.get_total_count() for one in read] == [2, 1, 0]
    assert read[0].counts[:] == response.counts
    assert {one.get_start_time_stamp() for one in read} == {1_700_000_000_250}
    assert {one.get_end_time_stamp() for one in read} == {1_700_000_012_750}


def test_a_log_names_its_format_its_start_and_each_greatest_value_in_milliseconds():
    text = encoded(recorded([2_000]))

    assert hdr_log(0.5, 2, {"response": text}).splitlines() == [
        "#[Histogram log format version 1.3]",
        "#[StartTime: 0.500 (seconds since epoch), 1970-01-01 00:00:00.500+00:00]",
        "#[BaseTime: 0.500 (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
        f"Tag=response,0.000,2.000,0.002,{text}",
    ]


def test_the_library_is_imported_only_when_it_is_needed():
    seen = subprocess.run(
        [sys.executable, "-c", "import json, sys, crawler.stores.hdrlog;"
         "print(json.dumps([m for m in sys.modules if m.startswith('hdrh')]))"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert [] == json.loads(seen.stdout)

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cli.units import bytes_text, count_text, duration, header, seconds_text, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("0.25", 0.25),
     (" 1.5 s ", 1.5), ("0", 0)],
)  # fmt: skip
def test_a_bare_duration_is_in_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("10B", 10), ("10kB", 10_000), ("10KB", 10_000), ("5MB", 5_000_000),
     ("4MiB", 4 * 2**20), ("1.5kB", 1500), ("2 GiB", 2 * 2**30), ("1gb", 10**9)],
)  # fmt: skip
def test_a_bare_size_is_in_bytes(text, number):
    assert size(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "abc", "-1", "+1", "1e3", "nan", "inf", "1_0", "1.", ".5", "1 2", "1s s", "1d",
     "0x10", "٣", "9" * 13, "9" * 400, "1" + "0" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("read", [duration, size])
def test_what_is_no_number_with_a_unit_is_said_to_be_none(read, text):
    with pytest.raises(ValueError, match=f"no {read.__name__}: write"):
        read(text)


@given(st.text())
def test_no_text_at_all_raises_anything_but_value_error(text):
    for read in (duration, size, header):
        with contextlib.suppress(ValueError):
            read(text)


def test_a_header_is_split_at_its_first_colon():
    assert header("X-Time: 12:30") == ("X-Time", "12:30")
    assert header("X-Empty:") == ("X-Empty", "")


@pytest.mark.parametrize("text", ["", "name", ": value", "  : value"])
def test_a_header_without_name_or_colon_is_none(text):
    with pytest.raises(ValueError, match="no header: write 'Name: value'"):
        header(text)


@pytest.mark.parametrize(
    ("write", "number", "text"),
    [
        (count_text, 0, "0"),
        (count_text, 12_345.4, "12 345"),
        (bytes_text, 0, "0 B"),
        (bytes_text, 999, "999 B"),
        (bytes_text, 31_234, "31.2 kB"),
        (bytes_text, 5_000_000_000_000, "5e+03 GB"),
        (seconds_text, 0.0234, "23.4 ms"),
        (seconds_text, 4.123, "4.1 s"),
        (seconds_text, 205, "3:25"),
        (seconds_text, 3600 * 27 + 5, "27:00:05"),
    ],
)
def test_numbers_are_written_for_people(write, number, text):
    assert write(number) == text

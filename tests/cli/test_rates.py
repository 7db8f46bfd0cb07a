import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cli.rates import parse_rate, parse_share, parse_stage
from crawler.traffic.job import Stage


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500", 500), ("500/s", 500), ("30/m", 0.5), ("1k", 1000), ("1.5k/s", 1500), ("6k/m", 100),
     (" 0.25 /s ", 0.25), ("2 k", 2000)],
)  # fmt: skip
def test_a_bare_rate_is_a_second(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["5%", "0.05", " 5 % ", "5.0%"])
def test_a_share_is_written_in_percent_or_as_it_is(text):
    assert parse_share(text) == 0.05


def test_a_share_is_from_nothing_to_all():
    assert [parse_share(text) for text in ("0", "0%", "1", "100%")] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "stage"),
    [("10s:100", Stage(10, 100, 100)), ("30s:100..500", Stage(30, 100, 500)),
     ("1m : 1k..30/m", Stage(60, 1000, 0.5)), ("500ms:0", Stage(0.5, 0, 0)),
     ("5:0..10", Stage(5, 0, 10)), ("5:0.5..0", Stage(5, 0.5, 0))],
)  # fmt: skip
def test_a_stage_is_a_duration_and_a_rate_or_two(text, stage):
    assert parse_stage(text) == stage


WRONG = ["", "abc", "-1", "+1", "nan", "inf", "1e3", "1_0", "1.", ".5", "1 2", "٣", "9" * 13,
         "1\n2"]  # fmt: skip


@pytest.mark.parametrize(
    "text", [*WRONG, "1/h", "1/", "/s", "1/ms", "1M", "1K", "5%", "k", "1/s/s", "1..2"]
)
def test_what_is_no_rate_is_said_to_be_none_and_how_one_is_written(text):
    with pytest.raises(ValueError, match=r"is no rate: write 500, 500/s, 30/m or 1k$"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["0", "0/s", "0.0k", "0/m"])
def test_a_rate_of_0_is_none(text):
    with pytest.raises(ValueError, match=r"is no rate: must be more than 0"):
        parse_rate(text)


@pytest.mark.parametrize("text", [*WRONG, "5", "101%", "1.01", "5%%", "-5%", "%"])
def test_what_is_no_share_is_said_to_be_none_and_how_one_is_written(text):
    with pytest.raises(ValueError, match=r"is no share: write 5% or 0\.05"):
        parse_share(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [("10s", "no stage: write 10s:100"), ("", "no stage: write"), ("100..500", "no stage: write"),
     ("0s:100", "duration must be more than 0"), (":100", "no duration"), ("1d:100", "no duration"),
     ("10s:", "no rate"), ("10s:1..", "no rate"), ("10s:..1", "no rate"), ("10s:-1", "no rate"),
     ("10s:1..2..3", "no rate"), ("10s:1...2", "no rate"), ("10s:1:2", "no rate")],
)  # fmt: skip
def test_what_is_no_stage_is_told_which_part_of_it_is_wrong(text, part):
    with pytest.raises(ValueError, match=part):
        parse_stage(text)


@given(st.text())
def test_no_text_raises_anything_but_value_error(text):
    for read in (parse_rate, parse_share, parse_stage):
        with contextlib.suppress(ValueError):
            read(text)


@pytest.mark.parametrize("read", [parse_rate, parse_share, parse_stage])
def test_what_is_wrong_is_said_in_one_line(read):
    with pytest.raises(ValueError, match=r"\A.+\Z"):
        read("10s:1\n2\u2028")

"""What is expected of a run: how it is written, and when a report meets it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.errors import OptionsError
from crawler.traffic.expectations import Expectation, expected, figure, parse_all
from crawler.traffic.job import LoadOptions, Stage
from crawler.traffic.report import Distribution, LoadReport, Verdict, kept, read

PERCENTILES = ["p50", "p99", "p99.9", "p05", "service-p90", "lag-p99.99"]
TIMES = [*PERCENTILES, "mean", "max", "min"]
SHARES = ["errors", "http-errors", "timeouts", "unsent"]
NUMBERS = st.integers(0, 10**12 - 1).map(str) | st.builds(
    "{}.{}".format, st.integers(0, 999), st.integers(0, 10**12 - 1)
)
OPS = st.sampled_from(["<", "<=", ">", ">="])


def spread(count, at=0.0):
    """Return a distribution of so many times; the quantile q of it is 100 q + at ms."""
    return Distribution(
        count=count, mean_ms=50 + at, min_ms=at, max_ms=100 + at, quantiles=(), hdr=str(at)
    )


def quantile(distribution, q):
    return 100 * q + float(distribution.hdr)


def report_of(**fields):
    """Return a report of 100 000 finished requests of 125 000, with *fields* instead of its own."""
    nothing = spread(0)
    plain = {
        "version": "0", "started_at": "", "options": LoadOptions(), "target": "", "targets": (),
        "window_s": 100.0, "scheduled": 125_000, "sent": 100_000, "unsent": 25_000,
        "ok": 90_000, "http_error": 5000, "network": 2000, "timeout": 3000,
        "in_flight_at_end": 0, "warmup_sent": 0, "statuses": {}, "errors": {},
        "requests_per_s": 950.0, "bytes_per_s": 0.0, "response": spread(100_000),
        "service": spread(100_000, 1.0), "lag": spread(100_000, 2.0), "wait": nothing,
        "connect": nothing, "failed": {}, "series": (), "in_flight_mean": 1.0,
        "processes": (), "verdict": Verdict("kept-up", ""),
    }  # fmt: skip
    return LoadReport(**{**plain, **fields})


def empty_report(**fields):
    nothing = spread(0)
    return report_of(
        scheduled=0, sent=0, unsent=0, ok=0, http_error=0, network=0, timeout=0,
        requests_per_s=0.0, response=nothing, service=nothing, lag=nothing, **fields,
    )  # fmt: skip


def checked(text, report=None):
    return Expectation.parse(text).check(report or report_of(), quantile)


def number(text, report=None):
    return figure(Expectation.parse(text), report or report_of(), quantile)


texts = st.one_of(
    st.builds("{}{}{}{}".format, st.sampled_from(TIMES), OPS, NUMBERS,
              st.sampled_from(["us", "ms", "s", "m"])),
    st.builds("{}{}{}.{}%".format, st.sampled_from(SHARES), OPS, st.integers(0, 99),
              st.integers(0, 999)),
    st.builds("{}{}0.{}".format, st.sampled_from(SHARES), OPS, st.integers(0, 999)),
    st.builds("rate{}{}{}".format, OPS, NUMBERS, st.sampled_from(["", "/s", "%"])),
)  # fmt: skip


# ---------------------------------------------------------------- how it is written


@pytest.mark.parametrize(
    ("text", "term", "op", "value"),
    [
        ("p99<200ms", "p99", "<", 200.0),
        (" p99.9 <= 1.5 s ", "p99.9", "<=", 1500.0),
        ("service-p50>250us", "service-p50", ">", 0.25),
        ("lag-p99>=2m", "lag-p99", ">=", 120_000.0),
        ("mean<1ms", "mean", "<", 1.0),
        ("errors<0.1%", "errors", "<", 0.001),
        ("errors<0.001", "errors", "<", 0.001),
        ("http-errors<=57%", "http-errors", "<=", 0.57),
        ("timeouts<=100%", "timeouts", "<=", 1.0),
        ("rate>=500", "rate", ">=", 500.0),
        ("rate>=500/s", "rate", ">=", 500.0),
        ("rate>=99%", "rate", ">=", 0.99),
    ],
)
def test_an_expectation_is_a_term_and_its_limit(text, term, op, value):
    found = Expectation.parse(text)

    assert (found.term, found.op, found.value) == (term, op, value)


@given(texts)
def test_what_is_printed_is_read_as_the_same(text):
    found = Expectation.parse(text)

    assert str(found) == text
    assert Expectation.parse(str(found)) == found


def test_several_stand_between_commas():
    found = parse_all(["p99<50ms, errors<1%", "rate>5"])

    assert [str(one) for one in found] == ["p99<50ms", "errors<1%", "rate>5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write a term, one of < <= > >=, and a value, such as 'p99<200ms'"),
        ("p99", "write a term, one of"),
        ("p99=200ms", "write a term, one of"),
        ("p99<", "write a term, one of"),
        ("p99<-1ms", "write a term, one of"),
        ("p99<1e3ms", "write a term, one of"),
        ("p99<200", "write a duration with its unit, such as 200ms or 1.5s, behind <"),
        ("max<=2%", "write a duration with its unit, such as 200ms or 1.5s, behind <="),
        ("errors<1ms", "write a share, such as 0.1% or 0.001, behind <"),
        ("errors<2", "more than all; write a share, such as 0.1%"),
        ("errors<100.1%", "more than all"),
        ("rate>5ms", "write answers per second, such as 500/s, or a share of the rate"),
        ("median<5ms", "'median' is no term; write p99 or another percentile"),
        ("p100<5ms", "'p100' is no term"),
        ("p0.0<5ms", "'p0.0' is no term"),
        ("lag-max<5ms", "'lag-max' is no term"),
        ("p<5ms", "'p' is no term"),
    ],
)
def test_what_cannot_be_read_is_told_what_to_write(text, words):
    with pytest.raises(OptionsError) as caught:
        Expectation.parse(text)

    assert str(caught.value).startswith(f"--expect {text!r}: ")
    assert words in str(caught.value)


def test_the_option_at_fault_is_named():
    with pytest.raises(OptionsError, match=r"^--find-max 'p99': "):
        parse_all(["errors<1%,p99"], "--find-max")


def test_a_share_of_the_rate_needs_a_rate():
    texts = ("p99<1s", "rate>=99%")
    as_asked = parse_all(texts)

    assert expected(LoadOptions(expect=texts, rate=5.0)) == as_asked
    assert expected(LoadOptions(expect=texts, stages=(Stage(1, 1, 9),))) == as_asked
    assert expected(LoadOptions(expect=("rate>=99/s",))) == parse_all(["rate>=99/s"])
    with pytest.raises(OptionsError, match=r"^--expect 'rate>=99%': .* -q or --stage"):
        expected(LoadOptions(expect=texts))


# ---------------------------------------------------------------- when it is met


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("p50<1ms", 50.0),
        ("p99.9<1ms", 99.9),
        ("p5<1ms", 5.0),
        ("service-p90<1ms", 91.0),
        ("lag-p90<1ms", 92.0),
        ("mean<1ms", 50.0),
        ("min<1ms", 0.0),
        ("max<1ms", 100.0),
        ("errors<1%", 0.1),
        ("http-errors<1%", 0.05),
        ("timeouts<1%", 0.03),
        ("unsent<1%", 0.2),
        ("rate<1", 950.0),
    ],
)
def test_each_term_has_its_figure(text, found):
    assert number(text) == pytest.approx(found)


def test_the_share_of_a_percentile_is_the_nearest_number():
    """As those in the table of a report, which are looked up by it."""
    texts = ("p99.9<1s", "p99.99<1s", "p7<1s")

    asked = [figure(Expectation.parse(text), report_of(), lambda _, q: q) for text in texts]

    assert asked == [0.999, 0.9999, 0.07]


@pytest.mark.parametrize(
    ("options", "share"),
    [
        (LoadOptions(rate=1000.0), 0.95),
        (LoadOptions(stages=(Stage(50, 0, 2500),)), 950 / 1250),
        (LoadOptions(), 0.0),
    ],
)
def test_a_rate_in_percent_is_a_share_of_what_was_asked_for(options, share):
    assert number("rate>9%", report_of(options=options)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("op", "below", "at", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_a_limit_is_met_on_its_own_side(op, below, at, above):
    around = [
        checked(
            f"http-errors{op}57%", report_of(ok=100 - n, http_error=n, network=0, timeout=0)
        ).met
        for n in (56, 57, 58)
    ]

    assert around == [below, at, above]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("p99<200ms", "99 ms"),
        ("service-p99.9<1s", "100.9 ms"),
        ("max<1m", "100 ms"),
        ("errors<20%", "10%"),
        ("rate<1000/s", "950/s"),
    ],
)
def test_what_was_found_is_printed_with_its_unit(text, found):
    assert msgspec.structs.astuple(checked(text)) == (text, found, True)


@pytest.mark.parametrize(
    ("fields", "text", "found"),
    [
        ({"http_error": 1, "ok": 2_994_999}, "http-errors<1%", "0.000033333%"),
        ({"response": spread(100_000, 1234567.0)}, "p99<1s", "1234700 ms"),
        ({"options": LoadOptions(rate=1000.0)}, "rate>=99%", "95%"),
    ],
)
def test_no_number_is_printed_with_an_exponent(fields, text, found):
    assert checked(text, report_of(**fields)).found == found


@pytest.mark.parametrize(
    ("text", "least"),
    [("p50<1m", 20), ("p90<1m", 100), ("p99<1m", 1000), ("p99.9<1m", 10_000), ("p99.99<1m", 10**5)],
)
@pytest.mark.parametrize("kind", ["response", "service", "lag"])
def test_a_percentile_needs_ten_samples_beyond_it(text, least, kind):
    text = text if kind == "response" else f"{kind}-{text}"
    few = checked(text, report_of(**{kind: spread(least - 1)}))

    assert (few.found, few.met) == (f"only {least - 1} samples", False)
    assert checked(text, report_of(**{kind: spread(least)})).met


def test_one_sample_has_a_mean_and_no_percentile():
    report = report_of(response=spread(1))

    assert checked("mean<1s", report).met
    assert checked("p50<1s", report).found == "only 1 sample"


@pytest.mark.parametrize("op", ["<", ">="])
@pytest.mark.parametrize("options", [LoadOptions(), LoadOptions(rate=5.0)])
@pytest.mark.parametrize("term", [*TIMES, "rate"])
def test_an_empty_run_has_neither_times_nor_a_rate(term, options, op):
    limit = "0.0" if term == "rate" else "0.0ms"
    limit = limit if op == ">=" else limit.replace("0.0", "1000")

    assert not checked(f"{term}{op}{limit}", empty_report(options=options)).met


@pytest.mark.parametrize("term", SHARES)
def test_of_nothing_all_went_wrong(term):
    assert number(f"{term}<1%", empty_report()) == 1.0
    assert not checked(f"{term}<99%", empty_report()).met


def test_a_rate_in_percent_is_never_met_by_a_closed_loop():
    found = checked("rate>=0%")

    assert (found.found, found.met) == ("no rate was asked for", False)


@given(texts)
def test_a_figure_of_an_empty_run_survives_json(text):
    """NaN and infinity become null, which is no number when the report is read again."""
    found = number(text, empty_report())

    assert msgspec.json.decode(msgspec.json.encode(found), type=float) == found


def test_what_was_checked_is_kept_in_the_report():
    report = report_of(expectations=(checked("p99<200ms"),))

    assert read(kept(report)).expectations == report.expectations


@given(
    term=st.sampled_from([*TIMES, *SHARES, "rate"]),
    op=OPS,
    limits=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    count=st.sampled_from([0, 1, 500, 100_000]),
)
def test_what_meets_a_limit_meets_every_wider_one(term, op, limits, count):
    unit = "%" if term in SHARES else "" if term == "rate" else "ms"
    report = report_of(response=spread(count), requests_per_s=50.0, ok=count)
    strict, wide = sorted(limits, reverse=op.startswith(">"))

    if checked(f"{term}{op}{strict}{unit}", report).met:
        assert checked(f"{term}{op}{wide}{unit}", report).met

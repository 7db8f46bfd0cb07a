import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.cli.load_tables import shortened
from crawler.cli.load_text import WIDTH, rate_text, summary
from crawler.traffic.job import LoadOptions, Stage
from crawler.traffic.report import (
    Checked,
    FoundMax,
    Generator,
    Knee,
    Step,
    TargetReport,
    Verdict,
)
from tests.traffic.reports import distribution_of, report_of

TIMES = [1 + number % 100 / 10 for number in range(1000)]
OPEN = LoadOptions(rate=500, connections=8)
GENERATOR = Generator(
    cpu_s=0.5, cpu_share=0.25, queue_share=0.0, timer="timerfd", connections_opened=8,
    memory_bytes=50_000_000,
)  # fmt: skip


KNEE = Knee(
    per_s=9, contention=0.1, coherency=0.1, peak_in_flight=30.0, peak_per_s=1700.0
)  # fmt: skip


def step(rate, *, met):
    figures = {"p99": 12.5, "errors": 0.0}
    return Step(rate=rate, requests_per_s=rate, in_flight=3.0, figures=figures, met=met)


def found(**more):
    steps = (step(1234.0, met=True), step(2468.0, met=False))
    whole = FoundMax(expect="p99<20ms", rate=1500, low=1400, high=1600, knee=None, steps=steps)
    return msgspec.structs.replace(whole, **more)


def target(address, **more):
    none = {"p50_ms": None, "p99_ms": None, "max_ms": None}
    return TargetReport(target=address, **{"failed": 0, **none, **more})


def lines_of(report, label):
    """Return what stands behind a label, its further lines joined."""
    lines = summary(report).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(label + " "))
    rest = lines[at + 1 :]
    more = next((n for n, line in enumerate(rest) if not line.startswith(" " * 11)), len(rest))
    return " ".join([lines[at][11:], *(line.strip() for line in rest[:more])])


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, "closed loop, 50 connections, 10 s"),
        ({"connections": 1, "requests": 5000}, "closed loop, 1 connection, 5 000 requests"),
        ({"duration": 0.3, "requests": 5}, "closed loop, 50 connections, 300 ms or 5 requests"),
        ({"rate": 0.5, "duration": 600}, "open loop, constant 0.5/s, 50 connections, 10 min"),
        (
            {"stages": (Stage(1, 5, 5), Stage(2, 5, 9)), "arrivals": "poisson", "workers": 2},
            "open loop, poisson, 2 stages, 50 connections, 2 processes, 3 s",
        ),
        (
            {"engine": "threads", "duration": 90.5},
            "closed loop, 50 connections, engine threads, 90.5 s",
        ),
        ({"keepalive": False}, "closed loop, 50 connections, a new one for each request, 10 s"),
    ],
)
def test_the_first_line_names_the_loop_and_the_target(options, first):
    report = report_of(TIMES, options=LoadOptions(**options))
    assert summary(report).splitlines()[0] == f"{first}: http://127.0.0.1/"


def test_the_verdict_comes_next():
    report = report_of(TIMES, verdict=Verdict("kept-up", "All is well."))
    assert summary(report).splitlines()[1:3] == ["", "verdict    kept-up: All is well."]


def test_only_what_is_not_0_is_counted():
    assert lines_of(report_of(TIMES), "requests") == "1 000 sent"
    assert lines_of(report_of(TIMES), "outcomes") == "1 000 ok (200)"
    report = report_of(
        TIMES, scheduled=1900, sent=1500, unsent=400, http_error=300, network=150, timeout=44,
        in_flight_at_end=6, warmup_sent=70,
        statuses={"200": 900, "304": 100, "404": 100, "503": 200},
        errors={"refused": 50, "reset": 100},
    )  # fmt: skip
    assert lines_of(report, "requests") == (
        "1 900 due, 1 500 sent, 400 unsent, since no connection was free, 6 in flight at the end, "
        "70 before in the warm-up, in no figure"
    )
    assert lines_of(report, "outcomes") == (
        "1 000 ok (200: 900, 304: 100), 300 http-error (503: 200, 404: 100), "
        "150 network (reset: 100, refused: 50), 44 timeout"
    )


def test_the_rate_of_an_open_loop_stands_beside_what_was_due():
    fields = {"requests_per_s": 480.4, "bytes_per_s": 2e6, "window_s": 10.0, "in_flight_mean": 2.5}
    kept = "2 MB/s in 10.0 s; 2.5 in flight on average"
    report = report_of(TIMES, **fields)
    assert lines_of(report, "rate") == f"480 answers/s, {kept}"
    assert lines_of(report_of(TIMES, options=OPEN, **fields), "rate") == (
        f"480 answers/s of 500 due, {kept}"
    )
    staged = LoadOptions(stages=(Stage(10, 0, 200),))
    assert "480 answers/s of 100 due" in summary(report_of(TIMES, options=staged, **fields))


def test_percentiles_stand_with_their_intervals_and_those_that_are_not_known_are_left_out():
    report = report_of(TIMES)
    p99 = next(one for one in report.response.quantiles if one.q == 0.99)
    rows = {
        line.split()[0]: line.split() for line in summary(report).splitlines() if line[:2] == "  "
    }
    assert rows["ms"] == ["ms", "response", "95", "%", "interval"]
    assert rows["p99"] == ["p99", f"{p99.ms:.2f}", f"{p99.low_ms:.2f}", "to", f"{p99.high_ms:.2f}"]
    assert rows["max"] == ["max", "10.90"]
    assert "p99.9" not in rows
    assert " ".join(rows["of"]) == "of 1 000 ok answers; p99.9 needs 10 000"


def test_in_an_open_loop_the_service_time_stands_beside_and_a_late_generator_too():
    late = distribution_of([3.0] * 1000)
    report = report_of(
        TIMES, options=OPEN, service=late, lag=late, wait=distribution_of([0.1] * 1000)
    )
    head = next(line for line in summary(report).splitlines() if line.startswith("  ms"))
    assert head.split() == ["ms", "response", "95", "%", "interval", "service", "lag"]
    report = report_of(TIMES, options=LoadOptions(new_connections=0.1), connect=late, service=late)
    assert "interval  connect" in summary(report)
    assert "since each was due" not in summary(report)


@pytest.mark.parametrize(
    ("typical", "shown"), [(0.2, "0.200"), (5, "5.00"), (40, "40.0"), (2500, "2 500.0")]
)
def test_times_have_three_digits_and_a_gap(typical, shown):
    row = next(line for line in summary(report_of([typical] * 50)).splitlines() if "p50" in line)
    value = shown.split()
    assert row.split()[1 : 1 + len(value)] == value


def test_without_an_answer_there_is_no_table():
    report = report_of(
        [], network=3, sent=3, scheduled=3, failed={"network": distribution_of([1.0] * 3)}
    )
    text = summary(report)
    assert "  no request has a time: none was answered, none timed out" in text
    assert "p50 " not in text.partition("until it failed")[0]
    failed = next(line for line in text.splitlines() if line.startswith("  network"))
    assert failed.split() == ["network", "3", "-", "-", "1.00"]


def test_each_target_has_a_row():
    targets = (
        target("http://a/", ended=12, failed=2, p50_ms=1.0, p99_ms=2.0, max_ms=3.0),
        target("http://b/" + "x" * 200, ended=1, failed=1),
    )
    text = summary(report_of(TIMES, targets=targets))
    rows = [
        line.split() for line in text.splitlines() if "http://a/" in line or "http://b/" in line
    ]
    assert rows[0] == ["12", "2", "1.00", "2.00", "3.00", "http://a/"]
    assert rows[1][:5] == ["1", "1", "-", "-", "-"]


def test_what_the_load_itself_cost_is_told():
    report = report_of(TIMES, processes=(GENERATOR,))
    assert lines_of(report, "generator") == (
        "500 us of CPU a request, 25% of a core, 8 connections opened, 50 MB of memory"
    )
    late = Generator(
        **{n: getattr(GENERATOR, n) for n in GENERATOR.__struct_fields__} | {"timer": "call_later"}
    )
    told = summary(report_of(TIMES, options=OPEN, processes=(GENERATOR, late)))
    assert "25% and 25% of a core, 16 connections" in told
    assert "timetable good to 1 ms only" in told


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (1005, "counted 1 005 requests, as many as were sent"),
        (1000, "counted 1 000 requests, 5 fewer than were sent"),
        (1010, "counted 1 010 requests, 5 more than were sent"),
    ],
)
def test_the_server_s_own_count_is_held_against_ours_with_the_warm_up(counted, said):
    report = report_of(TIMES, server_requests=counted, warmup_sent=5)
    assert lines_of(report, "server") == said


def test_what_was_expected_is_marked():
    checked = (Checked("p99<1s", "10.8 ms", met=True), Checked("errors<1%", "3%", met=False))
    text = summary(report_of(TIMES, expectations=checked))
    assert "expected   met      p99<1s: found 10.8 ms\n" in text
    assert "           NOT MET  errors<1%: found 3%" in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "1 500/s meets p99<20ms (95 % interval 1 400 to 1 600/s), in 2 steps; what follows"),
        ({"edge": "lowest", "rate": 0.0}, "no rate meets p99<20ms, in 2 steps: not even 1 600/s"),
        ({"edge": "highest"}, "1 500/s and all less meet p99<20ms, in 2 steps: no end found"),
        (
            {"knee": KNEE},
            "in 2 steps; by the Universal Scalability Law most is 1 700/s, with 30 in flight; what",
        ),
    ],
)  # fmt: skip
def test_the_highest_rate_is_told_with_every_step(more, said):
    report = report_of(TIMES, found=found(**more))
    assert said in lines_of(report, "found")
    rows = [line.split() for line in summary(report).splitlines() if line.endswith("met")]
    assert rows == [
        ["1234", "1234", "3", "12.5", "0", "met"],
        ["2468", "2468", "3", "12.5", "0", "not", "met"],
    ]


def test_who_stopped_it_and_what_was_written_is_told():
    text = summary(report_of(TIMES, stopped="SIGTERM"), written=["a.json", "b"])
    assert "stopped    by SIGTERM" in text
    assert text.endswith("written    a.json, b")


@settings(max_examples=20)
@given(
    st.integers(1, 300),
    st.integers(60, WIDTH),
    st.lists(st.floats(0.001, 3_000_000), max_size=30),
    st.integers(0, 10**12),
)
def test_no_line_is_wider_than_it_may_be(length, width, samples, count):
    report = report_of(
        samples, options=LoadOptions(rate=123456.789, requests=10**12, workers=64),
        target=f"http://127.0.0.1/{'x' * length}", scheduled=count * 2, unsent=count,
        network=count, errors={"reset": count}, found=found(), processes=(GENERATOR,) * 64,
        targets=(target("y" * length, ended=count, p99_ms=1.0, max_ms=2e6),),
        service=distribution_of(samples), verdict=Verdict("kept-up", "word " * length),
    )  # fmt: skip
    lines = summary(report, written=["z" * length], width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []


@given(st.text(max_size=50), st.integers(5, 60))
def test_what_is_too_long_loses_its_middle(text, width):
    short = shortened(text, width)
    assert len(short) <= width
    assert short == text or (short[0], short[-1]) == (text[0], text[-1])


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.0, "0"), (0.1234, "0.123"), (99.6, "99.6"), (480.4, "480"), (1e6, "1 000 000")],
)
def test_a_rate_has_three_digits(rate, text):
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("opened", "options", "said"),
    [
        (1008, {}, True),
        (8, {}, False),
        (1008, {"keepalive": False}, False),
        (1008, {"new_connections": 1.0}, False),
    ],
)
def test_a_server_that_closes_its_connections_is_said_to(opened, options, said):
    generator = msgspec.structs.replace(GENERATOR, connections_opened=opened)
    report = report_of(TIMES, options=LoadOptions(connections=8, **options), processes=(generator,))
    assert ("the server closes them" in lines_of(report, "generator")) == said

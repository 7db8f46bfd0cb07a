"""The verdict: one word for whatever was found, at its edges and in real runs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.traffic.report import Verdict
from crawler.traffic.verdict import (
    BEHIND,
    BUSY,
    GROWN,
    LATE_MS,
    QUEUED,
    RESIDUAL,
    SAMPLES,
    STALL_MS,
    Facts,
    verdict,
)
from fixtures.running import serve
from tests.traffic.engine import drive

WORDS = {
    "kept-up", "server-limited", "generator-limited", "schedule-limited", "too-few-samples",
}  # fmt: skip
#: An open loop that nothing held.
QUIET: dict[str, Any] = {
    "is_open": True, "connections": 50, "processes": 1, "samples": SAMPLES, "rate": 1000.0,
    "lag": (0.05, 0.1, 0.3), "lag_max": 2.0, "response": (5.0, 8.0, 20.0), "cpu_share": 0.3,
    "queue_share": 0.0, "in_flight": 50.0, "late_share": 0.0, "behind": 0.0, "early": 5.0,
    "late": 5.0, "mean_service": 5.0, "residual": 0.02,
}  # fmt: skip
GENERATOR, FEW = "generator-limited", "too-few-samples"


def word(**facts):
    found = verdict(Facts(**(QUIET | facts)))
    assert found.sentence.endswith(".")
    return found.word


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "kept-up"),
        ({"is_open": False}, "server-limited"),
        # the generator
        ({"cpu_share": BUSY}, GENERATOR),
        ({"cpu_share": BUSY - 0.01}, "kept-up"),
        ({"is_open": False, "in_flight": 40.0}, GENERATOR),
        ({"is_open": False, "in_flight": 40.1}, "server-limited"),
        ({"in_flight": 1.0}, "kept-up"),
        ({"is_open": False, "in_flight": None}, "server-limited"),
        ({"queue_share": QUEUED}, GENERATOR),
        ({"queue_share": QUEUED - 0.01}, "kept-up"),
        ({"lag_max": STALL_MS}, GENERATOR),
        ({"lag_max": STALL_MS - 1}, "kept-up"),
        ({"residual": RESIDUAL + 0.01}, GENERATOR),
        ({"residual": RESIDUAL}, "kept-up"),
        ({"lag": (LATE_MS + 0.1, 2.0, 2.0)}, GENERATOR),
        ({"lag": (LATE_MS, LATE_MS, 2.0)}, "kept-up"),
        ({"lag": (0.1, 0.1, 2.1)}, GENERATOR),
        ({"lag": (0.1, 1.2, 1.2), "response": (5.0, 11.0, 20.0)}, GENERATOR),
        # its faults come first
        ({"cpu_share": 1.0, "samples": 0, "behind": 1.0, "is_open": False}, GENERATOR),
        # samples
        ({"samples": SAMPLES - 1}, FEW),
        ({"samples": 0, "behind": 1.0}, FEW),
        ({"samples": 0, "is_open": False, "early": 0.0, "late": 0.0}, FEW),
        # too few connections, or too slow a server
        ({"late_share": BEHIND}, "kept-up"),
        ({"late_share": BEHIND + 0.01}, "schedule-limited"),
        ({"late_share": 0.9, "late": GROWN * 5.0 - 0.1}, "schedule-limited"),
        ({"late_share": 0.9, "late": GROWN * 5.0}, "server-limited"),
        ({"behind": BEHIND + 0.01}, "server-limited"),
        ({"behind": 0.5, "late_share": 0.5}, "schedule-limited"),
    ],
    ids=str,
)
def test_each_word_at_its_edge(facts, expected):
    assert word(**facts) == expected


SHARE = st.floats(0, 2)
MS = st.floats(0, 1e7)


@given(
    st.builds(
        Facts,
        is_open=st.booleans(),
        connections=st.integers(1, 20_000),
        processes=st.integers(1, 64),
        samples=st.integers(0, 10**9),
        rate=st.floats(0, 1e10),
        lag=st.tuples(MS, MS, MS),
        lag_max=MS,
        response=st.tuples(MS, MS, MS),
        cpu_share=SHARE,
        queue_share=SHARE,
        late_share=SHARE,
        behind=st.floats(-1, 1),
        early=MS,
        late=MS,
        mean_service=MS,
        residual=SHARE,
    )
)
def test_there_is_always_one_word_and_a_sentence(facts):
    found = verdict(facts)
    assert found.word in WORDS
    assert found.sentence
    assert "\n" not in found.sentence
    assert found.is_trusted == (found.word in {"kept-up", "server-limited"})
    assert all(isinstance(value, float) for value in found.evidence.values())
    assert isinstance(found, Verdict)


def test_the_sentence_says_what_to_do():
    assert "-w 2" in verdict(Facts(**(QUIET | {"cpu_share": 0.95}))).sentence
    assert "(-w)" in verdict(Facts(**(QUIET | {"cpu_share": 0.95, "processes": 3}))).sentence
    sentence = verdict(Facts(**(QUIET | {"late_share": 0.5}))).sentence
    assert "50%" in sentence
    assert "more than 5 connections (-c 9)" in sentence


def words_of(url, **options):
    """Return the words of runs until one is not the generator's, which on a busy machine is so."""
    for _ in range(5):
        run = drive(url, **options)
        found = run.report().verdict
        if found.word != GENERATOR:
            return found
    pytest.skip(f"this machine is too busy: {found.sentence}")


@pytest.mark.slow
def test_the_words_of_real_runs():
    with serve(pages=10, size="100", links=0) as site:
        page = f"{site.url}/p/1"
        assert words_of(page, requests=300, connections=4).word == FEW
        assert words_of(page, requests=3000, connections=4).word == "server-limited"
        assert words_of(page, rate=700.0, duration=2.0, connections=20).word == "kept-up"
        slow = f"{page}?latency=10ms"
        assert words_of(slow, rate=1200.0, duration=2.0, connections=6).word == "schedule-limited"
    with serve(pages=10, size="100", links=0, capacity=1, service="3ms") as site:
        page = f"{site.url}/p/1"
        found = words_of(page, rate=900.0, duration=3.5, connections=500)
        assert found.word == "server-limited"
        assert found.evidence["service_grew"] > GROWN

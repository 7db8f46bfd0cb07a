import contextlib
import dataclasses
import json
import os

import msgspec
import pytest

from bench import load
from bench.cell import BenchError
from bench.load import QUICK, measure
from bench.load_contest import Turn
from bench.load_results import OURS, LoadResults, tables
from bench.nginx import Programs
from bench.results import checked, keep
from bench.table import printed
from bench.tools import TOOLS
from tests.bench.examples import MACHINE

#: CPU µs of a request that just reach every goal.
JUST = {OURS: 13.5, "wrk": 10.0, "ab": 9.0, "hey": 27.0, "autocannon": 27.0, "Locust": 135.0}


def a_turn(who=OURS, **changes):
    made = Turn(
        who=who, requests_per_s=85_000.0 if who == OURS else 100_000.0, cpu=JUST[who] / 1e6,
        server_cpu=9e-6, server_busy=0.9, startup_s=0.25, connections=51, counted=900_050,
        said=900_000, troubles=0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def results(*cells):
    return LoadResults(
        name="load", machine=MACHINE, how=["How."], settings={"connections": 50},
        ceiling_per_s=None, cells=list(cells),
    )  # fmt: skip


def a_round(**changes):
    return [a_turn(who, **(changes if who == OURS else {})) for who in JUST]


def test_a_goal_is_reached_by_what_just_reaches_it():
    [goals, _] = tables(results(*a_round()))

    assert ["yes"] * 5 == [row[-1] for row in goals.rows]
    assert ["0.85", "1.35", "0.50", "0.50", "0.10"] == [row[2] for row in goals.rows]


@pytest.mark.parametrize(
    ("who", "changes", "missed"),
    [
        (OURS, {"requests_per_s": 84_900.0}, 0),
        ("wrk", {"cpu": 9.9e-6}, 1),
        ("hey", {"cpu": 26.9e-6}, 2),
        ("autocannon", {"cpu": 26.9e-6}, 3),
        ("Locust", {"cpu": 134.9e-6}, 4),
    ],
)
def test_a_goal_that_is_missed_is_said_to_be(who, changes, missed):
    others = [turn for turn in a_round() if turn.who != who]
    [goals, _] = tables(results(*others, a_turn(who, **changes)))

    assert [missed] == [place for place, row in enumerate(goals.rows) if row[-1] == "no"]


def test_ours_is_held_against_another_in_the_same_round_and_the_median_counts():
    quick = [msgspec.structs.replace(turn, requests_per_s=500_000.0) for turn in a_round()]
    slow = a_round(requests_per_s=50_000.0)
    [reached, _] = tables(results(*quick, *reversed(slow), *a_round()))
    [missed, _] = tables(results(*quick, *reversed(slow), *slow))

    assert ["0.85 (0.50–1.00)", "yes"] == reached.rows[0][2:]
    assert ["0.50 (0.50–1.00)", "no"] == missed.rows[0][2:]


def test_without_a_tool_its_goals_are_not_measured_and_the_rest_is():
    [goals, _] = tables(results(*(turn for turn in a_round() if turn.who != "hey")))
    [nothing, rows] = tables(results(a_turn("wrk"), a_turn("hey")))

    assert ["yes", "yes", "not measured", "yes", "yes"] == [row[-1] for row in goals.rows]
    assert ["not measured"] * 5 == [row[-1] for row in nothing.rows]
    assert ["wrk", "hey"] == [row[0] for row in rows.rows]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"troubles": 3}, "not kept: hey tells of troubles: 3"),
        ({"connections": 101}, "not kept: hey opened 101 connections for 50 that stay open"),
    ],
)
def test_a_tool_with_troubles_or_connections_that_do_not_stay_open_is_refused(changes, message):
    checked(results(a_turn("hey", connections=100)))

    with pytest.raises(BenchError, match=message):
        checked(results(a_turn("wrk"), a_turn("hey", **changes)))


def test_what_is_kept_of_load_tools_can_be_printed_again(tmp_path):
    text = printed(json.loads(keep(results(*a_round()), tmp_path).read_bytes()))

    assert "| CPU of a request, of Locust's | at most 0.1 | 0.10 | yes |" in text
    assert "| ab | 100000 | 9.0 | 0.85 | 1.50 | 9.0 | 90 | 0.25 | 50 |" in text


def test_each_tool_has_a_turn_in_each_round_in_another_order(monkeypatch):
    """Nothing runs: each turn is made up."""

    class Listed(list):
        def __call__(self, tool, *_):
            self.append(tool.name)
            return a_turn(tool.name)

    tools, turns = [tool for tool in TOOLS if tool.name in JUST], Listed()
    monkeypatch.setattr(load, "programs", lambda: Programs("nginx", "wrk", {"nginx": "1.22.1"}))
    monkeypatch.setattr(load, "present", lambda: (tools, {"hey": "0.1.4"}))
    monkeypatch.setattr(load, "static", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(load, "contest", turns)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)

    found = measure(dataclasses.replace(QUICK, rounds=4))

    rounds = [turns[place : place + len(tools)] for place in range(0, len(turns), len(tools))]
    assert [sorted(tool.name for tool in tools)] * 4 == [sorted(one) for one in rounds]
    assert len({tuple(one) for one in rounds}) > 1
    assert {"nginx": "1.22.1", "hey": "0.1.4"}.items() <= found.machine.versions.items()
    assert "Not on this machine, and left out: h2load." in found.how

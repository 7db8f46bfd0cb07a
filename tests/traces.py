"""A strict reading of Chrome's Trace Event Format: everything in a file must be as it says."""

import json
from pathlib import Path
from typing import Any

SPAN = {"ph", "pid", "tid", "name", "ts", "dur"}
NAMING = {"ph", "pid", "tid", "name", "args"}
COUNTER = {"ph", "pid", "name", "ts", "args"}
FIELDS = {"X": (SPAN, SPAN | {"args"}), "M": (NAMING,), "C": (COUNTER,)}


def events(path: Path) -> list[dict[str, Any]]:
    """Return the events of a trace, or fail; lanes and groups are named before they are used."""
    trace = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    assert set(trace) == {"displayTimeUnit", "traceEvents", "otherData"}
    assert trace["displayTimeUnit"] == "ms"
    groups: set[object] = set()
    lanes: set[object] = set()
    for event in trace["traceEvents"]:
        assert set(event) in FIELDS[event["ph"]], event
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        assert event["pid"] > 0  # 0 is the idle task of Linux
        if event["ph"] == "M":
            assert isinstance(event["args"]["name"], str)
            known = groups if event["name"] == "process_name" else lanes
            one = (event["pid"],) if known is groups else (event["pid"], event["tid"])
            assert event["name"] in {"process_name", "thread_name"}
            assert one not in known
            known.add(one)
            continue
        assert (event["pid"],) in groups
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert (event["pid"], event["tid"]) in lanes
            assert event["dur"] >= 0
            assert isinstance(event.get("args", {}), dict)
        else:
            assert all(isinstance(value, int | float) for value in event["args"].values())
    made: list[dict[str, Any]] = trace["traceEvents"]
    return made


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")

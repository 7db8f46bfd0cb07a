"""Open files: the soft limit is raised as far as it must be, and a hard one is told of."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

ROOT = Path(__file__).parents[2]


def limited(soft, hard, in_flight, workers=2, shared=False):
    return ask(soft, hard, f"ensure_descriptors({in_flight}, {workers}, shared={shared})")


def ask(soft, hard, words):
    """Ask for descriptors in a process of its own; give what it got or the error, and its limit."""
    program = f"""
import resource
from crawler.core.errors import OptionsError
from crawler.system.descriptors import ensure_connections, ensure_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    print({words})
except OptionsError as error:
    print(error)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_a_soft_limit_that_is_too_low_is_raised():
    assert limited(100, 1000, 200) == ["600", "680 1000"]


def test_a_limit_that_is_high_enough_stays():
    assert limited(800, 1000, 200) == ["600", "800 1000"]


def test_a_hard_limit_that_is_too_low_is_told():
    assert limited(100, 500, 200) == [
        "200 in flight need 680 open files; the limit is 500",
        "100 500",
    ]


def test_connections_that_are_shared_can_do_with_fewer_idle_ones():
    assert limited(100, 500, 200, shared=True) == ["420", "500 500"]


def test_shared_ones_need_a_quarter_more_than_are_in_flight():
    assert limited(100, 300, 200, shared=True) == [
        "200 in flight need 330 open files; the limit is 300",
        "100 300",
    ]


def test_a_load_test_needs_a_connection_for_each_place_and_origin():
    assert ask(100, 300, "ensure_connections(100, 2)") == ["None", "264 300"]
    assert ask(100, 200, "ensure_connections(100, 1)") == ["None", "164 200"]
    assert ask(100, 200, "ensure_connections(100, 2)") == [
        "-c 100 to 2 origins: need 264 open files; the limit is 200",
        "100 200",
    ]

"""Open files: the soft limit is raised as far as it must be, and a hard one is told of."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

ROOT = Path(__file__).parents[2]


def limited(soft, hard, in_flight, workers=2):
    """Ask for descriptors in a process of its own; give its soft limit then, or the error."""
    program = f"""
import resource
from crawler.core.errors import OptionsError
from crawler.system.descriptors import ensure_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    ensure_descriptors({in_flight}, {workers})
except OptionsError as error:
    print(error)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_a_soft_limit_that_is_too_low_is_raised():
    assert limited(100, 1000, 200) == ["680 1000"]


def test_a_limit_that_is_high_enough_stays():
    assert limited(800, 1000, 200) == ["800 1000"]


def test_a_hard_limit_that_is_too_low_is_told():
    assert limited(100, 500, 200) == [
        "200 in flight need 680 open files; the limit is 500",
        "100 500",
    ]

"""A child of ours: told and heard through pipes, deaf to Ctrl-C, and ended by whoever made it."""

import os
import signal

import pytest

from crawler.core.errors import WorkerError
from crawler.system.children import Child, heard
from tests.planted import deafness, echoes

LONG = 20.0


def test_a_child_hears_says_and_is_deaf_to_ctrl_c():
    """It asks before it runs a line of ours, too: the first child of a process is no exception."""
    child = Child(deafness)
    try:
        [(who, said)] = heard([child], LONG)
        assert who is child
        assert said == {"ignored": True, "parent": os.getpid()}
    finally:
        child.close()
    with pytest.raises(ValueError, match="closed"):
        child._process.is_alive()


def test_what_is_said_is_heard_whole_and_a_death_is_told():
    children = [Child(echoes), Child(echoes)]
    try:
        long = "x" * 1_000_000
        for child in children:
            child.tell(long)
        said: list = []
        while len(said) < 2:
            said += heard(children, LONG)
        assert {who for who, _ in said} == set(children)
        assert all(word == long for _, word in said)
        assert heard(children, 0) == []
        pid = children[0]._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="ended by itself"):
            heard(children, LONG)
        with pytest.raises(WorkerError, match="as we feared"):
            heard(children, LONG, "as we feared")
        children[0].tell("nobody hears")
    finally:
        for child in children:
            child.close()

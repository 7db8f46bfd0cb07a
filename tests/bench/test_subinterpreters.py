import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.subinterpreters import features, import_failures, pools, pstree, speed_ups

SETUP = Path(__file__).parents[2] / "bench" / "pythons_setup.sh"

lacking = pytest.mark.skipif(not features()["subinterpreters"], reason="no sub-interpreters")
having = pytest.mark.skipif(features()["subinterpreters"], reason="sub-interpreters are here")


def test_a_speed_up_is_one_worker_over_two_round_by_round():
    seconds = {("a", 2): [1.0, 4.0], ("a", 1): [2.0, 2.0], ("b", 1): [3.0], ("b", 2): [2.0]}

    assert {"a": [2.0, 0.5], "b": [1.5]} == speed_ups(seconds)


@having
def test_without_sub_interpreters_there_is_nothing_to_import_in_nor_a_pool_of_them():
    assert import_failures() is None
    assert {"threads", "processes"} == set(pools())


@lacking
def test_in_a_sub_interpreter_json_is_imported_and_what_is_not_there_is_told():
    assert {"json": "", "no_such_thing": "not installed"} == import_failures(
        ["json", "no_such_thing"]
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio has pstree here")
def test_without_the_command_there_is_no_tree_of_tasks():
    assert pstree() is None


def told(tmp_path, *, user, tools):
    """Return the exit code and the message of the script for a user with these tools only."""
    fake = tmp_path / "id"
    fake.write_text(f"#!/bin/sh\necho {user}\n", encoding="ascii")
    fake.chmod(0o755)
    for name in tools:
        (tmp_path / name).symlink_to("/bin/false")
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    done = subprocess.run(
        ["/bin/sh", SETUP], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("user", "tools", "why"),
    [(1000, ["debootstrap"], "as root"), (0, [], "on Debian")],
)
def test_who_cannot_set_other_pythons_up_is_told_what_to_do_instead(tmp_path, user, tools, why):
    code, message = told(tmp_path, user=user, tools=tools)

    assert code == 1
    assert why in message
    assert "make exhibits-3.14 PYTHON_314=/path" in message

import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CRAWL, environment


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("crawl --mo", ["--mode"]),
        ("crawl run --mo", ["--mode"]),
        ("crawl --mode hy", ["hybrid"]),
        ("crawl --mode ", ["serial", "threads", "async", "processes", "hybrid"]),
        ("crawl --pool t", ["threads"]),
        ("crawl sche", ["schema"]),
        ("crawl --vers", ["--version"]),
    ],
)
def test_a_shell_completes(run, line, offered):
    words = line.split(" ")
    done = run(_CRAWL_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert (done.code, done.out.split(), done.err) == (0, offered, "")


def test_help_takes_less_than_0_4_s_of_cpu():
    assert min(cpu_of_help() for _ in range(5)) < 0.4


def cpu_of_help():
    kept = {name: value for name, value in environment().items() if "COVERAGE" not in name}
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    child = os.posix_spawn(CRAWL[0], [*CRAWL, "--help"], kept, file_actions=[nowhere])
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return used.ru_utime + used.ru_stime


def test_the_command_stands_beside_the_interpreter():
    assert Path(CRAWL[0]).parent == Path(sys.executable).parent

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


SMALLEST = """
import typer
app = typer.Typer()
@app.command()
def greet(name: str = "you"): print(name)
app()
"""


@pytest.mark.slow
def test_help_costs_little_more_than_that_of_the_smallest_command():
    """1.2 to 1.4 times its CPU; with an import of httpx it would be 1.8 to 2.3 times."""
    smallest = [sys.executable, "-c", SMALLEST]
    rounds = [(cpu_of(CRAWL), cpu_of(smallest)) for _ in range(5)]
    assert min(ours for ours, _ in rounds) < 1.6 * min(other for _, other in rounds)


def cpu_of(command):
    kept = {name: value for name, value in environment().items() if "COVERAGE" not in name}
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    child = os.posix_spawn(command[0], [*command, "--help"], kept, file_actions=[nowhere])
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return used.ru_utime + used.ru_stime


def test_the_command_stands_beside_the_interpreter():
    assert Path(CRAWL[0]).parent == Path(sys.executable).parent

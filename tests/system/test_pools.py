"""Worker processes: one that dies or hangs is replaced, and none outlives its parent."""

import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures.process import BrokenProcessPool, _ExecutorManagerThread
from itertools import repeat

import pytest

from crawler.core.errors import WorkerError
from crawler.system.pools import Crew, threads

LONG = 30  # seconds; only a test that fails waits for so long


def dies(_=None):
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(_=None):
    threading.Event().wait()


def says(word):
    return word


def raises(word):
    raise LookupError(word)


def signals_itself(number):
    os.kill(os.getpid(), number)
    return os.getpid()


def remembers(value=None, kept=[]):  # noqa: B006 (it is what is tested)
    kept.extend([] if value is None else [value])
    return kept


@pytest.fixture
def crew():
    made = Crew(1, remembers, "prepared")
    yield made
    made.close(kill=True)


def test_a_worker_is_prepared_before_its_first_task(crew):
    assert crew.submit(remembers).result(LONG) == ["prepared"]


def test_what_a_task_raises_comes_back_and_its_worker_lives(crew):
    before = crew.submit(os.getpid).result(LONG)
    with pytest.raises(LookupError, match="x"):
        crew.submit(raises, "x").result(LONG)

    assert crew.submit(os.getpid).result(LONG) == before


def test_a_worker_is_deaf_to_ctrl_c(crew):
    before = crew.submit(os.getpid).result(LONG)

    assert crew.submit(signals_itself, signal.SIGINT).result(LONG) == before
    assert crew.submit(os.getpid).result(LONG) == before


def test_a_pool_that_broke_is_replaced_once_and_prepared_again(crew):
    broken = crew.pool
    with pytest.raises(BrokenProcessPool):
        crew.submit(dies).result(LONG)
    crew.replace(broken)
    fresh = crew.pool
    crew.replace(broken)

    assert crew.pool is fresh
    assert fresh is not broken
    assert crew.submit(remembers).result(LONG) == ["prepared"]


def killed_while_idle(pool):
    """Kill the worker of a pool, and wait until the pool knows."""
    [process] = pool._processes.values()
    process.kill()
    pool._executor_manager_thread.join()


def test_a_worker_that_died_idle_costs_no_task(crew):
    killed_while_idle(crew.pool)

    assert crew.submit(says, "x").result(LONG) == "x"


def test_the_lone_worker_that_died_idle_is_no_pages_fault(crew):
    crew.alone(says, "a", LONG)
    killed_while_idle(crew._alone)

    assert crew.alone(says, "b", LONG) == "b"


def test_a_worker_that_hangs_is_killed_with_its_pool(crew):
    pid = crew.submit(os.getpid).result(LONG)
    hanging = crew.submit(hangs)
    crew.replace(crew.pool)

    with pytest.raises(BrokenProcessPool):
        hanging.result(LONG)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_alone_the_culprit_is_named_and_the_others_have_their_results(crew):
    tasks = [(says, "a"), (dies, "b"), (says, "c"), (hangs, "d"), (says, "e")]
    found = []
    for task, argument in tasks:
        try:
            found.append(crew.alone(task, argument, 0.2 if task is hangs else LONG))
        except WorkerError as error:
            found.append(str(error))

    assert found == [
        "a",
        "the analyser killed its worker",
        "c",
        "the analyser took too long",
        "e",
    ]
    assert crew.submit(says, "the crew itself is whole").result(LONG)


def returns_what_cannot_travel(_):
    return threading.Lock()


def test_what_a_task_raises_alone_is_told_by_its_kind_only(crew):
    with pytest.raises(WorkerError, match=r"^the worker raised LookupError$"):
        crew.alone(raises, "x", LONG)
    with pytest.raises(WorkerError, match=r"^the worker raised \w+$"):
        crew.alone(returns_what_cannot_travel, "x", LONG)

    assert crew.alone(says, "b", LONG) == "b"


def test_a_crew_that_is_closed_starts_no_worker(crew):
    crew.close(kill=True)
    with pytest.raises(WorkerError, match="gone"):
        crew.alone(says, "a", LONG)


@pytest.mark.parametrize("kill", [False, True])
def test_closing_ends_every_worker(kill):
    crew = Crew(1)
    pids = [crew.submit(os.getpid).result(LONG), crew.alone(signals_itself, 0, LONG)]
    crew.close(kill=kill)

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_closing_does_not_wait_for_a_worker_that_hangs():
    crew = Crew(1)
    hanging = crew.submit(hangs)
    crew.close(kill=True)

    with pytest.raises(BrokenProcessPool):
        hanging.result(LONG)


def _replaced(crew):
    [process] = crew.pool._processes.values()
    process.kill()
    crew.replace(crew.pool)


def _closed(crew):
    crew.close(kill=True)


@pytest.mark.parametrize("end", [_replaced, _closed])
def test_a_task_that_is_half_way_to_a_worker_keeps_nobody(end):
    """Its pipe is full when the last reader dies: Python before 3.11.5 would write for ever."""
    crew = Crew(1)
    queue = crew.pool._call_queue  # type: ignore[attr-defined]
    tasks = [crew.submit(hangs), crew.submit(says, bytes(10**6))]
    while select.select([], [queue._writer], [], 0)[1]:
        pass
    ending = threading.Thread(target=end, args=[crew], daemon=True)
    ending.start()
    ending.join(LONG)
    stuck = ending.is_alive()
    queue._reader.close()

    assert not stuck
    for task in tasks:
        with pytest.raises(BrokenProcessPool):
            task.result(LONG)
    crew.close(kill=True)


PARENT = """
import os, sys, threading
from crawler.system.pools import Crew

def hangs():
    threading.Event().wait()

def main():
    crew = Crew(2)
    crew.alone(abs, 1, 30)
    for _ in range({tasks}):
        crew.submit(hangs)
    print(*(process.pid for pool in (crew.pool, crew._alone)
            for process in pool._processes.values()), flush=True)
    hangs()

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def parent(tmp_path):
    """Start a parent with workers; gives the process and the ids of its workers."""
    started = []

    def start(tasks):
        path = tmp_path / "parent.py"
        path.write_text(PARENT.format(tasks=tasks))
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        process = subprocess.Popen(
            [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        started.append(process)
        assert process.stdout is not None
        return process, [int(pid) for pid in process.stdout.readline().split()]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("tasks", [0, 4], ids=["idle", "busy"])
def test_workers_end_with_a_parent_that_was_killed(parent, tasks):
    """The workers hold the other end of the parent's output: its end is theirs."""
    process, pids = parent(tasks)
    assert len(pids) == 3
    process.send_signal(signal.SIGKILL)

    assert process.stdout.read() == ""
    assert process.wait(LONG) == -signal.SIGKILL


def test_threads_take_the_same_tasks():
    with threads(2) as pool:
        assert list(pool.map(says, repeat("x", 3))) == ["x"] * 3


def test_nothing_of_a_killed_pool_is_left_running(monkeypatch):
    """The pool's own thread is late: at the end of the interpreter it would be in the way."""
    end, late = _ExecutorManagerThread.join_executor_internals, threading.Event()

    def end_late(thread):
        end(thread)
        late.wait(0.5)

    monkeypatch.setattr(_ExecutorManagerThread, "join_executor_internals", end_late)
    before = set(threading.enumerate())
    crew = Crew(1)
    crew.close(kill=True)

    assert set(threading.enumerate()) == before

"""What time it is and what it cost."""

import os
import subprocess
import sys
import time

from crawler.system.clock import (
    cpu_of_children,
    cpu_of_process,
    cpu_of_thread,
    now,
    usable_cores,
    wall,
)

WORK = "sum(number * number for number in range(300_000))"


def test_now_never_goes_back_and_is_the_same_clock_in_a_child():
    before = now()
    said = subprocess.check_output(
        [sys.executable, "-c", "from crawler.system.clock import now; print(now())"], text=True
    )

    assert before <= float(said) <= now()


def test_wall_is_the_time_of_day():
    before = time.time()
    assert before <= wall() <= time.time()


def test_work_costs_the_thread_and_the_process():
    thread, process = cpu_of_thread(), cpu_of_process()
    eval(WORK)

    assert 0 < cpu_of_thread() - thread <= cpu_of_process() - process + 0.01


def test_a_child_that_was_waited_for_is_counted():
    before = cpu_of_children()
    subprocess.run([sys.executable, "-c", WORK], check=True)

    assert cpu_of_children() > before


def test_there_are_as_many_cores_as_this_process_may_use():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        code = (
            "import os; from crawler.system.clock import usable_cores;"
            "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(usable_cores())"
        )
        assert subprocess.check_output([sys.executable, "-c", code]) == b"1\n"

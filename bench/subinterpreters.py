"""What this Python offers beside the GIL, and what sub-interpreters do here; prints JSON."""

import importlib
import json
import multiprocessing
import platform
import random
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

from bench.stdlib_analysis import analyse_often

__all__ = ["features", "import_failures", "pools", "pstree", "scaling", "speed_ups"]

STACK = ("selectolax.lexbor", "msgspec", "ada_url", "httptools", "uvloop")
WORKERS = (1, 2)
ROUNDS, QUICK_ROUNDS = 7, 2
TIMES, QUICK_TIMES = 100, 5  # pages for each of the two tasks of a run
ADDRESS = "http://127.0.0.1/page"
PAGE = (
    "<title>A page</title><body>" + "<p>Some words and <a href='/p/1'>a link</a>.</p>" * 500
).encode()

#: When it says "waiting", all four tasks wait: the loop runs callbacks in order.
_STUCK = """
import asyncio

async def fetch():
    await asyncio.Event().wait()

async def crawl():
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(fetch(), name=f"page {number}")
        asyncio.get_running_loop().call_soon(lambda: print("waiting", flush=True))

asyncio.run(crawl())
"""


def features() -> dict[str, Any]:
    """Return what this interpreter has, found by asking for it and not by its version."""
    enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "python": platform.python_version(),
        "free_threading_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil_enabled": enabled(),
        "subinterpreters": _interpreters() is not None,
        "start_method": multiprocessing.get_context().get_start_method(),
    }


def import_failures(names: Sequence[str] = STACK) -> dict[str, str] | None:
    """Say for each package what its import in a fresh sub-interpreter raises; "" if nothing.

    None without sub-interpreters.
    """
    interpreters = _interpreters()
    if interpreters is None:
        return None
    failures = {}
    for name in names:
        if find_spec(name.partition(".")[0]) is None:
            failures[name] = "not installed"
            continue
        fresh = interpreters.create()
        try:
            fresh.exec(f"import {name}")
            failures[name] = ""
        except interpreters.ExecutionFailed as error:
            failures[name] = f"{error.excinfo.type.__name__}: {error.excinfo.msg}"
        finally:
            fresh.close()
    return failures


def pools() -> dict[str, Callable[[int], Executor]]:
    """Return what makes a pool of so many workers, for each kind that this Python has."""
    kinds: dict[str, Callable[[int], Executor]] = {
        "threads": ThreadPoolExecutor,
        "processes": partial(ProcessPoolExecutor, mp_context=multiprocessing.get_context("spawn")),
    }
    interpreter_pool = getattr(
        importlib.import_module("concurrent.futures"), "InterpreterPoolExecutor", None
    )
    return kinds if interpreter_pool is None else kinds | {"sub-interpreters": interpreter_pool}


def scaling(rounds: int, times: int) -> dict[str, list[float]]:
    """Return how many times as fast two workers of a kind are as one, for each round.

    All do the same: two tasks that analyse a page so many *times*.  Pools are warm.
    """
    seconds: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        ready = {
            (kind, workers): stack.enter_context(make(workers))
            for kind, make in pools().items()
            for workers in WORKERS
        }
        for pool in ready.values():
            _run(pool, 1)
        for number in range(rounds):
            for key in random.Random(number).sample(list(ready), len(ready)):
                seconds.setdefault(key, []).append(_run(ready[key], times))
    return speed_ups(seconds)


def speed_ups(seconds: dict[tuple[str, int], list[float]]) -> dict[str, list[float]]:
    """Return the seconds with one worker over those with two, kind by kind, round by round."""
    return {
        kind: [one / two for one, two in zip(alone, seconds[kind, 2], strict=True)]
        for (kind, workers), alone in seconds.items()
        if workers == 1
    }


def pstree() -> str | None:
    """Return what `python -m asyncio pstree` says of a program whose tasks all wait.

    None where this Python has no such command, or may not look into another process.
    """
    program = [sys.executable, "-c", _STUCK]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as stuck:
        try:
            assert stuck.stdout is not None  # a pipe, as asked for
            stuck.stdout.readline()
            done = subprocess.run(
                [sys.executable, "-m", "asyncio", "pstree", str(stuck.pid)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            stuck.kill()
    return done.stdout if done.returncode == 0 and "page 0" in done.stdout else None


def _interpreters() -> Any:
    try:
        return importlib.import_module("concurrent.interpreters")
    except ImportError:
        return None


def _run(pool: Executor, times: int) -> float:
    began = time.perf_counter()
    tasks = [pool.submit(analyse_often, PAGE, ADDRESS, times) for _ in range(max(WORKERS))]
    for task in tasks:
        task.result()
    return time.perf_counter() - began


def main(words: Sequence[str]) -> None:
    """Print all of it as one JSON object; --quick is rough."""
    quick = "--quick" in words
    ratios = scaling(QUICK_ROUNDS if quick else ROUNDS, QUICK_TIMES if quick else TIMES)
    found = {
        **features(),
        "import_failures": import_failures(),
        "speed_ups": ratios,
        "medians": {kind: median(values) for kind, values in ratios.items()},
        "pstree": pstree(),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])

"""As asyncio runs in a single thread it avoids the overhead of switching between threads."""

import asyncio
import hashlib
import random
import resource
import socket
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from bench.cell import BenchError
from bench.exhibits.asking import HOST, aask, ask, has_server, request_for
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

IN_FLIGHT = ONE, MANY = (1, 50)
REQUESTS = [request_for(f"/p/{number}") for number in range(MANY)]
#: CPU of a request that differs by less is alike: rounds of one kind differ by as much.
ALIKE = 1.1


class _Spent(NamedTuple):
    """What all requests cost: CPU seconds, and how often a thread had to wait; and a proof."""

    cpu: float
    waits: int
    digest: str


def measure(scale: Scale) -> list[Figure]:
    """Ask for the same pages, which come at once, in threads and in one loop."""
    if not has_server():
        raise SkippedError("This Python lacks the packages of our test server.")
    kinds: dict[str, Callable[[int, list[bytes], int], _Spent]] = {
        "threads": _in_threads,
        "asyncio": partial(_in_loop, asyncio.new_event_loop),
    }
    if find_spec("uvloop"):
        kinds["uvloop"] = partial(_in_loop, import_module("uvloop").new_event_loop)
    requests = REQUESTS * scale.pick(80, 4)
    cells = [(kind, in_flight) for kind in kinds for in_flight in IN_FLIGHT]
    found = defaultdict[tuple[str, int], list[_Spent]](list)
    with set_up(size="2kB", links=5, pages=len(REQUESTS)) as stand:
        _in_threads(stand.running.port, REQUESTS, ONE)  # the server makes each page once
        for number in range(scale.many_rounds):
            for kind, in_flight in random.Random(number).sample(cells, len(cells)):
                run = kinds[kind](stand.running.port, requests, in_flight)
                found[kind, in_flight].append(run)
    if len({one.digest for runs in found.values() for one in runs}) > 1:
        raise BenchError("not the same pages in threads and in loops")
    figures = []
    for (kind, at), runs in found.items():
        cpu = [1e6 * one.cpu / len(requests) for one in runs]
        waits = [one.waits / len(requests) for one in runs]
        over = [one.cpu / other.cpu for one, other in zip(runs, found["threads", at], strict=True)]
        figures += [
            Figure(f"CPU a request, {kind}", "µs", cpu, at),
            Figure(f"waits a request, {kind}", "", waits, at),
            Figure(f"CPU over threads, {kind}", "", over, at),
        ]
    return figures


def judge(found: Found) -> Judgement:
    """Compare the CPU of a request in the loop of asyncio with that in threads."""
    names = ("CPU a request, threads", "CPU a request, asyncio", "CPU over threads, asyncio")
    curves = [found.curve(name) for name in names]
    why = "; ".join(
        f"with {over.at:g} in flight a request takes {threads.text()} of CPU in threads and "
        f"{loop.text()} in asyncio, {over.text()} times as much"
        for threads, loop, over in zip(*curves, strict=True)
    )
    if "CPU over threads, uvloop" in found:
        uvloop = " and ".join(one.text() for one in found.curve("CPU over threads, uvloop"))
        why += f" (with uvloop {uvloop} times)"
    spared = [f"{over.at:g}" for over in curves[-1] if over.median < 1 / ALIKE]
    if len(spared) == len(curves[-1]):
        return Judgement(Verdict.HOLDS, f"It is so: {why}.")
    if spared:
        return Judgement(Verdict.LIMITED, f"Only with {' or '.join(spared)} in flight: {why}.")
    return Judgement(Verdict.REFUTED, f"The loop costs as much or more: {why}.")


def must_show(found: Found) -> bool:
    """With many in flight a loop waits far less often than threads, by the system's count."""
    waits = {kind: found.curve(f"waits a request, {kind}")[-1] for kind in ("threads", "asyncio")}
    return 2 * waits["asyncio"].median < waits["threads"].median


def _in_threads(port: int, requests: list[bytes], in_flight: int) -> _Spent:
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(in_flight))
        connections = [
            stack.enter_context(socket.create_connection((HOST, port))) for _ in range(in_flight)
        ]

        def ask_for(place: int) -> list[bytes]:
            return [ask(connections[place], one) for one in requests[place::in_flight]]

        before = _usage()
        bodies = list(pool.map(ask_for, range(in_flight)))
        return _spent(before, bodies)


def _in_loop(
    make: Callable[[], AbstractEventLoop], port: int, requests: list[bytes], in_flight: int
) -> _Spent:
    async def ask_for_all() -> _Spent:
        connections = [await asyncio.open_connection(HOST, port) for _ in range(in_flight)]

        async def ask_for(place: int) -> list[bytes]:
            return [await aask(*connections[place], one) for one in requests[place::in_flight]]

        before = _usage()
        bodies = await asyncio.gather(*map(ask_for, range(in_flight)))
        spent = _spent(before, bodies)
        for _, writer in connections:
            writer.close()
            await writer.wait_closed()
        return spent

    with asyncio.Runner(loop_factory=make) as runner:
        return runner.run(ask_for_all())


def _usage() -> tuple[float, int]:
    """Read the CPU seconds of this process, and how often its threads have had to wait."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_nvcsw


def _spent(before: tuple[float, int], bodies: Iterable[list[bytes]]) -> _Spent:
    cpu, waits = (now - then for now, then in zip(_usage(), before, strict=True))
    whole = hashlib.sha256(b"".join(sorted(body for some in bodies for body in some)))
    return _Spent(cpu, int(waits), whole.hexdigest())

"""One generator process: it opens its connections, waits for the word to go, and gives account."""

import asyncio
import contextlib
import gc
import os
import ssl
from functools import partial
from multiprocessing.connection import Connection

import msgspec

from crawler.core.errors import WorkerError
from crawler.core.guard import may_be_loaded
from crawler.system.clock import cpu_of_process
from crawler.system.loops import run
from crawler.system.usage import peak_memory, waited_for_core
from crawler.traffic.books import Books
from crawler.traffic.driving import SECOND, Driver
from crawler.traffic.plan import Plan
from crawler.traffic.schedule import Schedule
from crawler.traffic.users import Users
from crawler.wire.tls import load_context

__all__ = ["Failed", "Go", "Halt", "Ready", "work"]


class Ready(msgspec.Struct):
    """Said by a worker when its connections are open."""


class Go(msgspec.Struct):
    """Said to all workers: begin at *start* (monotonic ns), and say what ends in each *length*."""

    start: int
    length: int


class Halt(msgspec.Struct):
    """Said to all workers: let nothing more leave; *at_once*: nor wait for answers."""

    at_once: bool


class Failed(msgspec.Struct):
    """Said by a worker that cannot go on, and why."""

    reason: str


def work(hears: Connection, says: Connection, plan: Plan) -> None:
    """Do what *plan* says, from the word to go on."""
    try:
        run(_Worker(hears, says, plan).work(), plan.options.loop)
    except WorkerError as error:
        says.send(Failed(str(error)))


class _Worker:
    def __init__(self, hears: Connection, says: Connection, plan: Plan):
        self._hears = hears
        self._says = says
        self._plan = plan
        self._is_ready = False
        kind: type[Driver] = Schedule if plan.options.is_open else Users
        self._driver = kind(plan, partial(may_be_loaded, _allowed(plan)), _tls(plan))

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        self._go: asyncio.Future[Go] = loop.create_future()
        loop.add_reader(self._hears.fileno(), self._hear)
        driver = self._driver
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.options.timeout) as self._patience:
                await driver.open_all()
        self._is_ready = True
        gc.collect()
        gc.freeze()  # what stays is not looked through again and again
        self._says.send(Ready())
        go = await self._go
        cpu, waited = cpu_of_process(), waited_for_core()
        await driver.drive(go.start, go.length, self._says.send)
        loop.remove_reader(self._hears.fileno())
        spent, still = cpu_of_process() - cpu, waited_for_core()
        seconds = max(driver.window_ended - go.start, 1) / SECOND
        self._says.send(
            Books(
                tally=driver.tally,
                scheduled=driver.scheduled,
                unsent=driver.unsent,
                in_flight_at_end=driver.in_flight_at_end,
                in_flight_mean=driver.in_flight_mean,
                in_flight_by_times=driver.in_flight_by_times,
                warmup_sent=driver.warmup_scheduled - driver.warmup_unsent,
                window_ended=driver.window_ended,
                opened=driver.opened,
                first_heads=driver.first_heads,
                timer=driver.timer,
                cpu_s=spent,
                cpu_share=spent / seconds,
                queue_share=None if None in (waited, still) else (still - waited) / seconds,  # type: ignore[operator]
                memory=peak_memory(),
            )
        )

    def _hear(self) -> None:
        try:
            word = self._hears.recv()
        except (EOFError, ConnectionResetError):
            os._exit(1)  # the parent is gone
        if isinstance(word, Halt):
            if not self._is_ready:
                self._patience.reschedule(0)  # a time that has passed
            self._driver.stop(at_once=word.at_once)
        else:
            self._go.set_result(word)


def _allowed(plan: Plan) -> frozenset[str]:
    """Return the addresses that the user allowed by name."""
    named = set(plan.options.allow_targets)
    return frozenset(aim.address for aim in plan.aims if aim.host in named)


def _tls(plan: Plan) -> ssl.SSLContext | None:
    if all(aim.scheme == "http" for aim in plan.aims):
        return None
    return load_context(insecure=plan.options.insecure)

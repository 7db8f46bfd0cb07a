"""Under load and faults no request is lost, none is done twice, and nothing is left behind."""

import asyncio
import contextlib
import gc
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest
import uvloop

from crawler import BlockingWireTransport, WireTransport, afetch
from crawler.core.job import FetchRules, Options
from crawler.core.urls import target_of
from crawler.wire.blocking_connection import BlockingConnection
from crawler.wire.connection import Connection
from crawler.wire.http1 import AnswerReader
from tests.wire.scripted import LONG
from tests.wire.twins import COLOURS, LOOPS, until
from tests.wire.unreliable import Unreliable, body_of

IN_FLIGHT = 50
THREADS = 8
FEW = 600
#: Places for exchanges, where there is a limit.
MOST = 40
#: No idle connection is closed for its age: one that is lost must be missed without it.
FOR_EVER = httpx.Limits(keepalive_expiry=None)
#: The big one takes less than a minute in each colour.
SIZES = [FEW, pytest.param(100_000, marks=pytest.mark.slow)]
#: Seconds without a byte, for requests whose answer never comes.
SHORT = 0.02
SILENT = {"hang", "stall"}

#: How many of a hundred requests meet which fate; all others are answered.
ENDS = {"leave": 4.0, "reset": 4.0, "after": 4.0, "half": 2.0, "purge": 0.5}
FAULTS = {"torn": 1.0, "half": 0.5, "garbage": 1.0, "hang": 0.5, "stall": 0.5, "drop": 1.0}
#: Those that only a task can be freed from, by being cancelled.
MUTE = {"mute": 1.0}
#: Given up by their client, at any time.
DROPPED = {"drop", "mute"}

#: What may become of those that are not answered, by fate.
ERRORS = {
    "half": {"RemoteProtocolError"},
    "torn": {"ReadError"},
    "garbage": {"RemoteProtocolError"},
    "hang": {"ReadTimeout"},
    "stall": {"ReadTimeout"},
}
#: What becomes of a request that met the end of an idle connection and may not be resent.
ENDED = {"RemoteProtocolError", "ReadError", "WriteError"}
OUTCOMES = {"half": "protocol", "torn": "reset", "garbage": "protocol"} | dict.fromkeys(
    SILENT, "timeout"
)


class Ask(NamedTuple):
    number: int
    method: str
    fate: str

    @property
    def path(self):
        return f"{self.number}/{self.fate}"

    def request(self, url):
        read = SHORT if self.fate in SILENT else LONG
        timeouts = {"connect": LONG, "read": read, "write": LONG, "pool": LONG}
        return httpx.Request(
            self.method,
            url,
            content=b"body" if self.method == "POST" else None,
            extensions={"timeout": timeouts, "target": b"/" + self.path.encode()},
        )

    @property
    def errors(self):
        """What may be raised; anything else ends the test at once."""
        timeouts = (httpx.ReadTimeout,) if self.fate in SILENT else ()
        return (httpx.NetworkError, httpx.RemoteProtocolError, *timeouts)


def planned(count, shares, methods=("GET", "GET", "POST")):
    chance = random.Random(count)
    fates = [*shares, "good"]
    weights = [*shares.values(), 100 - sum(shares.values())]
    return [
        Ask(number, chance.choice(methods), fate)
        for number, fate in enumerate(chance.choices(fates, weights, k=count))
    ]


def wrong(asks, outcomes, seen):
    """Return what should not have come of some requests, the client's word and the server's."""
    found = [(ask, outcomes.get(ask.number), seen.get(ask.number, [])) for ask in asks]
    return [one for one in found if not is_right(*one)]


def is_right(ask, got, done):
    twice = ask.method == "GET" and len(done) == 2 and done[0] == "left"
    if len(done) > 1 and not twice:
        return False
    if ask.fate in DROPPED:
        return got == "dropped"
    if done and done[-1] != "left":
        return got == "answered" if done[-1] == "answered" else got in ERRORS[ask.fate]
    return ask.method == "POST" and got in ENDED


# ---------------------------------------------------------------- asking


def told(ask, response, chunks):
    is_its_own = (response.status_code, b"".join(chunks)) == (200, body_of(ask.number))
    return "answered" if is_its_own else "mixed up"


def ask_in_threads(url, asks):
    outcomes = {}
    left = iter(asks)

    def ask_all():
        with BlockingWireTransport() as transport:
            for ask in left:
                outcomes[ask.number] = ask_one(transport, url, ask)

    with ThreadPoolExecutor(THREADS) as threads:
        for one in [threads.submit(ask_all) for _ in range(THREADS)]:
            one.result()
    return outcomes


def ask_one(transport, url, ask):
    try:
        response = transport.handle_request(ask.request(url))
        with contextlib.closing(response.stream):
            return "dropped" if ask.fate == "drop" else told(ask, response, response.stream)
    except ask.errors as error:
        return type(error).__name__


async def ask_on_loop(url, asks, limits):
    async with opened(**limits) as transport:
        outcomes = await all_of(asks, lambda ask: aask_one(transport, url, ask))
        await all_given_back(transport)
    return outcomes


@contextlib.asynccontextmanager
async def opened(**limits):
    transport = WireTransport(**limits)
    try:
        yield transport
    except BaseException:  # to wait for what is lost may take for ever
        for connection in tuple(transport._open):
            connection.abort()
        raise
    await asyncio.wait_for(transport.aclose(), LONG)


async def all_of(asks, visit):
    """Visit them all, so many at a time; those to be dropped in a task, cancelled at any turn."""
    outcomes = {}
    left = iter(asks)

    async def ask_all():
        for ask in left:
            visiting = dropped(visit(ask), ask) if ask.fate in DROPPED else visit(ask)
            outcomes[ask.number] = await visiting

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(ask_all())
    return outcomes


async def dropped(visit, ask):
    visiting = asyncio.create_task(visit)
    for _ in range(ask.number % 97):
        await asyncio.sleep(0)
    visiting.cancel()
    await asyncio.wait([visiting])
    return "dropped" if visiting.cancelled() else visiting.result()


async def aask_one(transport, url, ask):
    try:
        response = await transport.handle_async_request(ask.request(url))
        async with contextlib.aclosing(response.stream) as stream:
            if ask.fate == "drop" and ask.number % 3 == 0:
                return "dropped"
            return told(ask, response, [chunk async for chunk in stream])
    except ask.errors as error:
        return type(error).__name__


async def all_given_back(transport):
    """All connections are idle or gone, all places are free, and no line is remembered."""
    await until(lambda: len(transport._open) == len(transport._pool))
    places = transport._places
    assert places._lines == {}
    if places._all is not None:
        assert places._all._value == MOST


# ---------------------------------------------------------------- what there is

#: uvloop has timers of its own; its types do not tell.
TIMERS = {asyncio.TimerHandle, getattr(uvloop.loop, "TimerHandle")}  # noqa: B009
KINDS = {Connection, BlockingConnection, AnswerReader, httpx.Response, httpx.Request}


def sockets():
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the directory itself
            count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return count


def census():
    """Count what an exchange is made of, and what a loop has yet to do."""
    gc.collect()
    found: Counter[str] = Counter(sockets=sockets(), threads=threading.active_count())
    for one in gc.get_objects():
        kind = type(one)
        is_alive = (
            kind in KINDS
            or (kind in TIMERS and not one.cancelled())
            or (kind in {asyncio.Future, asyncio.Task} and not one.done())
        )
        if is_alive:
            found[kind.__name__] += 1
    return found


def test_the_census_sees_what_there_is(run):
    async def main():
        loop, before = asyncio.get_running_loop(), census()
        timer = loop.call_later(LONG, print)
        held = [loop.create_future(), httpx.Response(200), Connection(loop, "", print)]
        more = census() - before
        timer.cancel()
        held.clear()
        return more, census() == before

    kinds = ["TimerHandle", "Future", "Response", "Connection", "AnswerReader"]
    assert run(main()) == (Counter(kinds), True)


# ---------------------------------------------------------------- the tests


@pytest.fixture
def server():
    with Unreliable() as server:
        yield server


async def counted(loading):
    """Load; returns what came of it, and what there was before and afterwards."""
    before = census()
    outcomes = await loading()
    await until(lambda: sockets() == before["sockets"])
    return outcomes, before, census()


def load(colour, where, asks, **limits):
    """Load in one colour."""
    url = httpx.URL(where)
    if colour == "blocking":
        before = census()
        return ask_in_threads(url, asks), before, census()

    faults = []
    with asyncio.Runner(loop_factory=LOOPS[colour]) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        found = runner.run(counted(lambda: ask_on_loop(url, asks, limits)))
    assert not faults
    return found


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("colour", COLOURS)
def test_where_idle_connections_end_none_is_lost_and_none_done_twice(server, colour, count):
    asks = planned(count, ENDS)
    outcomes, before, after = load(colour, server.url, asks, limits=FOR_EVER)
    seen = server.seen()

    assert wrong(asks, outcomes, seen) == []
    assert after == before
    left = Counter(ask.method for ask in asks if seen.get(ask.number, [""])[0] == "left")
    assert left["GET"]
    assert left["POST"], "no connection ended under a request, so this was no test"


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("colour", COLOURS)
def test_after_faults_all_is_as_it_was(server, colour, count):
    limits = httpx.Limits(max_connections=MOST, max_keepalive_connections=20, keepalive_expiry=0.05)
    asks = planned(count, FAULTS | ({} if colour == "blocking" else MUTE))
    outcomes, before, after = load(colour, server.url, asks, limits=limits, max_per_host=MOST - 10)

    assert wrong(asks, outcomes, server.seen()) == []
    assert after == before


def test_the_fetch_stage_tells_what_became_of_each_page_and_leaves_nothing(run, server):
    slow, quick = (
        FetchRules.of(Options(read_timeout=seconds), "test") for seconds in (LONG, SHORT)
    )
    asks = planned(FEW, {**ENDS, **FAULTS, **MUTE}, methods=("GET",))

    async def visit(transport, ask):
        rules = quick if ask.fate in SILENT else slow
        fetched = await afetch(transport, target_of(server.url + ask.path), rules)
        is_whole = fetched.body == (body_of(ask.number) if fetched.outcome == "ok" else None)
        return fetched.outcome if is_whole else "mixed up"

    async def load_all():
        async with opened(limits=FOR_EVER, max_open=IN_FLIGHT) as transport:
            outcomes = await all_of(asks, lambda ask: visit(transport, ask))
            await all_given_back(transport)
        return outcomes

    outcomes, before, after = run(counted(load_all))
    seen = server.seen()
    ends = OUTCOMES | dict.fromkeys(DROPPED, "dropped")

    assert [
        (ask, outcomes[ask.number], seen.get(ask.number))
        for ask in asks
        if outcomes[ask.number] != ends.get(ask.fate, "ok")
    ] == []
    assert after == before
    assert sum(len(done) == 2 for done in seen.values()) > FEW // 100

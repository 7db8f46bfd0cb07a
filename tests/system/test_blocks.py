"""Blocks end by count, by weight or by time, and a full queue holds whoever puts."""

import asyncio

import pytest
import uvloop

from crawler.system.blocks import Blocks

FOR_EVER = 3600.0


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    def run(main):
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(asyncio.wait_for(main, 20))

    return run


def blocks(*, most=10, within=FOR_EVER, bound=100, **given):
    return Blocks(most=most, within=within, bound=bound, **given)


async def first(queue, count):
    found = []
    async for block in queue:
        found.append(block)
        if len(found) == count:
            return found
    return None


def test_a_block_ends_by_count(run):
    async def main():
        queue = blocks(most=3)
        for number in range(6):
            await queue.put(number)
        return await first(queue, 2)

    assert run(main()) == [[0, 1, 2], [3, 4, 5]]


def test_a_block_ends_by_weight(run):
    async def main():
        queue = blocks(weigh=int, heaviest=10)
        reader = asyncio.create_task(first(queue, 3))
        for weight in (4, 5, 1, 30, 2, 9):
            await queue.put(weight)
        return await reader

    assert run(main()) == [[4, 5, 1], [30], [2, 9]]


def test_a_block_ends_by_time(run):
    async def main():
        queue = blocks(within=0.001)
        await queue.put("alone")
        found = await first(queue, 1)
        await queue.put("later")
        return found + await first(queue, 1)

    assert run(main()) == [["alone"], ["later"]]


def test_a_block_ends_when_it_is_told_to_and_the_next_one_does_not(run):
    async def main():
        queue = blocks()
        queue.hurry()  # there is nobody to hurry
        reader = asyncio.create_task(first(queue, 2))
        await queue.put("alone")
        assert len(queue) == 1
        await asyncio.sleep(0)
        queue.hurry()
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(queue) == 0
        await queue.put("later")
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(queue) == 1
        queue.hurry()
        return await reader

    assert run(main()) == [["alone"], ["later"]]


def test_what_waits_already_is_taken_though_there_is_no_time(run):
    async def main():
        queue = blocks(within=0.0)
        for number in range(5):
            await queue.put(number)
        return await first(queue, 1)

    assert run(main()) == [[0, 1, 2, 3, 4]]


def test_nothing_is_lost_or_reordered_however_blocks_end(run):
    async def main():
        queue, found = blocks(most=7, within=0.0001, bound=3), []

        async def put():
            for number in range(2000):
                await queue.put(number)
                if number % 13 == 0:
                    await asyncio.sleep(0)

        async def read():
            async for block in queue:
                assert 1 <= len(block) <= 7
                found.extend(block)
                if len(found) == 2000:
                    return

        await asyncio.gather(put(), read())
        return found

    assert run(main()) == [*range(2000)]


def test_a_full_queue_holds_whoever_puts(run):
    async def main():
        queue = blocks(most=2, bound=2)
        await queue.put(1)
        await queue.put(2)
        third = asyncio.create_task(queue.put(3))
        for _ in range(10):
            await asyncio.sleep(0)
        held = not third.done()
        found = await first(queue, 1)
        await third
        return held, found

    assert run(main()) == (True, [[1, 2]])


def test_a_heavy_queue_holds_whoever_puts(run):
    async def main():
        queue = blocks(weigh=int, heaviest=10)
        await queue.put(19)
        await queue.put(1)
        third = asyncio.create_task(queue.put(11))
        for _ in range(10):
            await asyncio.sleep(0)
        held = not third.done()
        return held, await first(queue, 2), await third

    assert run(main()) == (True, [[19], [1, 11]], None)


def test_a_cancelled_reader_loses_nothing_that_it_did_not_take(run):
    async def main():
        queue = blocks(most=5)
        reader = asyncio.create_task(first(queue, 1))
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        for number in range(5):
            await queue.put(number)
        return await first(queue, 1)

    assert run(main()) == [[0, 1, 2, 3, 4]]

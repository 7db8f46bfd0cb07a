"""While pages are analysed on the loop, it goes on asking for others."""

import asyncio

import pytest

from crawler import Analysed, Fetched, Options, Outcome
from crawler.compose.crawling import Crawl
from crawler.modes import aio

PLACES = 8


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_answers_that_come_together_do_not_hold_up_the_next_requests(monkeypatch, loop):
    """Each time all places are taken, all answers come, in one turn of the loop."""
    done: list[str] = []
    waiting: list[asyncio.Future[None]] = []

    async def afetch(_http, target, _rules):
        done.append("ask")
        waiting.append(asyncio.get_running_loop().create_future())
        answer = waiting[-1]
        if len(waiting) == PLACES:
            while run.frontier.offered < len(urls):  # noqa: ASYNC110 (it does not wait)
                await asyncio.sleep(0)
            for one in waiting:
                one.set_result(None)
            waiting.clear()
        await answer
        return Fetched(url=target.url, final_url=target.url, outcome=Outcome.OK, body=b"page")

    def analyse(_fetched):
        done.append("analyse")
        return Analysed()

    monkeypatch.setattr(aio, "afetch", afetch)
    urls = [f"http://127.0.0.1:9/{number}" for number in range(2 * PLACES)]
    options = Options(mode="async", concurrency=PLACES, loop=loop)
    run = Crawl(urls, options, analyse=analyse, on_record=lambda _: None)
    run.run()

    assert done[:PLACES] == ["ask"] * PLACES
    assert "ask" in done[PLACES : 2 * PLACES]
    assert done.count("analyse") == 2 * PLACES

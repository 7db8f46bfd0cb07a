"""A thread that was left behind must not write a second record when it comes home."""

import signal
import threading

from crawler import Options, Record, analyse, crawl
from fixtures.running import serve

LIMIT = 60


def test_what_a_left_behind_thread_brings_home_is_dropped():
    main, thinking, released = threading.get_ident(), threading.Event(), threading.Event()

    def slow(fetched):
        thinking.set()
        released.wait(LIMIT)
        return analyse(fetched)

    def insist():
        thinking.wait(LIMIT)
        # Two kinds, because two pending signals of one kind are delivered as one.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.pthread_kill(main, number)

    records: list[Record] = []
    threading.Thread(target=insist, daemon=True).start()
    with serve(pages=10, size="2kB", links=5) as site:
        url = f"{site.url}/p/1"
        options = Options(mode="threads", concurrency=1)
        report = crawl(url, options, analyse=slow, on_record=records.append)
        left = next(thread for thread in threading.enumerate() if thread.name == "page-0")
        released.set()
        left.join(LIMIT)

    assert not left.is_alive()
    assert report.outcomes == {"interrupted": 1}
    assert [record.outcome for record in records] == ["interrupted"]

"""Five ways to run the same steps, in reading order: serial, threads, async, processes, hybrid."""

from crawler.core.ports import Mode
from crawler.modes import aio, hybrid, processes, serial, threads

__all__ = ["BY_NAME"]

BY_NAME: dict[str, Mode] = {
    "serial": serial.crawl,
    "threads": threads.crawl,
    "async": aio.crawl,
    "processes": processes.crawl,
    "hybrid": hybrid.crawl,
}

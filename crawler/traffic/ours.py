"""The bundled test server as its clients see it: recognised by its answers, asked, and set."""

import contextlib
import json
import re
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from crawler.core.errors import WorkerError
from crawler.core.histogram import Histogram
from crawler.stores.hdrlog import decoded

__all__ = ["Site", "Truth", "arrived_before"]

_ARRIVAL = re.compile(rb"\r\nX-Arrival: (\d+)\r\n")
_PATIENCE = 5.0


def arrived_before(heads: Iterable[bytes]) -> int | None:
    """Return how many requests the server had counted before the first of *heads*' ones.

    None if it is not the bundled server, which numbers its arrivals.
    """
    numbers = [int(found[1]) for head in heads if (found := _ARRIVAL.search(head))]
    return min(numbers) - 1 if numbers else None


class Truth:
    """What the server counted since it was reset; ``counts`` are its answers and faults."""

    def __init__(self, said: dict[str, Any]):
        self._said = said
        self.requests = int(said["requests"])
        self.counts: dict[str, int] = {**said["answers"], **said["faults"]}

    def histogram(self, name: str) -> Histogram:
        """Return one of its histograms, such as that of ``answer_ns``."""
        return decoded(self._said["histograms"][name]["hdr"])


class Site:
    """The bundled server at an address; raises WorkerError when it does not do as it is told."""

    def __init__(self, host: str, port: int):
        self._host, self._port = host, port

    @classmethod
    def at(cls, url: str) -> "Site":
        """Return the site at *url*."""
        where = urlsplit(url)
        return cls(where.hostname or "", where.port or 80)

    def truth(self) -> Truth:
        """Return what it has counted."""
        return Truth(json.loads(self._ask("GET", "/__truth__")))

    def become(self, **settings: object) -> None:
        """Behave by *settings* and nothing else, and count anew."""
        before = dict.fromkeys(json.loads(self._ask("GET", "/__behaviour__")))
        self._ask("PUT", "/__behaviour__", json.dumps(before | settings))
        self._ask("POST", "/__reset__")

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        with contextlib.closing(
            HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        ) as connection:
            try:
                connection.request(method, path, body, headers={"Connection": "close"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, HTTPException) as error:
                raise WorkerError(f"the test server is gone: {type(error).__name__}") from None
        if answer.status != 200:
            raise WorkerError(f"the test server: {content.decode(errors='replace').strip()}")
        return content

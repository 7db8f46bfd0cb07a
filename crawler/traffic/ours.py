"""Recognise the bundled test server by its answers, and ask it what it has counted."""

import contextlib
import json
import re
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException

from crawler.traffic.plan import Aim

__all__ = ["arrived_before", "counted"]

_ARRIVAL = re.compile(rb"\r\nX-Arrival: (\d+)\r\n")
_PATIENCE = 5.0


def arrived_before(heads: Iterable[bytes]) -> int | None:
    """Return how many requests the server had counted before the first of *heads*' ones.

    None if it is not the bundled server, which numbers its arrivals.
    """
    numbers = [int(found[1]) for head in heads if (found := _ARRIVAL.search(head))]
    return min(numbers) - 1 if numbers else None


def counted(aim: Aim) -> int | None:
    """Return how many requests the bundled server at *aim* has counted, None if it does not say."""
    with contextlib.closing(HTTPConnection(aim.address, aim.port, timeout=_PATIENCE)) as connection:
        try:
            connection.request("GET", "/__truth__", headers={"Connection": "close"})
            return int(json.loads(connection.getresponse().read())["requests"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return None

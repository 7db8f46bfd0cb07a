"""Ask for the bytes of one URL: fetch() blocks, afetch() awaits, the decisions are shared."""

import httpx

from crawler.core.job import FetchRules
from crawler.core.pages import (
    Fetched,
    Hop,
    Outcome,
    Target,
    Timing,
    outcome_of_status,
)
from crawler.core.redirects import Follow, Refuse, headers_for, next_step, retry_after_of
from crawler.core.urls import public_form
from crawler.system.clock import cpu_of_thread, now, wall
from crawler.wire.failures import Limits, failure_of
from crawler.wire.visit import VISIT, Visit

__all__ = ["afetch", "fetch"]

#: A redirect's own body is read to its end if it is short, which keeps the connection; a
#: longer one costs more than connecting again.
DRAIN = 65_536
#: Seconds by which a loop's timer may go off early: uvloop counts in whole milliseconds.
EARLY = 0.002
#: Answers whose Content-Length is of a body that is not sent (RFC 9110 section 8.6).
BODILESS = frozenset({204, 304})


def fetch(client: httpx.Client, target: Target, rules: FetchRules) -> Fetched:
    """Return what one attempt at *target* gave; failures of the wire are values, not exceptions."""
    cpu = cpu_of_thread()
    attempt = _Attempt(target, rules)
    token = VISIT.set(attempt.visit)
    try:
        while attempt.goes_on:
            try:
                response = client.send(attempt.request(), stream=True)
                try:
                    if attempt.begun(response):
                        for chunk in response.iter_raw():
                            if not attempt.accept(chunk):
                                break
                finally:
                    response.close()
                attempt.ended()
            except Exception as error:  # noqa: BLE001 (raised again if it is not of the wire)
                attempt.failed(error)
    finally:
        VISIT.reset(token)
    return attempt.result(cpu_of_thread() - cpu)


async def afetch(client: httpx.AsyncClient, target: Target, rules: FetchRules) -> Fetched:
    """Do the same, awaiting; what the fetch costs the CPU is the loop's, not counted here."""
    attempt = _Attempt(target, rules)
    token = VISIT.set(attempt.visit)
    try:
        while attempt.goes_on:
            try:
                response = await client.send(attempt.request(), stream=True)
                try:
                    if attempt.begun(response):
                        async for chunk in response.aiter_raw():
                            if not attempt.accept(chunk):
                                break
                finally:
                    await response.aclose()
                attempt.ended()
            except Exception as error:  # noqa: BLE001 (raised again if it is not of the wire)
                attempt.failed(error)
    finally:
        VISIT.reset(token)
    return attempt.result(0.0)


class _Attempt:
    """What both colours share: what to ask next, how much to read, what came of it."""

    def __init__(self, target: Target, rules: FetchRules):
        self._target = target
        self._rules = rules
        self._began = now()
        self._wall = wall()
        self.visit = Visit(
            rules.guard, self._began + rules.timeout, typed=target.typed, referrer_home=None
        )
        self._next: str | None = None if target.problem else target.address
        self._address = target.address
        self._hops: list[Hop] = []
        self._ttfb: float | None = None
        self._step: Follow | Refuse | None = None
        self._response: httpx.Response | None = None
        self._body = bytearray()
        self._cap = 0
        self._outcome = Outcome.BAD_URL
        self._error = target.problem
        self._complete = False
        self._resent = False

    @property
    def goes_on(self) -> bool:
        """Whether there is another request to make."""
        return self._next is not None

    def request(self) -> httpx.Request:
        """Return the next request; raises httpx.InvalidURL and UnicodeError."""
        assert self._next is not None
        self._address, self._next, self._response = self._next, None, None
        return httpx.Request(
            "GET",
            self._address,
            headers=headers_for(self._rules.headers, self._target.address, self._address),
            extensions=self._rules.extensions,
        )

    def begun(self, response: httpx.Response) -> bool:
        """Note the head of an answer; say whether its body is to be read."""
        self._response = response
        self.visit.begun = True
        self._ttfb = now() - self._began
        headers = response.headers
        self._step = next_step(
            self._address,
            response.status_code,
            response.extensions.get("location"),
            self._hops,
            self._rules.max_redirects,
        )
        self._cap = self._rules.limits.max_bytes if self._step is None else DRAIN
        self._body.clear()
        self._complete = True
        length = headers.get("content-length", "0")
        if response.status_code not in BODILESS and length.isdigit() and int(length) > self._cap:
            self._complete = False
        return self._complete

    def accept(self, chunk: bytes) -> bool:
        """Keep a piece of the body; say whether to read on."""
        self._body += chunk
        self._complete = len(self._body) <= self._cap
        return self._complete

    def ended(self) -> None:
        """Decide what follows an answer that was read as far as it was wanted."""
        assert self._response is not None
        status = self._response.status_code
        if isinstance(self._step, Follow):
            self._hops.append(Hop(status, public_form(self._step.address)))
            self._next = self._step.address
            self.visit.redirected()
        elif isinstance(self._step, Refuse):
            self._outcome, self._error = self._step.outcome, self._step.error
            self._complete = False
        elif not self._complete:
            self._outcome = Outcome.TOO_LARGE
            self._error = f"more than {self._cap} bytes as sent"
        else:
            self._outcome = outcome_of_status(status)

    def failed(self, error: Exception) -> None:
        """Name a failure of the wire; raises *error* again if it is a fault of ours."""
        named = failure_of(
            error,
            Limits(self._rules.timeout, self._rules.connect_timeout, self._rules.read_timeout),
            out_of_time=now() + EARLY >= self.visit.deadline,
            received=self.visit.received,
        )
        if named is None:
            raise error
        self._outcome, self._error = named
        self._complete = False
        if named[0] is Outcome.RESET and not (self.visit.fresh or self.visit.received):
            # The server closed an idle connection as we took it: a GET may be sent once more
            # (RFC 9110 section 9.2.2), and the next try takes a new connection or an older one.
            self._resend()

    def _resend(self) -> None:
        if not self._resent:
            self._resent = True
            self._next = self._address
            self.visit.resent()

    def result(self, cpu_s: float) -> Fetched:
        """Return everything that is known now."""
        response = self._response
        fetched = Fetched(
            url=self._target.url,
            final_url=public_form(self._address),
            outcome=self._outcome,
            error=self._error,
            redirects=self._hops,
            home=self.visit.first_home,
            fetched_at=self._wall,
            timing=self._timing(),
            limits=self._rules.limits,
            cpu_s=cpu_s,
        )
        if response is not None:
            fetched.status = response.status_code
            fetched.content_type = response.headers.get("content-type")
            fetched.content_encoding = response.headers.get("content-encoding", "")
            fetched.retry_after = retry_after_of(response.headers.get("retry-after"))
        if self._complete and response is not None:
            fetched.body = bytes(self._body)
            fetched.wire_bytes = len(self._body)
        return fetched

    def _timing(self) -> Timing:
        connect = self.visit.connect_s
        return Timing(
            queue=_ms(self._began - self._target.taken_at),
            connect=None if connect is None else _ms(connect),
            ttfb=None if self._ttfb is None else _ms(self._ttfb),
            total=_ms(now() - self._began),
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

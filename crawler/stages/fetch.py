"""Ask for the bytes of one URL: fetch() blocks, afetch() awaits, the decisions are shared."""

import base64
import functools
from urllib.parse import unquote_to_bytes

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
from crawler.core.spans import Trail, Where
from crawler.core.urls import public_form
from crawler.system.clock import cpu_of_thread, now, wall
from crawler.system.lanes import here
from crawler.wire.failures import Limits, failure_of
from crawler.wire.visit import Visit

__all__ = ["afetch", "fetch"]

#: A redirect's own body is read to its end if it is short, which keeps the connection; a
#: longer one costs more than connecting again.
DRAIN = 65_536
#: Seconds by which a loop's timer may go off early: uvloop counts in whole milliseconds.
EARLY = 0.002
#: Answers whose Content-Length is of a body that is not sent (RFC 9110 section 8.6).
BODILESS = frozenset({204, 304})


def fetch(transport: httpx.BaseTransport, target: Target, rules: FetchRules) -> Fetched:
    """Return what one attempt at *target* gave; failures of the wire are values, not exceptions."""
    cpu = cpu_of_thread()
    attempt = _Attempt(target, rules, here() if rules.traced else None)
    while attempt.goes_on:
        try:
            response = transport.handle_request(attempt.request())
            stream = response.stream
            assert isinstance(stream, httpx.SyncByteStream)
            try:
                if attempt.begun(response):
                    for chunk in stream:
                        if not attempt.accept(chunk):
                            break
            finally:
                stream.close()
            attempt.ended()
        except Exception as error:  # noqa: BLE001 (raised again if it is not of the wire)
            attempt.failed(error)
    return attempt.result(cpu_of_thread() - cpu)


async def afetch(transport: httpx.AsyncBaseTransport, target: Target, rules: FetchRules) -> Fetched:
    """Do the same, awaiting; what the fetch costs the CPU is the loop's, not counted here."""
    attempt = _Attempt(target, rules)
    while attempt.goes_on:
        try:
            response = await transport.handle_async_request(attempt.request())
            stream = response.stream
            assert isinstance(stream, httpx.AsyncByteStream)
            try:
                if attempt.begun(response):
                    async for chunk in stream:
                        if not attempt.accept(chunk):
                            break
            finally:
                await stream.aclose()
            attempt.ended()
        except Exception as error:  # noqa: BLE001 (raised again if it is not of the wire)
            attempt.failed(error)
    return attempt.result(0.0)


class _Attempt:
    """What both colours share: what to ask next, how much to read, what came of it."""

    def __init__(self, target: Target, rules: FetchRules, where: Where | None = None):
        self._target = target
        self._rules = rules
        self._began = now()
        self._trail = Trail(where, target.taken_at, self._began) if rules.traced else None
        self._wall = wall()
        self.visit = Visit(
            rules.guard, self._began + rules.timeout, typed=target.typed, referrer_home=None
        )
        self._next: str | None = None if target.problem else target.address
        self._address = target.address
        self._hops: list[Hop] = []
        self._ttfb: float | None = None
        self._step: Follow | Refuse | None = None
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._size = 0
        self._cap = 0
        self._outcome = Outcome.BAD_URL
        self._error = target.problem
        self._complete = False

    @property
    def goes_on(self) -> bool:
        """Whether there is another request to make."""
        return self._next is not None

    def request(self) -> httpx.Request:
        """Return the next request; raises httpx.InvalidURL and UnicodeError."""
        assert self._next is not None
        if self._trail is not None:
            self._trail.asked(now())
        self._address, self._next, self._status = self._next, None, None
        front, path = _split(self._address)
        headers = headers_for(self._rules.headers, self._target.address, self._address)
        url, prepared = _front(front, headers)
        return httpx.Request(
            "GET",
            url,
            headers=prepared,
            stream=_NO_BODY,
            extensions={
                "timeout": self._rules.timeouts,
                "target": path.encode("ascii"),
                "visit": self.visit,
            },
        )

    def begun(self, response: httpx.Response) -> bool:
        """Note the head of an answer; say whether its body is to be read."""
        self._status = response.status_code
        self._headers = headers = _named(response.headers.raw)
        moment = now()
        self._ttfb = moment - self._began
        if self._trail is not None:
            self._trail.answered(moment, self.visit.connecting)
        self._step = next_step(
            self._address,
            response.status_code,
            headers.get("location"),
            self._hops,
            self._rules.max_redirects,
        )
        self._cap = self._rules.limits.max_bytes if self._step is None else DRAIN
        self._chunks, self._size = [], 0
        self._complete = True
        length = headers.get("content-length", "0")
        if response.status_code not in BODILESS and length.isdigit() and int(length) > self._cap:
            self._complete = False
        return self._complete

    def accept(self, chunk: bytes) -> bool:
        """Keep a piece of the body; say whether to read on."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._complete = self._size <= self._cap
        return self._complete

    def ended(self) -> None:
        """Decide what follows an answer that was read as far as it was wanted."""
        assert self._status is not None
        status = self._status
        if self._trail is not None:
            self._trail.ended(now())
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
        if self._trail is not None:
            self._trail.failed(now(), self.visit.connecting, fresh=self.visit.fresh)

    def result(self, cpu_s: float) -> Fetched:
        """Return everything that is known now."""
        moment = now()
        fetched = Fetched(
            url=self._target.url,
            final_url=public_form(self._address),
            outcome=self._outcome,
            error=self._error,
            redirects=self._hops,
            home=self.visit.first_home,
            fetched_at=self._wall,
            timing=self._timing(moment),
            limits=self._rules.limits,
            cpu_s=cpu_s,
            spans=None if self._trail is None else self._trail.done(moment),
        )
        if self._status is not None:
            fetched.status = self._status
            fetched.content_type = self._headers.get("content-type")
            fetched.content_encoding = self._headers.get("content-encoding", "")
            fetched.retry_after = retry_after_of(self._headers.get("retry-after"))
            if self._complete:
                fetched.body = b"".join(self._chunks)
                fetched.wire_bytes = self._size
        return fetched

    def _timing(self, moment: float) -> Timing:
        connect = self.visit.connect_s
        return Timing(
            queue=_ms(self._began - self._target.taken_at),
            connect=None if connect is None else _ms(connect),
            ttfb=None if self._ttfb is None else _ms(self._ttfb),
            total=_ms(moment - self._began),
        )


#: The body of a request that has none; httpx would make a new one each time.
_NO_BODY = httpx.ByteStream(b"")


def _named(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name, those of one name joined (RFC 9110 section 5.2).

    Asking httpx for the five that matter takes six times as long.
    """
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), _text(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _split(address: str) -> tuple[str, str]:
    """Return the part of an address that leads to its server, and what is asked of that."""
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", slash + path


@functools.lru_cache(1024)
def _front(front: str, headers: tuple[tuple[str, str], ...]) -> tuple[httpx.URL, httpx.Headers]:
    """Return what is the same for all pages of a server; httpx takes 35 us to work it out.

    What is asked for goes in the extension ``target``, in the very form of the address.
    Raises httpx.InvalidURL.
    """
    scheme, _, authority = front.partition("://")
    credentials, _, host = authority.rpartition("@")
    prepared = httpx.Headers([("Host", host), *headers])
    if credentials:
        user, _, password = credentials.partition(":")
        pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
        prepared["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    return httpx.URL(f"{scheme}://{host}/"), prepared


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

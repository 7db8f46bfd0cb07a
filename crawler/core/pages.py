"""What each stage hands to the next: Target, Fetched, Analysed; plain values that pickle."""

from enum import StrEnum

import msgspec

from crawler.core.spans import Span

__all__ = [
    "NOT_FAILURES",
    "AnalyseLimits",
    "Analysed",
    "Batch",
    "Fetched",
    "Hop",
    "Outcome",
    "Place",
    "Target",
    "Timing",
    "outcome_of_status",
]


class Outcome(StrEnum):
    """How a visit ended; one for each record, the same word in logs, counters and docs."""

    OK = "ok"
    HTTP_ERROR = "http-error"
    NOT_MODIFIED = "not-modified"
    TIMEOUT = "timeout"
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TLS = "tls"
    PROTOCOL = "protocol"
    TOO_LARGE = "too-large"
    TOO_MANY_REDIRECTS = "too-many-redirects"
    ROBOTS = "robots"
    PRIVATE_ADDRESS = "private-address"
    HOST_DOWN = "host-down"
    BAD_URL = "bad-url"
    DECODE_ERROR = "decode-error"
    ANALYSE_ERROR = "analyse-error"
    DUPLICATE = "duplicate"
    OUT_OF_SCOPE = "out-of-scope"
    LIMIT = "limit"
    INTERRUPTED = "interrupted"


#: The outcomes that are no failure; all others go to ``--failed``.
NOT_FAILURES = frozenset(
    {
        Outcome.OK,
        Outcome.NOT_MODIFIED,
        Outcome.DUPLICATE,
        Outcome.OUT_OF_SCOPE,
        Outcome.ROBOTS,
        Outcome.LIMIT,
    }
)


def outcome_of_status(status: int) -> Outcome:
    """Return the outcome of a complete answer with this status code."""
    if 200 <= status < 300:
        return Outcome.OK
    return Outcome.NOT_MODIFIED if status == 304 else Outcome.HTTP_ERROR


class Target(msgspec.Struct, kw_only=True):
    """One input or admitted link on its way through the crawl.

    ``url`` is as written by whoever named it, without credentials; ``address`` is what is
    asked for, in the form of the WHATWG URL standard.  ``problem`` says why there is no
    address; such a target is settled without a request.  ``attempt`` and ``taken_at``
    (monotonic seconds) are the frontier's to change.
    """

    url: str
    address: str
    host: str
    problem: str | None = None
    typed: bool = True
    depth: int = 0
    referrer: str | None = None
    attempt: int = 0
    taken_at: float = 0.0


class Place(msgspec.Struct, frozen=True):
    """A line of a source; the first is 1."""

    source: str
    line: int


class Batch(msgspec.Struct, frozen=True):
    """Some inputs, possibly none yet, where the next ones stand, and whether there are any."""

    targets: list[Target]
    resume_at: Place | None
    ended: bool


class AnalyseLimits(msgspec.Struct, kw_only=True, frozen=True):
    """How much analyse may make of a body; sizes in bytes."""

    max_bytes: int = 10_000_000
    max_ratio: float = 200.0
    max_links: int = 10_000
    simhash: bool = False


class Hop(msgspec.Struct, frozen=True):
    """One redirect that was followed: the status that said so and where it led."""

    status: int
    url: str


class Timing(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Milliseconds of the last attempt, redirects included."""

    queue: float
    connect: float | None = None
    ttfb: float | None = None
    total: float


class Fetched(msgspec.Struct, kw_only=True):
    """What the far side gave, or why it gave nothing; the body as sent, still encoded.

    ``body`` is None unless it is complete.  ``outcome`` is final unless there is a body to
    analyse.  ``home`` tells whether the peer has a non-public address (None: no peer).
    ``retry_after`` is in seconds; ``cpu_s`` counts the blocking fetch's own CPU seconds.
    ``spans`` gathers what is done about the page, or is None if nobody wants to know.
    """

    url: str
    final_url: str
    outcome: Outcome
    error: str | None = None
    status: int | None = None
    content_type: str | None = None
    content_encoding: str = ""
    body: bytes | None = None
    wire_bytes: int | None = None
    redirects: list[Hop] = []
    home: bool | None = None
    retry_after: float | None = None
    fetched_at: float = 0.0
    timing: Timing | None = None
    limits: AnalyseLimits = AnalyseLimits()
    cpu_s: float = 0.0
    spans: list[Span] | None = None


class Analysed(msgspec.Struct, kw_only=True):
    """What was found in one body.

    ``outcome`` is None where the fetch's own outcome stands; otherwise it says what went
    wrong (too-large, decode-error, analyse-error) and ``error`` says how.  ``bytes`` is the
    length of the body that ``sha256`` is over: after transfer- and content-decoding.
    """

    outcome: Outcome | None = None
    error: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    encoding: str | None = None
    text_sha256: str | None = None
    simhash: str | None = None
    title: str | None = None
    links: list[str] | None = None
    links_total: int | None = None
    cpu_s: float = 0.0

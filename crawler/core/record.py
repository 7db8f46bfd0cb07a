"""The record of one visit: its fields, how it is made, and its JSON."""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from crawler.core.pages import Analysed, Fetched, Hop, Outcome, Target, Timing

_Value = TypeVar("_Value")

__all__ = ["Record", "encode", "interrupted", "json_line", "record_of", "schema"]


class Record(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One JSON object a line: what became of one URL; what does not apply is absent.

    ``bytes`` is the length of the decoded body and ``sha256`` its digest, ``wire_bytes`` its
    length as sent.  ``ms`` is in milliseconds and of the last attempt, redirects included.
    ``simhash`` and the digests are lower-case hexadecimal.
    """

    url: str
    outcome: Outcome
    final_url: str | UnsetType = UNSET
    status: int | UnsetType = UNSET
    error: str | UnsetType = UNSET
    content_type: str | UnsetType = UNSET
    encoding: str | UnsetType = UNSET
    bytes: int | UnsetType = UNSET
    wire_bytes: int | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    text_sha256: str | UnsetType = UNSET
    simhash: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    links: list[str] | UnsetType = UNSET
    links_total: int | UnsetType = UNSET
    redirects: list[Hop] | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    referrer: str | UnsetType = UNSET
    fetched_at: str | UnsetType = UNSET
    ms: Timing | UnsetType = UNSET


encode = msgspec.json.Encoder().encode


def json_line(record: Record) -> bytes:
    """Return a record as one line of JSON, its end included."""
    return encode(record) + b"\n"


def schema() -> dict[str, object]:
    """Return the JSON Schema of a record, made from the type itself."""
    return msgspec.json.schema(Record)


def record_of(target: Target, fetched: Fetched, analysed: Analysed | None) -> Record:
    """Return the record of a finished visit; *analysed* is None when there was no body."""
    record = Record(
        url=target.url,
        outcome=fetched.outcome,
        final_url=_given(fetched.final_url or None),
        status=_given(fetched.status),
        error=_given(fetched.error),
        content_type=_given(fetched.content_type),
        wire_bytes=_given(fetched.wire_bytes),
        redirects=fetched.redirects or UNSET,
        attempts=target.attempt,
        depth=target.depth,
        referrer=_given(target.referrer),
        fetched_at=_timestamp(fetched.fetched_at) if fetched.fetched_at else UNSET,
        ms=_given(fetched.timing),
    )
    if analysed is not None:
        record.outcome = analysed.outcome or fetched.outcome
        record.error = _given(analysed.error)
        record.encoding = _given(analysed.encoding)
        record.bytes = _given(analysed.bytes)
        record.sha256 = _given(analysed.sha256)
        record.text_sha256 = _given(analysed.text_sha256)
        record.simhash = _given(analysed.simhash)
        record.title = _given(analysed.title)
        record.links = _given(analysed.links)
        record.links_total = _given(analysed.links_total)
    return record


def interrupted(target: Target) -> Record:
    """Return the record of a target that was read, but not finished before the stop."""
    return Record(
        url=target.url,
        outcome=Outcome.INTERRUPTED,
        error="stopped before it was finished",
        attempts=target.attempt,
        depth=target.depth,
        referrer=_given(target.referrer),
    )


def _given(value: _Value | None) -> _Value | UnsetType:
    return UNSET if value is None else value


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

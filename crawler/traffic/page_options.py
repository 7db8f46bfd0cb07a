"""Say how a load test was asked for, without what could be a credential."""

from msgspec.structs import fields

from crawler.traffic.job import LoadOptions, Stage
from crawler.traffic.markup import size

__all__ = ["option_rows"]

#: Headers whose values hold nothing secret (RFC 9110 and its relatives).  All others may be the
#: credentials of some service, under whatever name it chose, and a page is passed on.
_OPEN_HEADERS = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control",
    "content-encoding", "content-language", "content-type", "date", "host", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards",
    "pragma", "priority", "range", "te", "traceparent", "upgrade-insecure-requests", "user-agent",
})  # fmt: skip
_HIDDEN = "(hidden)"
#: These are told though nobody gave them: who repeats the run needs them.
_ALWAYS = ("connections", "timeout", "workers", "seed")
_UNITS = {
    "duration": "{:g} s", "warmup": "{:g} s", "timeout": "{:g} s", "rate": "{:g}/s",
    "new_connections": "{:.3%}",
}  # fmt: skip


def option_rows(options: LoadOptions) -> list[tuple[str, str]]:
    """Return name and value, as plain text, of each option that was given, and of some more.

    The values of headers are hidden but for a few that never hold a credential, and of a body
    only the size is told.
    """
    rows: list[tuple[str, str]] = []
    for field in fields(options):
        name, value = field.name.replace("_", " "), getattr(options, field.name)
        if value == field.default and field.name not in _ALWAYS:
            continue
        if field.name == "headers":
            rows += [("header", f"{header}: {_shown(header, text)}") for header, text in value]
        elif field.name == "stages":
            rows += [("stage", _stage(stage)) for stage in value]
        else:
            rows.append((name, _value(field.name, value)))
    return rows


def _shown(header: str, value: str) -> str:
    is_open = header.lower() in _OPEN_HEADERS or header.lower().startswith("sec-fetch-")
    return value if is_open else _HIDDEN


def _stage(stage: Stage) -> str:
    ends = f"{stage.first:g}/s" + ("" if stage.last == stage.first else f" to {stage.last:g}/s")
    return f"{stage.seconds:g} s at {ends}"


def _value(name: str, value: object) -> str:
    if isinstance(value, bytes):
        return f"{size(len(value))} (hidden)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return _UNITS.get(name, "{}").format(value)

"""Read durations and sizes as people write them, and write numbers as people read them."""

import re

__all__ = ["bytes_text", "count_text", "duration", "header", "seconds_text", "size"]

#: Twelve digits reach 30 000 years and a terabyte; more are a slip of the hand.
_NUMBER = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([a-zA-Z]*)")
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_BYTES |= {"kib": 2**10, "mib": 2**20, "gib": 2**30}


def duration(text: str) -> float:
    """Return seconds: a bare number, or one with ms, s, m or h; raises ValueError."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"{text!r} is no duration: write 30, 30s, 500ms, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def size(text: str) -> int:
    """Return bytes: a bare number, or one with kB, MB, GB, KiB, MiB or GiB; raises ValueError."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in _BYTES:
        raise ValueError(f"{text!r} is no size: write 10000, 10kB, 5MB or 4MiB")
    return int(float(match[1]) * _BYTES[match[2].lower()])


def header(text: str) -> tuple[str, str]:
    """Return name and value of ``Name: value``; raises ValueError."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ValueError(f"{text!r} is no header: write 'Name: value'")
    return name.strip(), value.strip()


def count_text(number: float) -> str:
    """Return a number with a thin gap between thousands: 12 345."""
    return f"{number:,.0f}".replace(",", " ")


def bytes_text(number: float) -> str:
    """Return a size with three digits: 31.2 kB."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} B" if unit == "B" else f"{number:.3g} {unit}"


def seconds_text(seconds: float) -> str:
    """Return a duration in the unit that suits it: 23 ms, 4.1 s, 3:25."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

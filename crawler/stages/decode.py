"""Undoes a body's content codings (gzip, deflate, br, zstd) in bounded pieces."""

import re
import zlib
from collections.abc import Callable, Generator, Iterator

import brotli
import msgspec
import zstandard

from crawler.core.pages import AnalyseLimits, Outcome

__all__ = ["Decoded", "decode"]

#: Bytes asked for at once.  Of 16, 64 and 256 KiB, 64 was the fastest on a 30 kB page.
#: A decoder may round up: brotli 1.2.1 gives 98 272 bytes, the others keep to it.
PIECE_BYTES = 64 * 1024

#: Codings one on top of the other; servers use one, a broken proxy makes it two.
MAX_CODINGS = 5

#: The ratio is judged above this decoded size only: a small page of blanks honestly
#: shrinks 1000 to 1, and a megabyte harms nobody.
RATIO_FREE_BYTES = 1 << 20

#: RFC 9659: the largest window a sender may use with ``Content-Encoding: zstd``.
ZSTD_WINDOW_BYTES = 8 << 20

_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_GZIP_MAGIC = b"\x1f\x8b"
_ANY_HEADER = zlib.MAX_WBITS | 32  # gzip or zlib, found by the header: curl does so too
_NO_HEADER = -zlib.MAX_WBITS


class Decoded(msgspec.Struct, frozen=True):
    """The body after content-decoding, or the outcome and the reason why there is none."""

    body: bytes | None = None
    outcome: Outcome | None = None
    error: str | None = None


class _DamagedError(Exception):
    """What was sent is not what its coding says, or stops too early."""


class _TooLargeError(Exception):
    """One more piece went past the ceiling."""


def decode(body: bytes, content_encoding: str, limits: AnalyseLimits) -> Decoded:
    """Return *body* with every coding of the ``Content-Encoding`` header undone.

    The result is what ``curl --compressed`` saves (compared with curl 7.88), save that all
    members of a gzip body count (RFC 1952, 2.2) and that a body cut short is an error.
    Codings are undone in reverse order (RFC 9110, 8.4); names are case-insensitive; an empty
    body stays empty.  Whatever follows a complete gzip or deflate stream is ignored.

    *limits* caps the decoded size in bytes, ``max_bytes``, and what decoding may make of one
    sent byte, ``max_ratio``; the ratio is judged above 1 MiB (:data:`RATIO_FREE_BYTES`).  At
    most two pieces past a cap are ever produced, also between nested codings.  Nothing is
    raised: what goes wrong is a ``too-large`` or ``decode-error`` outcome.
    """
    codings = [name for part in content_encoding.split(",") if (name := part.strip().lower())]
    codings = [name for name in codings if name != "identity"]
    if len(codings) > MAX_CODINGS:
        return _failed(f"more than {MAX_CODINGS} content codings")
    by_ratio = max(RATIO_FREE_BYTES, int(limits.max_ratio * len(body)))
    ceiling = min(limits.max_bytes, by_ratio)
    for name in reversed(codings if body else []):
        undo = _UNDO.get(name)
        if undo is None:
            return _failed(f"content-encoding {name[:40]!r} is not known")
        try:
            body = _collect(undo(body), ceiling)
        except _TooLargeError:
            return _too_large(limits, by_ratio)
        except (_DamagedError, zlib.error, brotli.error, zstandard.ZstdError):
            return _failed(f"{name} data is damaged")
    return Decoded(body) if len(body) <= limits.max_bytes else _too_large(limits, by_ratio)


def _failed(error: str) -> Decoded:
    return Decoded(None, Outcome.DECODE_ERROR, error)


def _too_large(limits: AnalyseLimits, by_ratio: int) -> Decoded:
    if limits.max_bytes <= by_ratio:
        error = f"more than {limits.max_bytes} bytes decoded"
    else:
        error = f"decoded to more than {limits.max_ratio:g} times what was sent"
    return Decoded(None, Outcome.TOO_LARGE, error)


def _collect(pieces: Iterator[bytes], ceiling: int) -> bytes:
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > ceiling:
            raise _TooLargeError
        kept.append(piece)
    return kept[0] if len(kept) == 1 else b"".join(kept)


def _gunzip(body: bytes) -> Iterator[bytes]:
    rest = yield from _inflate(body, _ANY_HEADER)
    while rest.startswith(_GZIP_MAGIC):
        rest = yield from _inflate(rest, _ANY_HEADER)


def _deflate(body: bytes) -> Iterator[bytes]:
    """Undo deflate: zlib's wrapper as RFC 9110, 8.4.1.2 wants, or raw as some servers send."""
    wrapped = body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    yield from _inflate(body, zlib.MAX_WBITS if wrapped else _NO_HEADER)


def _inflate(body: bytes, wbits: int) -> Generator[bytes, None, bytes]:
    """Yield the pieces of one zlib stream and return what follows it."""
    stream = zlib.decompressobj(wbits)
    piece = stream.decompress(body, PIECE_BYTES)
    while not stream.eof:
        if not piece and not stream.unconsumed_tail:
            raise _DamagedError
        yield piece
        piece = stream.decompress(stream.unconsumed_tail, PIECE_BYTES)
    yield piece
    return stream.unused_data


def _unbrotli(body: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    piece = stream.process(body, output_buffer_limit=PIECE_BYTES)
    while not stream.is_finished():
        if not piece and stream.can_accept_more_data():
            raise _DamagedError
        yield piece
        piece = stream.process(b"", output_buffer_limit=PIECE_BYTES)
    yield piece


def _unzstd(body: bytes) -> Iterator[bytes]:
    _check_zstd_frames(body)
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
    with decompressor.stream_reader(body, read_across_frames=True) as stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece


def _check_zstd_frames(body: bytes) -> None:
    """Walk the frames and blocks of RFC 8878, 3.1; zstandard's reader ends silently on half.

    One step a block, so at most one for every three bytes sent.
    """
    at = 0
    while at < len(body):
        if _ZSTD_SKIPPABLE.match(body, at):
            at += 8 + int.from_bytes(body[at + 4 : at + 8], "little")
            continue
        header = body[at : at + 18]  # the longest there is
        at += zstandard.frame_header_size(header)
        last = False
        while not last:
            block = int.from_bytes(body[at : at + 3], "little")
            last, repeated = bool(block & 1), (block >> 1) & 3 == 1
            at += 3 + (1 if repeated else block >> 3)
            if at > len(body):
                raise _DamagedError
        if zstandard.get_frame_parameters(header).has_checksum:
            at += 4
    if at > len(body):
        raise _DamagedError


_UNDO: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}

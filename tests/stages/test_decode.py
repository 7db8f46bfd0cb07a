"""What the content codings promise: the body comes back, and a bomb stays small."""

import gzip
import subprocess
import sys
import zlib
from itertools import product

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.pages import AnalyseLimits, Outcome
from crawler.stages.decode import PIECE_BYTES, RATIO_FREE_BYTES, decode

LIMITS = AnalyseLimits()
PAGE = b"<p>all the news that fits, " * 200


def deflate_raw(body):
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def zstd_streamed(body):
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return stream.compress(body) + stream.flush()


ENCODERS = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", deflate_raw),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
    ("zstd", zstd_streamed),
    ("identity", bytes),
]
IDS = ["gzip", "x-gzip", "deflate", "deflate raw", "br", "zstd", "zstd streamed", "identity"]
FRAMED = [pytest.param(*pair, id=name) for name, pair in zip(IDS, ENCODERS, strict=True)][:7]
bodies = st.binary(max_size=3000) | st.binary(max_size=40).map(lambda piece: piece * 5000)


@given(bodies, st.lists(st.sampled_from(ENCODERS), max_size=5))
def test_every_nesting_of_codings_is_undone(body, layers):
    sent = body
    for _, encode in layers:
        sent = encode(sent)

    assert decode(sent, ", ".join(name for name, _ in layers), LIMITS).body == body


@given(st.lists(bodies, min_size=1, max_size=3), st.sampled_from(["gzip", "zstd"]))
def test_members_and_frames_are_joined(parts, name):
    encode = {"gzip": gzip.compress, "zstd": zstd_streamed}[name]

    assert decode(b"".join(map(encode, parts)), name, LIMITS).body == b"".join(parts)


def test_names_are_case_insensitive_and_empty_ones_are_skipped():
    assert decode(gzip.compress(PAGE), " GZip ,, Identity", LIMITS).body == PAGE


@pytest.mark.parametrize("name", ["", "gzip", "deflate", "br", "zstd", "gzip, br", "foo"])
def test_an_empty_body_stays_empty(name):
    assert decode(b"", name, LIMITS).body == b""


@pytest.mark.parametrize("garbage", [b"garbage", bytes(20), b"\x1f"])
def test_garbage_after_gzip_and_deflate_is_ignored(garbage):
    assert decode(gzip.compress(PAGE) + garbage, "gzip", LIMITS).body == PAGE
    assert decode(zlib.compress(PAGE) + garbage, "deflate", LIMITS).body == PAGE


def test_a_zlib_body_called_gzip_is_read_as_curl_reads_it():
    assert decode(zlib.compress(PAGE), "gzip", LIMITS).body == PAGE


def test_a_skippable_zstd_frame_is_skipped():
    skippable = b"\x53\x2a\x4d\x18\x03\0\0\0abc"

    assert decode(skippable + zstandard.compress(PAGE) + skippable, "zstd", LIMITS).body == PAGE


@pytest.mark.parametrize(("name", "encode"), FRAMED)
def test_a_body_cut_short_anywhere_is_damaged(name, encode):
    sent = encode(PAGE)

    for end in range(1, len(sent)):
        decoded = decode(sent[:end], name, LIMITS)
        assert (decoded.outcome, decoded.error) == (Outcome.DECODE_ERROR, f"{name} data is damaged")


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]))
def test_any_bytes_give_a_body_or_a_decode_error(body, name):
    decoded = decode(body, name, LIMITS)

    assert decoded.body is not None or decoded.outcome is Outcome.DECODE_ERROR


@given(st.integers(0, len(zstd_streamed(PAGE)) - 1), st.integers(1, 255))
def test_a_flipped_byte_in_zstd_never_escapes_as_an_exception(at, change):
    sent = bytearray(zstd_streamed(PAGE))
    sent[at] ^= change

    assert decode(bytes(sent), "zstd", LIMITS).outcome in {None, Outcome.DECODE_ERROR}


@pytest.mark.parametrize("sent", [brotli.compress(PAGE) + b"xx", b"plain text"])
def test_what_is_not_brotli_is_damaged(sent):
    assert decode(sent, "br", LIMITS).error == "br data is damaged"


def test_an_unknown_coding_is_named():
    decoded = decode(b"body", "gzip, foo", LIMITS)

    assert decoded.outcome is Outcome.DECODE_ERROR
    assert decoded.error == "content-encoding 'foo' is not known"


def test_six_codings_are_refused():
    assert decode(b"body", "gzip," * 6, LIMITS).error == "more than 5 content codings"


def test_a_zstd_window_above_8_mib_is_refused():
    wide = zstandard.ZstdCompressionParameters(window_log=24)
    stream = zstandard.ZstdCompressor(compression_params=wide).compressobj()

    sent = stream.compress(PAGE) + stream.flush()

    assert decode(sent, "zstd", LIMITS).error == "zstd data is damaged"


@pytest.mark.parametrize(("name", "encode"), [*FRAMED, pytest.param("", bytes, id="none")])
def test_the_size_cap_is_exact(name, encode):
    sent = encode(PAGE)

    fits = decode(sent, name, AnalyseLimits(max_bytes=len(PAGE)))
    over = decode(sent, name, AnalyseLimits(max_bytes=len(PAGE) - 1))

    assert fits.body == PAGE
    assert over.outcome is Outcome.TOO_LARGE
    assert over.error == f"more than {len(PAGE) - 1} bytes decoded"


def test_the_ratio_counts_above_a_mebibyte_only():
    small, large = bytes(RATIO_FREE_BYTES), bytes(RATIO_FREE_BYTES + 1)

    assert decode(gzip.compress(small), "gzip", LIMITS).body == small
    over = decode(gzip.compress(large), "gzip", LIMITS)
    assert over.outcome is Outcome.TOO_LARGE
    assert over.error == "decoded to more than 200 times what was sent"


BOMB = """
import gzip, resource, sys, zlib, brotli, zstandard
from crawler.core.pages import AnalyseLimits, Outcome
from crawler.stages.decode import decode

def many(stream, mebibytes):
    blanks = bytes(1 << 20)
    return b"".join([*(stream.compress(blanks) for _ in range(mebibytes)), stream.flush()])

class Brotli:
    def __init__(self):
        inner = brotli.Compressor(quality=1)
        self.compress, self.flush = inner.process, inner.finish

name, nested, *caps = sys.argv[1:]
stream = {
    "gzip": lambda: zlib.compressobj(1, wbits=31),
    "deflate": lambda: zlib.compressobj(1),
    "br": Brotli,
    "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
}[name]()
sent = many(stream, 512)
if nested == "nested":
    sent, name = gzip.compress(sent), name + ", gzip"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decoded = decode(sent, name, AnalyseLimits(max_bytes=int(caps[0]), max_ratio=float(caps[1])))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert decoded.outcome is Outcome.TOO_LARGE, decoded
unit = 1 if sys.platform == "darwin" else 1024
print((after - before) * unit)
"""


@pytest.mark.parametrize(
    ("name", "nested"), list(product(["gzip", "deflate", "br", "zstd"], ["plain", "nested"]))
)
def test_a_bomb_of_512_mib_takes_little_memory(name, nested):
    """The child's peak, seen by the kernel, so that what C libraries take counts too."""
    cap = 10_000_000
    argv = [sys.executable, "-c", BOMB, name, nested, str(cap), "1e9"]

    done = subprocess.run(argv, check=True, capture_output=True, text=True)

    # What was kept, brotli's and zstd's windows, and a few pieces; not 512 MiB.
    assert int(done.stdout) < 3 * cap + (16 << 20) + 8 * PIECE_BYTES

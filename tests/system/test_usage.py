"""What a process used: told in the right units."""

import sys

import pytest

from crawler.system import usage
from crawler.system.usage import peak_memory, waited_for_core


def test_memory_is_in_bytes_and_counts_what_was_held_at_once():
    held = bytearray(b"x") * 50_000_000
    assert len(held) < peak_memory() < 10**12


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_the_time_that_a_thread_waited_for_a_core_never_falls():
    first, second = waited_for_core(), waited_for_core()
    assert first is not None
    assert second is not None
    assert 0 <= first <= second


@pytest.mark.parametrize("text", ["", "1 2"])
def test_a_system_that_does_not_tell(monkeypatch, tmp_path, text):
    said = tmp_path / "schedstat"
    said.write_text(text)
    monkeypatch.setattr(usage, "Path", lambda _: said)
    assert waited_for_core() is None
    said.unlink()
    assert waited_for_core() is None


def test_it_is_told_in_seconds(monkeypatch, tmp_path):
    said = tmp_path / "schedstat"
    said.write_text("5 2500000000 7\n")
    monkeypatch.setattr(usage, "Path", lambda _: said)
    assert waited_for_core() == 2.5

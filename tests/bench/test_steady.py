"""The steady part is between two records, with all that comes at the same moment as they do."""

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from bench import steady


class Reading(NamedTuple):
    at: float


@pytest.fixture
def found(monkeypatch):
    """Give the pages and seconds of the steady part of records at such moments."""

    def found(*moments, warm, cool):
        clock = SimpleNamespace(now=0.0)
        monkeypatch.setattr(steady, "time", SimpleNamespace(monotonic=lambda: clock.now))
        part = steady.SteadyPart(len(moments), warm, cool, lambda: Reading(clock.now))
        for clock.now in moments:
            part.recorded()
        (began,), (ended,) = part.readings()
        return part.pages, ended - began

    return found


def test_records_that_come_one_by_one_are_counted_between_its_ends(found):
    assert found(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, warm=2, cool=1) == (3, 3.0)


def test_what_comes_in_the_block_of_either_end_was_there_before_it(found):
    blocks = (1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0)
    assert found(*blocks, warm=2, cool=3) == (6, 2.0)


def test_it_lasts_to_the_end_where_so_many_must_not_come_after_it(found):
    assert found(1.0, 2.0, 3.0, 4.0, warm=2, cool=2) == (2, 2.0)
    assert found(1.0, 2.0, 4.0, warm=2, cool=1) == (1, 2.0)


def test_where_all_come_in_one_block_the_whole_crawl_counts(found):
    assert found(1.0, warm=1, cool=1) == (1, 1.0)
    assert found(4.0, 4.0, 4.0, 4.0, 4.0, warm=1, cool=1) == (5, 4.0)
    assert found(0.5, 4.0, 4.0, 4.0, 4.0, warm=1, cool=1) == (4, 3.5)


def test_a_crawl_that_ended_early_has_none():
    part = steady.SteadyPart(3, 1, 1, lambda: Reading(0.0))
    part.recorded()

    with pytest.raises(SystemExit, match="record 2 never came, only 1"):
        part.readings()

"""What a trace costs in instructions is the difference of long and short crawls."""

import msgspec
import pytest

from bench.cell import BenchError
from bench.instructions import Counted, InstructionResults, counted, tables
from tests.bench.examples import MACHINE

SAID = """
==7== Command: python -m crawler
==7== I   refs:      1,234,567
==8== I refs:              433
"""


def runs(plain, traced, mode="async"):
    """A crawl of 100 pages and one of 300, without and with a trace: start-up and each page."""
    return [
        Counted(mode=mode, traced=kind, pages=pages, instructions=10**9 + a_page * pages)
        for kind, a_page in ((False, plain), (True, traced))
        for pages in (100, 300)
    ]


def results(*cells):
    return InstructionResults(
        name="instructions", machine=MACHINE, how=[], settings={"most": 0.03},
        ceiling_per_s=None, cells=list(cells),
    )  # fmt: skip


def test_all_processes_count():
    assert counted(SAID) == 1_235_000
    with pytest.raises(BenchError, match="counted nothing: no such tool"):
        counted("no such tool")


def test_the_start_of_the_interpreter_is_no_pages():
    found = results(*runs(5_000_000, 5_100_000))

    assert found.a_page("async", traced=False) == [5_000_000]
    assert found.added("async") == [pytest.approx(0.02)]


def test_rounds_are_not_mixed_and_their_median_decides():
    cells = [*runs(100, 102), *runs(200, 208), *runs(100, 105), *runs(100, 101, "serial")]
    [table] = tables(results(*cells))

    assert [list(row) for row in table.rows] == [
        ["async", "0", "4.0 (2.0–5.0)", "no"],
        ["serial", "0", "1.0", "yes"],
    ]


def test_a_page_that_took_nothing_is_refused():
    results(*runs(100, 102)).refuse()
    with pytest.raises(BenchError, match="not kept: a page in async took no instructions"):
        results(*runs(0, 102)).refuse()


def test_results_are_read_as_they_were_kept():
    found = results(*runs(100, 102))

    assert msgspec.json.decode(msgspec.json.encode(found), type=InstructionResults) == found

"""How many cores the pages in flight want, by Little's law, and what hybrid gains by it."""

import msgspec
import pytest

from bench.grid.plan import Point
from bench.grid.wanted import cores_wanted, leads
from tests.bench.grids import a_grid

WIDE = {"async": 100.0, "threads": 120.0, "hybrid": 180.0}


def costing_a_millisecond(speeds):
    grid = a_grid(speeds)
    cells = []
    for one in grid.cells:
        cost = msgspec.structs.replace(one.run.cost, own_user=0.001, own_system=0.0, workers=0.0)
        cells.append(msgspec.structs.replace(one, run=msgspec.structs.replace(one.run, cost=cost)))
    return msgspec.structs.replace(grid, cells=cells)


GRID = costing_a_millisecond(
    {
        ("lexbor", 0, 1): {"serial": 100.0, "hybrid": 150.0},
        ("lexbor", 9, 1): {"async": 100.0, "hybrid": 101.0},
        ("lexbor", 9, 40): WIDE,
    }
)


@pytest.mark.parametrize(("latency", "places", "cores"), [(0, 1, 1.0), (9, 1, 0.1), (9, 40, 4.0)])
def test_pages_in_flight_want_the_cores_that_would_compute_them_as_they_come(
    latency, places, cores
):
    assert cores_wanted(GRID, Point("lexbor", latency, places)) == pytest.approx(cores)


def test_the_lead_of_hybrid_is_told_apart_by_whether_a_core_is_wanted():
    found = leads(GRID)

    assert found is not None
    below, above = found
    assert (below.points, below.ahead) == (1, 0)
    assert below.lead.median == pytest.approx(1.01)
    assert (above.points, above.ahead) == (2, 2)
    assert above.lead.least == pytest.approx(1.5)


def test_nothing_is_told_where_one_side_was_not_measured():
    assert leads(a_grid({("lexbor", 9, 40): WIDE})) is None
    assert leads(costing_a_millisecond({("lexbor", 0, 1): {"serial": 1.0, "hybrid": 2.0}})) is None

"""How the grids of two machines differ: the thresholds, and who is fastest at each point."""

from bench.grid.edges import edges
from bench.grid.results import GridResults
from bench.grid.tables import verdicts, word
from bench.layout import Table

__all__ = ["comparison"]

MISSING = "not measured"


def comparison(ours: GridResults, theirs: GridResults) -> list[Table]:
    """Return a table of all edges and one of the points whose fastest modes have none in common."""
    first, second = ({one.name: one.threshold for one in edges(each)} for each in (ours, theirs))
    here, there = verdicts(ours), verdicts(theirs)
    both = sorted(set(here) & set(there))
    apart = [point for point in both if not set(here[point].tied) & set(there[point].tied)]
    machines = [f"Ours: {ours.machine.sentence()}.", f"Theirs: {theirs.machine.sentence()}."]
    return [
        Table(
            title="Thresholds",
            columns=("edge", "ours", "theirs"),
            rows=[
                [name, first.get(name, MISSING), second.get(name, MISSING)]
                for name in dict.fromkeys([*first, *second])
            ],
            left=frozenset({"edge", "ours", "theirs"}),
        ),
        Table(
            title="Fastest mode where the machines disagree",
            columns=("point", "ours", "theirs"),
            rows=[[point.name, word(here[point]), word(there[point])] for point in apart],
            left=frozenset({"point", "ours", "theirs"}),
            notes=[
                f"{len(both)} points were compared on both machines, at {len(apart)} no mode is "
                "among the fastest on both.",
                *machines,
            ],
        ),
    ]

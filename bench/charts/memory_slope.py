"""F5: what memory a crawl takes in each mode over its requests in flight, and each more of them."""

from matplotlib.figure import Figure

from bench.charts.exhibited import band, found_in
from bench.charts.style import MODE_COLOURS, figure, number
from bench.exhibition import ExhibitResults
from bench.exhibits.e14_footprint import IN_FLIGHT, curve_name, slope_name

__all__ = ["draw"]

MARKS = {"threads": "o", "async": "s", "processes": "^", "hybrid": "D"}
PLACES = (1, 10, 100, 1000)
MEGABYTES = (20, 50, 100, 200, 500, 1000)


def draw(results: ExhibitResults) -> Figure:
    """Return the chart: megabytes (PSS) over requests in flight, both axes logarithmic."""
    found = found_in(results, "footprint")
    drawn = figure(4.3)
    axes = drawn.subplots()
    highest = 0.0
    for mode in IN_FLIGHT:
        if curve := found.curve(curve_name(mode)):
            label = f"{mode}: {_each(found[slope_name(mode)].median)} each"
            look = {"marker": MARKS[mode], "markersize": 5, "label": label}
            band(axes, curve, MODE_COLOURS[mode], **look)
            highest = max(highest, *(max(one.values) for one in curve))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(PLACES, map(number, PLACES))
    axes.set_yticks(MEGABYTES, map(number, MEGABYTES))
    axes.set_yticks([], minor=True)
    axes.set_ylim(MEGABYTES[0], 1.3 * highest)
    axes.set_xlabel("requests in flight")
    axes.set_ylabel("memory, workers included (MB)")
    drawn.legend(loc="outside lower center", ncols=len(IN_FLIGHT))
    drawn.suptitle(
        "A crawl whose requests all wait for an answer (PSS). Lines: medians; bands: all rounds.\n"
        "Below: what each further request in flight takes, by the slope of its line.",
        fontsize=9,
    )
    return drawn


def _each(kilobytes: float) -> str:
    return f"{kilobytes / 1000:.3g} MB" if kilobytes >= 1000 else f"{kilobytes:.3g} kB"

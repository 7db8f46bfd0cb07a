import json

import msgspec

from bench.demo import shortened, table
from bench.layout import Table, aligned, markdown
from bench.modes import STAGES
from bench.table import printed, tables
from crawler import MODES
from tests.bench.examples import a_run, results


def test_markdown_of_a_small_table():
    small = Table("Title", ("mode", "pages/s"), [("serial", "7")], notes=["A note.", "Another."])

    assert (
        "### Title\n\n| mode | pages/s |\n| :-- | --: |\n| serial | 7 |\n\nA note.\nAnother.\n"
    ) == markdown(small)


def test_plain_text_is_aligned_and_its_last_column_folded():
    rows = [("serial", "7", "waiting for what is slow"), ("threads", "123", "the CPU")]
    small = Table("Title", ("mode", "pages/s", "held by"), rows, frozenset({"mode", "held by"}))

    assert [
        "Title",
        "",
        "mode     pages/s  held by",
        "serial         7  waiting for what",
        "                  is slow",
        "threads      123  the CPU",
    ] == aligned(small, width=34).splitlines()


def test_little_prints_the_bound_and_the_share_of_it():
    """16 in flight at 100 ms and 1 ms of CPU allow 158 pages a second."""
    runs = [a_run(pages_per_s=speed) for speed in (150.0, 140.0, 155.0)]

    [row] = tables(results(cells=runs))[0].rows

    assert [
        "threads", "16", "16", "150 (140–155)", "95 (88–98) %", "158", "in flight",
        "1.00", "1.00", "0.10",
    ] == list(row)  # fmt: skip


def test_little_says_when_the_loop_costs_more_with_more_in_flight():
    few = a_run(mode="async")
    cell = msgspec.structs.replace(few.cell, concurrency=200)
    cost = msgspec.structs.replace(few.cost, own_user=0.01)
    many = msgspec.structs.replace(few, cell=cell, cost=cost)

    assert "10.2 ms at 200: httpx's own pool" in printed_text(results(cells=[few, many]))
    assert "httpx's own pool" not in printed_text(results(cells=[few]))


def test_modes_begins_with_the_ratio_to_serial_in_the_same_round():
    runs = [
        a_run(mode=mode, work="0ms", pages_per_s=speed * factor)
        for factor in (1.0, 2.0)
        for mode, speed in zip(MODES, (100.0, 300.0, 200.0, 150.0, 400.0), strict=True)
    ]

    [found] = tables(results("modes", runs))

    assert ["1.00", "3.00", "2.00", "1.50", "4.00"] == [row[1] for row in found.rows]
    assert ("mode", "× serial", "pages/s", "in flight", "CPU ms", *STAGES, "server") == tuple(
        found.columns
    )


def test_memory_prints_the_slope_and_the_peak():
    grown = [(count, 50_000_000 + 10 * count) for count in range(100, 2100, 100)]
    cell = a_run().cell
    runs = [
        a_run(cell=msgspec.structs.replace(cell, mode=mode, pages=pages), memory=grown)
        for mode, pages in (("hybrid", 2000), ("threads", 1500))
    ]

    [found] = tables(results("memory", runs, {}))

    assert [
        ["threads", "150", "1500", "+10.0 ± 0.0", "50.0", "50.0", "50.0"],
        ["hybrid", "200", "2000", "+10.0 ± 0.0", "50.0", "50.0", "50.0"],
    ] == [list(row) for row in found.rows]


def test_the_demo_table_explains_what_held_each_mode():
    found = table([a_run(mode="serial"), a_run(mode="async", bound="the CPU: all cores")])

    assert ["serial", "150", "0.30", "16", "1.0", "places"] == list(found.rows[0])
    assert "the CPU: all cores." in found.notes
    assert max(map(len, aligned(found).splitlines())) <= 96


def test_a_record_is_shortened_but_stays_json():
    record = {"url": "u" * 99, "links": [f"link-{number}" for number in range(60)], "bytes": 1}

    shown = json.loads(shortened(json.dumps(record).encode()))

    assert ["link-0", "link-1", "... 58 more"] == shown["links"]
    assert (60, 1) == (len(shown["url"]), shown["bytes"])


def printed_text(kept):
    return printed(json.loads(msgspec.json.encode(kept)))

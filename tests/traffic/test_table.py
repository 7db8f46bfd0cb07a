import csv

import msgspec

from crawler.traffic.report import Slice
from crawler.traffic.table import csv_text
from tests.traffic.reports import report_of


def test_each_slice_is_a_row_and_a_time_that_none_has_is_empty():
    report = report_of([1.0] * 50 + [400.0, 1.0], slices=4)
    text = csv_text(report)
    assert text.endswith("\n")
    assert "\r" not in text
    header, *rows = csv.reader(text.splitlines())
    assert header == [
        "at_s", "length_s", "sent", "ok", "http_error", "network", "timeout", "in_flight",
        "p50_ms", "p99_ms", "max_ms", "lag_ms",
    ]  # fmt: skip
    assert len(rows) == len(report.series) == 4
    for row, piece in zip(rows, report.series, strict=True):
        values = msgspec.structs.astuple(piece)
        assert [float(cell) if cell else None for cell in row] == list(values)
    assert "" in rows[1]


def test_the_columns_are_all_that_a_slice_has():
    assert len(csv_text(report_of([])).splitlines()[0].split(",")) == len(Slice.__struct_fields__)

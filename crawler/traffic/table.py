"""The time line of a load test as a table that spreadsheets read."""

import csv
import io

from crawler.traffic.report import LoadReport, Slice

__all__ = ["csv_text"]


def csv_text(report: LoadReport) -> str:
    """Return a header line, which has the units, and a line for each slice; lines end in LF.

    What nothing came of, such as a percentile of no answers, is left empty.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = Slice.__struct_fields__
    rows.writerow("length_s" if name == "seconds" else name for name in names)
    rows.writerows([getattr(piece, name) for name in names] for piece in report.series)
    return text.getvalue()

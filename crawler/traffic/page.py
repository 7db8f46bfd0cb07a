"""Write what a load test found as one page of HTML that needs nothing else to be read."""

from importlib.util import find_spec

from crawler.traffic import page_tables as tables
from crawler.traffic.markup import count, digits, share, size, table, words
from crawler.traffic.page_options import option_rows
from crawler.traffic.page_style import STYLE
from crawler.traffic.plots import plots
from crawler.traffic.report import LoadReport

__all__ = ["available", "html"]


def available() -> bool:
    """Whether matplotlib is there, which the figures need."""
    return find_spec("matplotlib") is not None


def html(report: LoadReport) -> str:
    """Return the page, the same for the same report; it has no script and nothing to load.

    Needs matplotlib, which the extra ``report`` brings.  What may be a credential, values of
    headers and the body, is not in it.
    """
    parts = (
        f"<h1>{words(report.loop_model)} <small>{words(report.target)}</small></h1>",
        _verdict(report),
        tables.found(report),
        _keys(report),
        tables.expectations(report),
        tables.percentiles(report),
        _figures(report),
        tables.outcomes(report),
        tables.failures(report),
        tables.targets(report),
        tables.processes(report),
        _options(report),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{words(report.loop_model)}: {words(report.target)}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + f"\n<footer>crawl {words(report.version)}, started {words(report.started_at)}, "
        f"measured for {digits(report.window_s)} s</footer>\n</body>\n</html>\n"
    )


def _verdict(report: LoadReport) -> str:
    verdict = report.verdict
    mark, kind = ("✓", "verdict") if verdict.is_trusted else ("!", "verdict doubt")
    stopped = f"<p>Stopped before its end: {words(report.stopped)}.</p>" if report.stopped else ""
    return (
        f'<section class="{kind}"><p><b>{mark} {words(verdict.word)}</b> '
        f"{words(verdict.sentence)}</p>{stopped}</section>"
    )


def _keys(report: LoadReport) -> str:
    """Return the figures that people ask for first."""
    response, rate = report.response, report.options.rate
    asked = "" if rate is None else f" <small>of {digits(rate)}</small>"
    keys = [("answers/s", digits(report.requests_per_s) + asked)]
    keys += [
        (name, "–" if ms is None else f"{digits(ms)} <small>ms</small>")
        for name, ms in (
            ("p50", response.ms(0.5)),
            ("p99", response.ms(0.99)),
            ("slowest", response.max_ms if response.count else None),
        )
    ]
    failed = f" <small>{share(report.failures, report.sent)}</small>" if report.failures else ""
    keys += [
        ("sent", count(report.sent)),
        ("failed", count(report.failures) + failed),
        ("in flight, mean", digits(report.in_flight_mean)),
        ("received", f"{size(report.bytes_per_s)}<small>/s</small>"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in keys)
    return f'<dl class="keys">{cells}</dl>'


def _figures(report: LoadReport) -> str:
    drawn = "\n".join(
        f'<figure id="{plot.name}"><h2>{plot.title}</h2>\n{plot.svg}'
        f"<figcaption>{plot.caption}</figcaption></figure>"
        for plot in plots(report)
    )
    return f'<section class="plots">{drawn}</section>' if drawn else ""


def _options(report: LoadReport) -> str:
    rows = [(words(name), words(value)) for name, value in option_rows(report.options)]
    return f"<h2>Options</h2>{table(('', ''), rows, 'options')}"

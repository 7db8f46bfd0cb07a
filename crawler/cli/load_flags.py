"""The options of `crawl load`, as one table that makes its signature."""

import inspect
from enum import StrEnum
from typing import Annotated

import typer

from crawler.cli.flags import option
from crawler.cli.rates import parse_rate, parse_share, parse_stage
from crawler.cli.units import duration, header
from crawler.traffic.job import ARRIVALS, ENGINES

__all__ = ["load_signature"]

Arrivals = StrEnum("Arrivals", list(ARRIVALS))  # type: ignore[misc]
Engine = StrEnum("Engine", list(ENGINES))  # type: ignore[misc]


def load_signature() -> inspect.Signature:
    """Return the signature that typer reads; most of its names are those of ``LoadOptions``."""
    return inspect.Signature([_targets(), *_how_much(), *_what(), *_how(), *_verdict(), *_where()])


def _targets() -> inspect.Parameter:
    text = (
        "URLs, or files of them (- is standard input), a line each: [METHOD] URL [weight=3] "
        "[body=TEXT or body=@FILE]."
    )
    kind = Annotated[list[str], typer.Argument(metavar="TARGETS", help=text, show_default=False)]
    return inspect.Parameter("targets", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)


def _how_much() -> list[inspect.Parameter]:
    return [
        option("connections", int, 50, "--connections", "-c",
               help="Connections, and so requests in flight at most."),
        option("duration", float | None, None, "--duration", "-z", metavar="TIME", parser=duration,
               help="How long requests leave; answers are awaited after it.  [default: 10s, "
               "unless -n or --stage say when it ends]"),
        option("requests", int | None, None, "--requests", "-n",
               help="How many requests leave."),
        option("rate", float | None, None, "--rate", "-q", metavar="RATE", parser=parse_rate,
               help="Open loop: so many requests are due each second, over all connections and "
               "processes, whether answers come or not.  [default: closed loop: each connection "
               "asks again when it was answered]"),
        option("arrivals", Arrivals, "constant", "--arrivals",
               help="When requests of an open loop are due: evenly, or at random as people come."),
        option("stages", list[str] | None, None, "--stage", metavar="TIME:RATE[..RATE]",
               parser=parse_stage,
               help="Open loop in stages, such as 10s:100, or 30s:100..500 for a ramp; may be "
               "repeated."),
        option("find_max", str | None, None, "--find-max", metavar="TEXT",
               help="Search for the highest rate that meets TEXT, such as 'p99<50ms,errors<1%'."),
        option("warmup", float, "0", "--warmup", metavar="TIME", parser=duration,
               help="Load before the measured time; it is in no figure."),
    ]  # fmt: skip


def _what() -> list[inspect.Parameter]:
    return [
        option("method", str | None, None, "--method", "-m", metavar="METHOD",
               help="[default: GET, and POST with a body]"),
        option("headers", list[str] | None, None, "--header", "-H", metavar="'NAME: VALUE'",
               parser=header, help="Send this header; may be repeated."),
        option("data", str | None, None, "--data", "-d", metavar="TEXT", help="Send this body."),
        option("data_file", str | None, None, "--data-file", "-D", metavar="FILE",
               help="Send what is in this file as the body; - is standard input."),
    ]  # fmt: skip


def _how() -> list[inspect.Parameter]:
    return [
        option("timeout", float, "10s", "--timeout", "-t", metavar="TIME", parser=duration,
               help="For one request, a new connection included."),
        option("disable_keepalive", bool, False, "--disable-keepalive",
               help="Use a new connection for each request."),
        option("new_connections", float, "0%", "--new-connections", metavar="SHARE",
               parser=parse_share, help="Use a new connection for this share of the requests."),
        option("insecure", bool, False, "--insecure", help="Take any certificate."),
        option("workers", int, 1, "--workers", "-w",
               help="Processes that share connections and rate."),
        option("engine", Engine, "wire", "--engine",
               help="What asks: the load engine, or a mode of the crawl, for study."),
        option("seed", int, 1, "--seed",
               help="Of what is random: when requests are due, and at whom."),
        option("allow_targets", list[str] | None, None, "--allow-target", metavar="HOST",
               help="Ask this public host; it must be yours.  May be repeated."),
    ]  # fmt: skip


def _verdict() -> list[inspect.Parameter]:
    return [
        option("expect", list[str] | None, None, "--expect", metavar="TEXT",
               help="Exit with 5 unless this is met, such as 'p99<200ms' or 'errors<0.1%'; may "
               "be repeated."),
        option("strict", bool, False, "--strict",
               help="Exit with 7 unless the verdict says that the figures are the server's."),
    ]  # fmt: skip


def _where() -> list[inspect.Parameter]:
    return [
        option("output", str | None, None, "--output", "-o", metavar="FILE",
               help="Write the report as JSON, for `crawl compare` and others; - is standard "
               "output, and the summary then goes to standard error."),
        option("csv", str | None, None, "--csv", metavar="FILE",
               help="Write the time line, a row for each slice."),
        option("hdr", str | None, None, "--hdr", metavar="FILE",
               help="Write all times as a log of HdrHistogram."),
        option("report", str | None, None, "--report", metavar="FILE",
               help="Write a page of HTML with plots."),
        option("quiet", bool, False, "--quiet", help="Say nothing but errors."),
        option("live", bool, True, "--live/--no-live",
               help="Show how it stands, on a terminal."),
    ]  # fmt: skip

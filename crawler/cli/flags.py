"""The options of `crawl run`, as one table that makes its signature."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from crawler.cli.units import duration, header, size
from crawler.core.job import LOOPS, MODES, POOLS, TRANSPORTS

__all__ = ["option", "run_signature"]

_T = TypeVar("_T")

Mode = StrEnum("Mode", list(MODES))  # type: ignore[misc]
PoolKind = StrEnum("PoolKind", list(POOLS))  # type: ignore[misc]
Loop = StrEnum("Loop", list(LOOPS))  # type: ignore[misc]
Transport = StrEnum("Transport", list(TRANSPORTS))  # type: ignore[misc]


def run_signature() -> inspect.Signature:
    """Return the signature that typer reads; its names are those of ``Options``."""
    return inspect.Signature([_sources(), *_how(), *_limits(), *_where()])


def _sources() -> inspect.Parameter:
    text = "A file of URLs (plain or .gz), a URL, or - for standard input."
    kind = Annotated[list[str], typer.Argument(metavar="SOURCES...", help=text, show_default=False)]
    return inspect.Parameter("sources", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)


def _how() -> list[inspect.Parameter]:
    return [
        option("mode", Mode, "hybrid", "--mode", help="How pages are worked on."),
        option("concurrency", int | None, None, "--concurrency", "-c",
                help="Pages in flight; serial has 1, processes as many as workers.  [default: 64]"),
        option("workers", int | None, None, "--workers", "-w",
                help="Worker processes.  [default: the cores this process may use]"),
        option("pool", PoolKind, "processes", "--pool", help="What hybrid analyses on."),
        option("loop", Loop, "uvloop", "--loop", help="Event loop of async and hybrid."),
        option("transport", Transport | None, None, "--transport",
                help="The way to the network.  [default: wire; httpcore with --proxy or --http2]"),
        option("proxy", str | None, None, "--proxy", metavar="URL",
                help="Ask this proxy for everything: http, https, socks5 or socks5h; no variable "
                "of the environment names one."),
        option("http2", bool, False, "--http2",
                help="Use HTTP/2 where a server offers it over TLS."),
        option("user_agent", str | None, None, "--user-agent", "-A", metavar="TEXT",
                help="What to call ourselves.  [default: crawl/VERSION]"),
        option("headers", list[str] | None, None, "--header", "-H", metavar="'NAME: VALUE'",
                help="Send this header; may be repeated.", parser=header),
        option("allow_private", bool, False, "--allow-private",
                help="Let redirects and links of public pages lead to private addresses."),
        option("simhash", bool, False, "--simhash",
                help="Add a 64-bit SimHash of the text to each record; costs CPU."),
    ]  # fmt: skip


def _limits() -> list[inspect.Parameter]:
    return [
        option("timeout", float, "30s", "--timeout", metavar="TIME", parser=duration,
                help="For one attempt, redirects included."),
        option("connect_timeout", float, "5s", "--connect-timeout", metavar="TIME",
                parser=duration, help="For one connection, name look-up and TLS included."),
        option("read_timeout", float, "10s", "--read-timeout", metavar="TIME", parser=duration,
                help="For the next bytes to come."),
        option("analyse_timeout", float, "30s", "--analyse-timeout", metavar="TIME",
                parser=duration, help="For a batch of pages to be analysed; then its workers "
                "are killed and its pages tried one by one."),
        option("retries", int, 2, "--retries",
                help="After timeout, refused, reset, dns and 429, 502, 503, 504."),
        option("max_redirects", int, 10, "--max-redirects", help="Followed in one attempt."),
        option("max_bytes", int, "10MB", "--max-bytes", metavar="SIZE", parser=size,
                help="Of a body as sent, and again decoded."),
        option("max_ratio", float, 200.0, "--max-ratio",
                help="Of a decoded body to the sent one."),
        option("max_links", int, 10_000, "--max-links", help="Kept in a record."),
    ]  # fmt: skip


def _where() -> list[inspect.Parameter]:
    return [
        option("output", str | None, None, "--output", "-o", metavar="FILE",
                help="Write JSON records here, one a line; - is standard output.  "
                "[default: standard output; on a terminal a short line for each page]"),
        option("failed", str | None, None, "--failed", metavar="FILE",
                help="Write failed URLs here, with the reason, fit to be crawled again."),
        option("trace", str | None, None, "--trace", metavar="FILE",
                help="Write a timeline here: what each thread, task and process did when; "
                "Perfetto (ui.perfetto.dev) opens it."),
        option("quiet", bool, False, "--quiet", help="Say nothing but errors."),
        option("verbose", bool, False, "--verbose", "-v",
                help="Say what was chosen, and each failure as it comes."),
        option("progress", bool, True, "--progress/--no-progress",
                help="Show progress on a terminal."),
    ]  # fmt: skip


def option(name: str, kind: Any, default: object, *flags: str, **more: Any) -> inspect.Parameter:
    """Return the parameter that typer makes an option of; a *parser* may raise ValueError."""
    if parser := more.get("parser"):
        more["parser"] = _named_error(parser)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flags, **more)],
    )


def _named_error(parser: Callable[[str], _T]) -> Callable[[str], _T]:
    """Return *parser* with errors that typer shows with the option's name."""

    def parse(text: str) -> _T:
        try:
            return parser(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse

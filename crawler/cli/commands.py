"""The commands, such as `run` and `load`; a first word that is none of them means `run`."""

import json
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crawler.cli.exits import EXIT_CODES
from crawler.cli.flags import run_signature
from crawler.cli.load_flags import load_signature
from crawler.cli.serving import serve
from crawler.cli.streams import own_output, say
from crawler.core.record import schema
from crawler.core.version import VERSION

__all__ = ["app"]

HELP = """Crawl URLs in one of five ways and write one JSON record for each.

SOURCES are files of URLs, URLs, or - for standard input.  Public hosts get at most 4 requests
at once and one every 250 ms; hosts on this machine and in private networks have no limits.
robots.txt is not read yet: ask only for pages you may fetch.
"""
CODES = "Exit codes: " + ", ".join(f"{code} {text}" for code, text in EXIT_CODES.items()) + "."

_OWN = frozenset({"--help", "--version", "--install-completion", "--show-completion"})


class _RunByDefault(TyperGroup):
    """A group that looks at the first word only: what is no command of its own is run's."""

    def main(self, *words: Any, **more: Any) -> Any:
        try:
            return super().main(*words, **more)
        except typer.TyperException as error:
            say("crawl: " + error.format_message().replace("Value error, ", ""))
            return error.exit_code

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0].partition("=")[0] not in _OWN:
            args = ["run", *args]
        with own_output():
            if not args and not ctx.resilient_parsing:
                typer.echo(ctx.get_help())
                raise typer.Exit(2)
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with own_output():
            return super().invoke(ctx)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        with self._run(ctx) as run:
            return [
                *super().shell_complete(ctx, incomplete),
                *run.command.shell_complete(run, incomplete),
            ]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(
            ctx.command_path, "[OPTIONS] SOURCES...\n" + " " * 7 + "crawl COMMAND ..."
        )

    def format_options(self, ctx: Any, formatter: Any) -> None:
        with self._run(ctx) as run:
            run.command.format_options(run, formatter)
        super().format_options(ctx, formatter)

    def _run(self, ctx: Any) -> Any:
        run = self.commands["run"]
        return run.make_context("run", [], parent=ctx, resilient_parsing=True)


app = typer.Typer(
    cls=_RunByDefault,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=HELP,
    epilog=CODES,
    context_settings={"max_content_width": 100},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"crawl {VERSION}")
        raise typer.Exit


@app.callback()
def group(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_version,
        is_eager=True,
        help="Print the version.",
    ),
) -> None:
    """Hold the options that are no command's."""


def _run(**words: Any) -> None:
    """Crawl URLs and write one JSON record for each (the default command)."""
    from crawler.cli.running import run_crawl  # here, so that help does not wait for the crawler

    raise typer.Exit(run_crawl(words))


_run.__signature__ = run_signature()  # type: ignore[attr-defined]
app.command("run")(_run)


def _load(**words: Any) -> None:
    """Load-test an endpoint on this machine or in a private network, and say what held it.

    Redirects are not followed; a status of 400 and above is an error.  The summary goes to
    standard output.
    """
    from crawler.cli.loading import run_load

    raise typer.Exit(run_load(words))


_load.__signature__ = load_signature()  # type: ignore[attr-defined]
app.command("load", epilog=CODES)(_load)


@app.command("compare")
def _compare(
    reports: Annotated[
        list[str],
        typer.Argument(
            metavar="REPORTS",
            help="Two files of `crawl load -o`, the old one first; or several old ones and as "
            "many new ones behind them, so that what differs from run to run is counted too.",
            show_default=False,
        ),
    ],
    fail_if_worse: bool = typer.Option(
        False, "--fail-if-worse", help="Exit with 5 if any figure is worse."
    ),
) -> None:
    """Say whether one load test found better, worse or the same as another."""
    from crawler.cli.comparing import run_compare

    raise typer.Exit(run_compare(reports, fail_if_worse=fail_if_worse))


@app.command("selftest")
def _selftest() -> None:
    """Prove the figures of `crawl load` on this machine, in about a minute."""
    from crawler.cli.selftesting import run_selftest

    raise typer.Exit(run_selftest())


@app.command(
    "serve",
    context_settings={
        "ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": [],
    },
)  # fmt: skip
def _serve(ctx: typer.Context) -> None:
    """Serve a generated web site with tunable latency, to try things on."""
    raise typer.Exit(serve(list(ctx.args)))


@app.command("schema")
def _schema() -> None:
    """Print the JSON Schema of a record."""
    typer.echo(json.dumps(schema(), indent=2))

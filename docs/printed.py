"""Print the parts of the documents that the code knows best: map, commands, settings, results."""

import ast
import difflib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import lessons
from bench.table import printed

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("crawler", "fixtures", "bench")
WIDTH = 100


def tree() -> None:
    """Print every module with the first line of its docstring."""
    rows = [row for package in PACKAGES for row in _rows(ROOT / package, depth=0)]
    column = max(len(name) for name, _ in rows) + 2
    _fence("\n".join(f"{name:<{column}}{sentence}".rstrip() for name, sentence in rows))


def command_line(*command: str) -> None:
    """Print what `crawl --help` says, or that of a *command*, in one width and without colour."""
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
        os.environ.pop(name, None)
    os.environ["TERMINAL_WIDTH"] = str(WIDTH)  # typer reads it when it is imported

    from typer.testing import CliRunner

    from crawler.cli import app

    answer = CliRunner().invoke(
        app,
        [*command, "--help"],
        prog_name="crawl",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    if answer.exit_code:
        raise SystemExit(f"crawl --help ended with {answer.exit_code}: {answer.output}")
    _fence("\n".join(line.rstrip() for line in answer.output.strip("\n").splitlines()))


def settings(whose: str) -> None:
    """Print the settings of the test server: those of the `site`, or of an `answer`."""
    from fixtures.manual import metavar
    from fixtures.settings.scenario import SITE_SETTINGS
    from fixtures.settings.table import ANSWER_SETTINGS

    rows = []
    for setting in SITE_SETTINGS if whose == "site" else ANSWER_SETTINGS:
        option = f"--{setting.name.replace('_', '-')}"
        is_flag = setting.name in ("traps", "chunked")
        option = option if is_flag else f"{option} {metavar(setting)}"
        query = (f"`?{setting.example}`",) if whose == "answer" else ()
        rows.append((f"`{option}`", *query, setting.help))
    heads = ("option", "in a query", "") if whose == "answer" else ("option", "")
    _grid(heads, rows)


def manual(table: str) -> None:
    """Print one of the tables of the test server's help; *table* is what each row is."""
    from fixtures import manual
    from fixtures.messages.faults import FAULTS

    tables = {
        "address": manual.ADDRESSES,
        "distribution": manual.DISTRIBUTIONS,
        "fault": FAULTS,
        "listener": manual.LISTENERS,
        "scenario": manual.scenarios(),
    }
    _grid((table, ""), [(f"`{name}`", meaning) for name, meaning in tables[table].items()])


def results(*names: str) -> None:
    """Print the tables of the kept results of these experiments."""
    for name in names:
        path = ROOT / "bench" / "results" / f"{name}.json"
        if path.exists():
            print(_table(json.loads(path.read_text(encoding="utf-8"))))
        else:
            print(f"Not measured yet: `python -m bench {name}` does.\n")


def lesson(name: str) -> None:
    """Print the first sentences of a lesson's two programs, what differs, and what it costs."""
    broken, repaired = (lessons.program(name, twin) for twin in ("broken", "repaired"))
    for path in (broken, repaired):
        print(f"[{path.stem.title()}]({name}/{path.name}): {_sentence(path)}")
    changes = difflib.unified_diff(_code(broken), _code(repaired), n=4, lineterm="")
    shown = [line for line in changes if not line.startswith(("---", "+++"))]
    shown = ["" if line.startswith("@@") else line.rstrip() for line in shown]
    print()
    _fence("\n".join(shown).strip("\n"), "diff")
    kept = ROOT / "bench" / "results" / "lessons.json"
    if kept.exists():
        print(f"{lessons.penalty(name, kept)}\n")


def _code(path: Path) -> list[str]:
    """Return the lines of a program from its first constant or definition on."""
    lines = path.read_text(encoding="utf-8").splitlines()
    body = ast.parse("\n".join(lines)).body[1:]
    first = next(one for one in body if not isinstance(one, ast.Import | ast.ImportFrom))
    return lines[first.lineno - 1 :]


def _table(result: dict[str, object]) -> str:
    """Turn one kept result into Markdown."""
    return printed(result)


def _rows(folder: Path, *, depth: int) -> Iterator[tuple[str, str]]:
    """Walk a package: its own line, its modules, then its folders."""
    if (folder / "__init__.py").exists():
        yield "  " * depth + folder.name + "/", _sentence(folder / "__init__.py")
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield "  " * (depth + 1) + path.name, _sentence(path)
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield from _rows(inner, depth=depth + 1)


def _sentence(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or "").partition("\n")[0]


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for row in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(row)} |")
    print()


def _fence(text: str, language: str = "text") -> None:
    print(f"```{language}\n{text}\n```\n")

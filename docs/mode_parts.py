"""The parts of the guide that the code itself makes: excerpts of the modes, drawings, links."""

import ast
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import dedent

from msgspec.json import decode

from bench.exhibition import ExhibitResults
from bench.exhibits.shelf import entries
from bench.lessons import LESSONS
from bench.results import FOLDER, load
from bench.spread import spread
from crawler import MODES
from docs.drawings import MEANINGS

__all__ = ["belongs", "drawing", "excerpt", "questions", "waiting", "way"]

DOCS = Path(__file__).resolve().parent
CODE = DOCS.parent / "crawler" / "modes"
#: A mode is in the file of its name, but for the one whose name is a keyword.
FILES = {mode: CODE / f"{'aio' if mode == 'async' else mode}.py" for mode in MODES}
#: The drawing at the head of each mode.
_DRAWN = re.compile(r"^ {4}intake ->.*(?:\n {4}.+)*", re.MULTILINE)
#: What each mode says of itself, and then goes on in lines that are set in.
_ANSWER = re.compile(r"^([A-Z]\w+) {2,}(.+(?:\n {6,}.+)*)", re.MULTILINE)


def drawing(name: str) -> str:
    """Return a drawing with what it shows in words."""
    return f"![{MEANINGS[name]}](drawings/{name}.svg)\n"


def questions(*asked: str) -> str:
    """Return a table of what each mode answers to these questions at the head of its file."""
    rows = [["mode", *asked], ["---"] * (len(asked) + 1)]
    for mode, path in FILES.items():
        answers = {key: " ".join(text.split()) for key, text in _ANSWER.findall(_header(path))}
        link = f"[`{mode}`](../crawler/modes/{path.name})"
        rows.append([link, *(answers[question] for question in asked)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def way(mode: str) -> str:
    """Return the way of a page through a mode, as it is drawn at the head of its file."""
    return f"```text\n{dedent(_DRAWN.findall(_header(FILES[mode]))[0])}\n```\n"


def excerpt(mode: str, *names: str) -> str:
    """Return functions of a mode as they stand in its file, methods below the head of their class.

    A method is named `Class.method`.  Raises KeyError for what is not there.
    """
    text = FILES[mode].read_text(encoding="utf-8")
    lines, found = text.splitlines(), dict(_functions(ast.parse(text)))
    parts = []
    for owner, members in groupby(names, lambda name: name.rpartition(".")[0]):
        code = ["\n".join(lines[found[one].lineno - 1 : found[one].end_lineno]) for one in members]
        parts.append(f"class {owner}:\n" + "\n\n".join(code) if owner else "\n\n\n".join(code))
    shown = "\n\n\n".join(parts)
    return f"```python\n{shown}\n```\n"


def belongs(rows: tuple[int, ...], lessons: tuple[str, ...] = (), results: Path = FOLDER) -> str:
    """Return links to exhibits, by their rows, with their verdicts, and to lessons, by name."""
    path = results / "exhibits.json"
    kept = decode(path.read_bytes(), type=ExhibitResults).cells if path.exists() else []
    verdicts = {one.name: f"**{one.verdict}**." for one in kept}
    shown = [
        f"- [Exhibit {one.row}](../bench/exhibits/{one.module.rpartition('.')[2]}.py): "
        f'"{one.claim}" {verdicts.get(one.name, "Not measured yet.")}'
        for one in entries()
        if one.row in rows
    ]
    return "\n".join([*shown, *map(_lesson, lessons), ""])


def waiting(*works: str, results: Path = FOLDER) -> str:
    """Return how much of the kept runs of serial on these works the program computed."""
    path = results / "modes.json"
    if not path.exists():
        return "Not measured yet: `python -m bench modes` does.\n"
    kept, lines = load(path), []
    for work in works:
        runs = [run for run in kept.cells if (run.cell.mode, run.cell.work) == ("serial", work)]
        share = spread(run.pages_per_s * run.cost.client for run in runs)
        cost = spread(run.cost.client for run in runs)
        lines.append(
            f"- {work.removesuffix('ms')} ms to the answer: `serial` computes "
            f"{share.text(scale=100)} % of the time, {cost.text(1, scale=1000)} ms a page, and "
            "waits the rest."
        )
    return "\n".join(["Measured:", "", *lines, "", kept.how[0], kept.machine.sentence(), ""])


def _header(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield all functions, and the methods of all classes, with their names."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for one in inner:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                yield owner + one.name, one


def _lesson(name: str) -> str:
    """Return a link to a lesson's place on its page; raises ValueError if it has none."""
    number = LESSONS.index(name) + 1
    page = (DOCS / "lessons" / "README.md").read_text(encoding="utf-8")
    [title] = re.findall(rf"^## ({number}\. .+)$", page, re.MULTILINE)
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    return f"- [Lesson {number}](lessons/README.md#{anchor}): {title.partition('. ')[2]}."

"""The shape holds: sizes, names, first sentences, silent imports, the front door, no leftovers."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    path for package in ("crawler", "fixtures", "bench") for path in (ROOT / package).rglob("*.py")
)
MODES = [path for path in MODULES if path.parent.name == "modes" and path.name != "__init__.py"]
VAGUE = {"utils", "helpers", "common", "misc", "base", "manager", "handler", "data", "info"}

#: Imports one module after the other and looks around after each.
#: One interpreter for all: what a module imports is blamed on the first module that asks for it.
WATCHER = """
import importlib, json, os, signal, sys, tempfile, threading

LOUD = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.__new__", "os.fork",
        "os.posix_spawn", "os.system", "subprocess.Popen", "_thread.start_new_thread"}
heard, report = [], os.fdopen(os.dup(1), "w")
with tempfile.TemporaryFile() as out:
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    sys.addaudithook(lambda event, _: heard.append(event) if event in LOUD else None)
    before = {s: signal.getsignal(s) for s in signal.valid_signals()}
    complaints = []
    for name in sys.argv[1:]:
        try:
            importlib.import_module(name)
        except BaseException as error:
            complaints.append(f"{name} raised {error!r}")
        sys.stdout.flush(), sys.stderr.flush()
        after = {s: signal.getsignal(s) for s in signal.valid_signals()}
        if out.seek(0, 2):
            out.seek(0)
            complaints.append(f"{name} printed {out.read()!r}")
            out.truncate(0)
        if threading.active_count() > 1:
            complaints.append(f"{name} left {threading.enumerate()!r}")
        if after != before:
            complaints.append(f"{name} took signals")
        complaints += [f"{name} did {event}" for event in heard]
        heard.clear()
        before = after
json.dump(complaints, report)
"""

#: Words that only make sense on the machine where a file was written, or that name a package index.
LEFTOVERS = re.compile(
    r"p[y]pi\.(org|python)|pythonhosted[.]org|(extra-)?index-url[ =]"
    r"|(?<!\w)\.librar[y]\b|bash_job[s]|(?<![\w.:}>/-])/(root|work)/\w",
)


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def height(node):
    return (node.end_lineno or 0) - node.lineno + 1


def syntax(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def files_of_the_project():
    """Name what is tracked or could be; outside a clone, everything that is not hidden."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"/\.(venv(-peers)?|git|\w+_cache)/")
        found = [path for path in ROOT.rglob("*") if not hidden.search(str(path))]
    return [path for path in found if path.is_file()]


def test_there_is_something_to_check():
    assert {"crawler", "fixtures"} <= {dotted(path) for path in MODULES}
    assert {"serial", "threads", "aio", "processes", "hybrid"} == {path.stem for path in MODES}


def test_a_module_has_at_most_300_lines():
    assert {} == {dotted(p): lines(p) for p in MODULES if lines(p) > 300}


def test_a_mode_can_be_read_in_one_sitting():
    assert {} == {dotted(p): lines(p) for p in MODES if lines(p) > 150}


def test_a_function_has_at_most_50_lines():
    too_long = {
        f"{dotted(path)}.{node.name}": height(node)
        for path in MODULES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and height(node) > 50
    }

    assert {} == too_long


def test_a_module_begins_with_one_sentence():
    """It is printed in the map: on the first line, at most 100 characters, ended by a full stop."""
    wrong = {}
    for path in MODULES:
        docstring = ast.get_docstring(syntax(path), clean=False) or ""
        first, _, rest = docstring.partition("\n")
        one = re.fullmatch(r"\S.*[.]", first) and not re.search(r"[.!?] [A-Z]", first)
        if not one or len(first) > 100 or (rest.strip() and not rest.startswith("\n")):
            wrong[dotted(path)] = first

    assert {} == wrong


def test_no_name_fits_everything():
    names = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}

    assert set() == {name for name in names if VAGUE & set(name.lower().split("_"))}


def test_no_name_hides_a_standard_module():
    names = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}

    assert set() == {n for n in names if n in sys.stdlib_module_names and not n.startswith("__")}


def test_importing_is_silent():
    """No module starts a thread or a process, takes a signal, opens a socket, prints or warns.

    The rivals are scripts for `.venv-peers` and need packages that are not here.
    """
    names = [name for name in map(dotted, MODULES) if not name.startswith("bench.rivals.")]
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHER, *names],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (0, "") == (child.returncode, child.stderr)
    assert [] == json.loads(child.stdout)


def test_processes_are_made_in_one_place_and_never_by_fork():
    """Only crawler/system makes pools and processes, and no file asks for the start method fork."""
    makers, forks = set(), set()
    for path in (path for path in MODULES if dotted(path).startswith("crawler")):
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                if name in {"ProcessPoolExecutor", "Process", "Pool", "get_context"}:
                    makers.add(dotted(path))
                if name in {"fork", "forkpty"}:
                    forks.add(dotted(path))
            if isinstance(node, ast.Constant) and node.value == "fork":
                forks.add(dotted(path))

    assert set() == {name for name in makers if not name.startswith("crawler.system.")}
    assert set() == forks


@pytest.mark.parametrize("mode", MODES, ids=lambda path: path.stem)
def test_a_mode_answers_the_four_questions_and_draws_itself(mode):
    header = ast.get_docstring(syntax(mode)) or ""
    answered = re.findall(r"^ *(Unit|Owner|Limit|Stops) +\S", header, re.MULTILINE)
    drawing = [line for line in header.splitlines() if re.search("->|→|▶", line)]

    assert ["Unit", "Owner", "Limit", "Stops"] == answered
    assert drawing


def test_the_front_door_shows_exactly_what_it_lists():
    import crawler

    shown = {name for name in crawler.__all__ if not inspect.ismodule(getattr(crawler, name))}
    present = {
        name
        for name, value in vars(crawler).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert present - {"import_module", "TYPE_CHECKING"} == shown
    assert dir(crawler) == sorted(shown)
    assert len(crawler.__all__) == len(shown)


def test_no_file_names_a_package_index_or_a_path_of_one_machine():
    here = [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    found = []
    for path in files_of_the_project():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        places = [match.group() for match in LEFTOVERS.finditer(text)]
        places += [place for place in here if place in text]
        found += [(str(path.relative_to(ROOT)), place) for place in places]

    assert [] == found

"""The documents say what is so: examples compile, links lead somewhere, the version is told."""

import ast
import re
from pathlib import Path

import pytest

from crawler.core.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page):
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page):
    """Name the headings of a page the way a browser of repositories does."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_nowhere(page, link):
    if re.match(r"[a-z]+:", link):
        return False
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pages
def test_every_link_leads_somewhere(page):
    lost = [link for link in LINK.findall(prose(page)) if leads_nowhere(page, link)]

    assert [] == lost


@pages
def test_every_python_example_compiles_and_imports_what_exists(page):
    examples = FENCE.findall(page.read_text(encoding="utf-8"))
    for code in (code for language, code in examples if language == "python"):
        parsed = ast.parse(code)
        imports = [n for n in ast.walk(parsed) if isinstance(n, ast.Import | ast.ImportFrom)]
        for statement in imports:
            exec(compile(ast.unparse(statement), f"{page.name}: {code}", "exec"), {})


def test_the_change_log_begins_with_the_current_version():
    versions = re.findall(r"^## (\S+)", prose(ROOT / "CHANGELOG.md"), re.MULTILINE)

    assert VERSION == versions[0]


def test_every_decision_is_indexed_short_and_kept_by_something():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for record in sorted(folder.glob("[0-9]*.md")):
        text = record.read_text(encoding="utf-8")
        assert f"]({record.name})" in index
        assert len(text.splitlines()) <= 30, record.name
        for heading in ("Context", "Decision", "Consequences", "Kept by"):
            assert f"\n## {heading}\n" in text, record.name


def test_what_keeps_a_decision_exists():
    """A record names its keepers as `path`, `path::test` or a contract in double quotes."""
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for record in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        keepers = record.read_text(encoding="utf-8").partition("## Kept by")[2]
        files = re.findall(r"`((?:tests|bench)/[\w/.]+)(?:::(\w+))?`", keepers)
        named = re.findall(r'"([^"]+)"', keepers)
        assert files or named, record.name
        for path, test in files:
            assert (ROOT / path).exists(), (record.name, path)
            assert f"def {test}" in (ROOT / path).read_text(encoding="utf-8"), (record.name, path)
        for name in named:
            assert f'name = "{name}"' in contracts, (record.name, name)

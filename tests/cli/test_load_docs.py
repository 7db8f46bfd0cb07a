"""The guide to load tests is run: each command, here, against a server as it is told."""

import re
import shlex
from pathlib import Path

import pytest

from crawler.cli import app
from crawler.traffic.expectations import Expectation
from docs import figures, load_parts
from docs.printed import ROOT
from fixtures.running import serve
from tests.fixtures.test_docs_examples import SERVE, expect, options

PAGE = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ECHO = "; echo $?"


def sessions():
    """Return commands, each with what it is shown to say, by the server that they are meant for."""
    groups: list[list[tuple[str, str]]] = []
    files: list[tuple[str, str]] = []
    for console in CONSOLE.findall(PAGE):
        for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("cat > "):
                files.append((command.split()[2], output.partition("END\n")[0]))
            elif command.startswith(SERVE):
                groups.append([(command, output)])
            else:
                groups[-1].append((command, output))
    return groups, files


def said(command, capfd):
    """Run *command*, which is ours, in this process: no interpreter has to start for it."""
    words = shlex.split(command.removesuffix(ECHO))
    assert words[0] == "crawl"
    code = app(words[1:], standalone_mode=False, prog_name="crawl") or 0
    out, err = capfd.readouterr()
    assert code == 0 or command.endswith(ECHO), out + err
    shown = out or err
    return f"{shown}{code}\n" if command.endswith(ECHO) else shown


@pytest.mark.parametrize("session", sessions()[0], ids=lambda session: session[0][0][:60])
def test_commands_say_what_is_shown(session, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with serve(**options(session[0][0])) as site:
        for name, text in sessions()[1]:
            Path(name).write_text(text.replace("127.0.0.1:8000", f"127.0.0.1:{site.port}"))
        for command, shown in session[1:]:
            real = said(command.replace(":8000", f":{site.port}"), capfd)
            expect(shown, real.replace(f":{site.port}", ":8000"))


def test_commands_were_found():
    groups, files = sessions()
    assert [len(group) > 1 for group in groups] == [True] * len(groups) == [True, True]
    assert sum(map(len, groups)) >= 9
    assert files


@pytest.mark.slow
def test_the_figures_are_those_of_the_kept_reports():
    drawn = figures.drawn()
    kept = {name: (load_parts.FOLDER / name).read_text("utf-8") for name in drawn}
    assert sorted(drawn) == sorted(re.findall(r"\(figures/(\S+\.svg)\)", PAGE))
    assert [name for name, text in drawn.items() if text != kept[name]] == []  # `make docs`


def test_a_figure_stands_alone_with_size_and_colours_of_its_own():
    text = (load_parts.FOLDER / "stall-open-latency.svg").read_text("utf-8")
    assert re.match(r'<svg width="\d+" height="\d+" xmlns="http://www.w3.org/2000/svg"', text)
    assert "var(" not in text
    assert load_parts.report("stall-open").response.count


def test_no_kept_run_of_the_stall_the_search_or_the_summary_was_held_by_its_generator():
    words = [load_parts.report(n).verdict.word for n in (*figures.SHOWN, "summary")]
    assert "generator-limited" not in words


def test_the_open_loop_shows_the_stall_and_the_closed_one_hides_it():
    """What the text says of the kept runs."""
    closed, opened = load_parts.report("stall-closed"), load_parts.report("stall-open")
    hidden, shown = (loop.response.ms(0.99) or 0.0 for loop in (closed, opened))
    assert hidden < 20
    assert shown > 700
    assert closed.response.max_ms > 900


def test_every_term_that_may_be_expected_is_explained():
    from crawler.traffic.expectations import _SHARES, _TIMES

    explained = {Expectation.parse(text).term for text in load_parts.EXPECTED}
    assert {*_SHARES, *_TIMES, "rate", "p99", "service-p99", "lag-p99"} == explained


@pytest.mark.parametrize("text", [PAGE, README], ids=["guide", "README"])
def test_what_keeps_a_promise_exists(text):
    kept = set(re.findall(r"\b(tests/[\w/]+\.py)\b", text))
    assert len(kept) >= 6
    assert [path for path in sorted(kept) if not (ROOT / path).exists()] == []

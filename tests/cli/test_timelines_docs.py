"""The guide to timelines is run: its commands, its script, and what it says of lanes and spans."""

import os
import re
import subprocess
import sys
from pathlib import Path

from docs.printed import ROOT
from fixtures.running import serve
from tests import traces
from tests.fixtures.test_docs_examples import SERVE, expect, options

PAGE = (ROOT / "docs" / "timelines.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def test_commands_and_script_do_what_is_shown(tmp_path):
    [script] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (served, _), *others = COMMAND.findall(PAGE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    assert served.startswith(SERVE)
    with serve(**options(served)) as site:
        for command, shown in [*others, (f"{sys.executable} - <<'END'\n{script}END", "...ms")]:
            done = subprocess.run(
                ["bash", "-c", command.replace(":8000", f":{site.port}")],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
                timeout=60,
            )  # fmt: skip
            expect(shown, done.stdout)

    events = traces.events(tmp_path / "trace.json")
    assert sum(event["name"] == "fetch" for event in events) == 40


def test_every_span_is_explained():
    explained = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## The spans")[2], re.MULTILINE))

    assert explained == {
        "queue", "fetch", "connect", "wait", "body", "analyse", "line", "batch", "write",
    }  # fmt: skip

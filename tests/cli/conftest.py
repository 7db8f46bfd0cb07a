import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawler.cli import app
from fixtures.running import serve

ROOT = Path(__file__).parents[2]
CRAWL = (str(Path(sys.executable).with_name("crawl")),)
PATIENCE = 30.0  # seconds a child has; only a broken one takes them


@dataclass
class Done:
    """What became of a command."""

    code: int
    out: str
    err: str

    @property
    def records(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def outcomes(self):
        return [record["outcome"] for record in self.records]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="session")
def one_site():
    with serve(pages=100, size="4kB", links=5) as running:
        yield running


@pytest.fixture
def site(one_site):
    """A site that has counted nothing yet."""
    one_site.reset()
    return one_site


@pytest.fixture
def run(tmp_path):
    """Run the real command in a directory of its own."""

    def command(*words, program=CRAWL, fed="", cwd=tmp_path, **environ):
        done = subprocess.run(
            [*program, *map(str, words)],
            input=fed.encode(),
            capture_output=True,
            cwd=cwd,
            env=environment(**environ),
            timeout=PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return command


@pytest.fixture
def run_here(tmp_path, monkeypatch, capfd):
    """Run the command in this process, for the many words that end before anything begins."""

    def command(*words):
        monkeypatch.chdir(tmp_path)
        code = app([*map(str, words)], standalone_mode=False, prog_name="crawl")
        return Done(code, *capfd.readouterr())

    return command


@pytest.fixture
def on_terminal(tmp_path):
    """Run the command with the named streams on a terminal; `out` is what that shows."""

    def command(*words, streams=("stdout",), **environ):
        ours, theirs = pty.openpty()
        with (tmp_path / "other-streams").open("w+b") as other:
            child = subprocess.Popen(
                [*CRAWL, *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=theirs if "stdout" in streams else other,
                stderr=theirs if "stderr" in streams else other,
                cwd=tmp_path,
                env=environment(TERM="xterm", COLUMNS="200", **environ),
            )
            os.close(theirs)
            try:
                shown = _all_of(ours)
                code = child.wait(PATIENCE)
            finally:
                child.kill()
                child.wait()
                os.close(ours)
            other.seek(0)
            return Done(code, shown.decode(), other.read().decode())

    return command


def _all_of(terminal):
    """Return what is shown until the last of those who write has closed it."""
    shown, end = b"", time.monotonic() + PATIENCE
    while select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # Linux has it that way
            return shown
        if not piece:
            return shown
        shown += piece
    raise TimeoutError(f"still open after {shown!r}")

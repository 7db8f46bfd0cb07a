"""The article's examples run as printed."""

import json
import math
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from bench.cell import BenchError, environment
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict

__all__ = ["judge", "measure", "must_show"]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"
QUICK = frozenset({"overlapping", "to_a_thread"})
ROUNDS = 3  # what is counted is the same each time
PATIENCE = 60.0  # seconds for one program
PRINTED, REPAIRED = "programs that can be read, quotes as printed", "programs that can be read"
#: What the article says of each program, in what its repaired one counts: the least and the most.
SAID = {
    "awaiting: turns of another task": (1, math.inf),
    "overlapping: begun before their maker waited": (0, 0),
    "overlapping: begun when it had": (2, 2),
    "overlapping: requests in flight at most": (2, 2),
    "to_a_thread: ended in another thread": (1, 1),
    "to_a_process: batches computed here": (0, 0),
}
_QUOTED = re.compile(r'(?<!")"(?!")([^"\n]*)"')


def measure(scale: Scale) -> list[Figure]:
    """Run the repaired programs, and have Python read them with quotes as the article's are."""
    counts, read = defaultdict[str, list[float]](list), {PRINTED: 0, REPAIRED: 0}
    programs = sorted(FOLDER.glob("*.py"))
    for program in programs:
        source = program.read_text(encoding="utf-8")
        read[REPAIRED] += _can_be_read(source)
        read[PRINTED] += _can_be_read(_as_printed(source))
    for _ in range(min(ROUNDS, scale.rounds) if not scale.quick else 1):
        for program in programs:
            if not scale.quick or program.stem in QUICK:
                for what, count in _run(program).items():
                    counts[f"{program.stem}: {what}"].append(count)
    return [
        Figure("programs", "", [len(programs)]),
        *(Figure(name, "", [count]) for name, count in read.items()),
        *(Figure(name, "", values) for name, values in counts.items()),
    ]


def judge(found: Found) -> Judgement:
    """Look which can be read at all, and whether the repaired ones do what is said of them."""
    programs, printed, repaired = (found[name] for name in ("programs", PRINTED, REPAIRED))
    told = "; ".join(f"{name}: {found[name].text()}" for name in SAID if name in found)
    why = (
        f"with typographic quotes, as the article prints them, Python reads {printed.text()} of "
        f"{programs.text()} programs, and {repaired.text()} with its own. Repaired they do "
        f"{_right(found)} of {_known(found)} things that the article says ({told})."
    )
    if _right(found) < _known(found):
        return Judgement(Verdict.REFUTED, f"Nor when repaired: {why}")
    if printed.median < programs.median:
        return Judgement(Verdict.REFUTED, f"They must be repaired: {why}")
    return Judgement(Verdict.HOLDS, f"They do: {why}")


def must_show(found: Found) -> bool:
    """Python refuses typographic quotes; the repaired programs do all that the article says."""
    programs, printed, repaired = (found[one].median for one in ("programs", PRINTED, REPAIRED))
    return printed == 0 < repaired == programs and _right(found) == _known(found) > 0


def _known(found: Found) -> int:
    return sum(name in found for name in SAID)


def _right(found: Found) -> int:
    return sum(
        least <= min(found[name].values) and max(found[name].values) <= most
        for name, (least, most) in SAID.items()
        if name in found
    )


def _as_printed(source: str) -> str:
    """Return a program with the quotes that a word processor sets; docstrings keep theirs."""
    return _QUOTED.sub("\N{LEFT DOUBLE QUOTATION MARK}\\1\N{RIGHT DOUBLE QUOTATION MARK}", source)


def _can_be_read(source: str) -> bool:
    try:
        compile(source, "example", "exec")
    except SyntaxError:
        return False
    return True


def _run(program: Path) -> dict[str, float]:
    """Return what a program counts, which is the last line that it prints."""
    # They speak to a plain local server; a file of certificates need not be there in a chroot.
    env = {name: value for name, value in environment().items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True, text=True, env=env, check=False, timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{program.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    counted: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return counted

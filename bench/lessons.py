"""What each lesson's mistake costs: its broken and its repaired program, one after the other."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.cell import BenchError, environment
from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say
from bench.spread import spread

__all__ = [
    "FULL",
    "LESSONS",
    "QUICK",
    "LessonResults",
    "Played",
    "Scale",
    "measure",
    "penalty",
    "played",
    "program",
    "tables",
]

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "lessons"
#: In the order in which they are read.
LESSONS = (
    "await_in_a_loop",
    "forgotten_task",
    "all_tasks_at_once",
    "blocked_loop",
    "swallowed_cancellation",
    "full_executor",
    "client_per_page",
    "shared_counter",
    "forked_lock",
    "broken_pool",
)
TWINS = ("broken", "repaired")
SECONDS = "seconds"  # the one figure that is no count
PATIENCE = 120.0  # seconds for one program


@dataclass(frozen=True)
class Scale:
    """How often each program is run."""

    rounds: int


FULL = Scale(rounds=5)
QUICK = Scale(rounds=1)


class Played(msgspec.Struct, kw_only=True, frozen=True):
    """What one run of a program said: what it counts, how many, and maybe seconds."""

    lesson: str
    twin: str
    counted: str
    count: float
    seconds: float | None = None

    @property
    def pages_per_s(self) -> float:
        """Return nothing: a lesson counts what goes wrong, and not how fast."""
        return 0.0


class LessonResults(Kept, kw_only=True, frozen=True):
    """What all programs said."""

    cells: list[Played]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def of(self, lesson: str, twin: str) -> list[Played]:
        """Return the runs of one program, round after round."""
        return [one for one in self.cells if (one.lesson, one.twin) == (lesson, twin)]

    def refuse(self) -> None:
        """Raise BenchError if a broken program once did as well as its repaired twin."""
        for lesson in dict.fromkeys(one.lesson for one in self.cells):
            broken, repaired = (self.of(lesson, twin) for twin in TWINS)
            if {one.count for one in broken} & {one.count for one in repaired}:
                raise BenchError(f"not kept: the broken program of {lesson} did not break")


def program(lesson: str, twin: str) -> Path:
    """Return where a program stands."""
    return FOLDER / lesson / f"{twin}.py"


def measure(scale: Scale = FULL) -> LessonResults:
    """Run all programs in rounds, each in a fresh interpreter; raises BenchError if one fails."""
    found: list[Played] = []
    for number in range(scale.rounds):
        for lesson in random.Random(number).sample(LESSONS, len(LESSONS)):
            found += (_play(lesson, twin) for twin in TWINS)
            say(f"{len(found)} of {scale.rounds * len(LESSONS) * len(TWINS)}: {lesson}")
    return LessonResults(
        name="lessons",
        machine=machine(),
        how=[
            "Each program runs in a fresh interpreter, the broken one and at once the repaired "
            f"one, {scale.rounds} times in shuffled rounds.",
            "Medians, with the least and the greatest; where nothing stands in brackets, all "
            "runs gave the same.",
        ],
        settings={},
        ceiling_per_s=None,
        cells=found,
    )


def tables(results: LessonResults) -> list[Table]:
    """Return one table: a row for each lesson."""
    return [
        Table(
            title="What the mistake costs",
            columns=("lesson", "what is counted", *TWINS, "time, times the repaired"),
            rows=list(_rows(results)),
            left=frozenset({"lesson", "what is counted"}),
            notes=results.notes,
        )
    ]


def penalty(lesson: str, kept: Path) -> str:
    """Return in a sentence what one mistake costs, from the results kept in a file."""
    results = msgspec.json.decode(kept.read_bytes(), type=LessonResults)
    _, counted, broken, repaired, ratio = next(row for row in _rows(results) if row[0] == lesson)
    longer = f"; the broken one takes {ratio} times as long" if ratio else ""
    return f"Measured: {counted}: {broken} broken, {repaired} repaired{longer}."


def played(lesson: str, twin: str, said: str) -> Played:
    """Return what a program said, whose last line is JSON; raises BenchError if it is not."""
    try:
        figures = json.loads(said.splitlines()[-1])
        seconds = figures.pop(SECONDS, None)
        [(counted, count)] = figures.items()
    except (IndexError, ValueError, AttributeError):
        raise BenchError(f"{lesson}/{twin}.py said no figure: {said[-200:]!r}") from None
    return Played(lesson=lesson, twin=twin, counted=counted, count=count, seconds=seconds)


def _rows(results: LessonResults) -> Iterator[list[str]]:
    for lesson in LESSONS:
        broken, repaired = (results.of(lesson, twin) for twin in TWINS)
        if broken and repaired:
            counts = [spread(one.count for one in runs).text() for runs in (broken, repaired)]
            yield [lesson, broken[0].counted, *counts, _ratio(broken, repaired)]


def _ratio(broken: Sequence[Played], repaired: Sequence[Played]) -> str:
    """Return how many times as long the broken program took as the repaired in the same round."""
    ratios = [
        one.seconds / other.seconds
        for one, other in zip(broken, repaired, strict=True)
        if one.seconds is not None and other.seconds is not None
    ]
    return spread(ratios).text(1) if ratios else ""


def _play(lesson: str, twin: str) -> Played:
    name = f"{lesson}/{twin}.py"
    try:
        done = subprocess.run(
            [sys.executable, program(lesson, twin)],
            capture_output=True, text=True, env=environment(), check=False, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BenchError(f"{name} did not end in {PATIENCE:.0f} s") from None
    if done.returncode:
        raise BenchError(f"{name} ended with {done.returncode}: {done.stderr[-500:]}")
    return played(lesson, twin, done.stdout)

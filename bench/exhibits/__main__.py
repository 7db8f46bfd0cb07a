"""Run one exhibit in this interpreter and print what came of it; the standard library suffices."""

import argparse
import dataclasses
import importlib
import json
import platform
import sys
import time
from typing import Any

from bench.exhibits.exhibit import Exhibit, Found, Judgement, Scale, SkippedError, Verdict
from bench.exhibits.shelf import Entry, named

__all__ = ["FULL", "QUICK", "play"]

FULL = Scale(rounds=5)
QUICK = Scale(rounds=2, quick=True)


def play(entry: Entry, scale: Scale) -> dict[str, Any]:
    """Return what came of an exhibit: figures, verdict, why, and whether it was shown.

    What this interpreter or this machine lacks is no error: the exhibit is skipped.
    """
    began, figures, shown = time.monotonic(), [], None
    try:
        exhibit: Exhibit = importlib.import_module(entry.module)
        figures = exhibit.measure(scale)
        judgement = exhibit.judge(Found(figures))
        must_show = getattr(exhibit, "must_show", None)
        shown = must_show and bool(must_show(Found(figures)))
    except ModuleNotFoundError as error:
        judgement = Judgement(Verdict.SKIPPED, f"This Python has no {error.name}.")
    except SkippedError as error:
        judgement = Judgement(Verdict.SKIPPED, str(error))
    return {
        "row": entry.row,
        "name": entry.name,
        "claim": entry.claim,
        "python": platform.python_version(),
        **dataclasses.asdict(judgement),
        "shown": shown,
        "seconds": round(time.monotonic() - began, 1),
        "figures": [dataclasses.asdict(one) for one in figures],
    }


def main() -> None:
    """Run the exhibit that is named on the command line; the last line printed is JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("name", help="its name, or the number of its row")
    arguments.add_argument("--quick", action="store_true", help="small and rough")
    asked = arguments.parse_args()
    try:
        [entry] = named([asked.name])
    except LookupError as error:
        sys.exit(str(error))
    print(json.dumps(play(entry, QUICK if asked.quick else FULL)))


if __name__ == "__main__":
    main()

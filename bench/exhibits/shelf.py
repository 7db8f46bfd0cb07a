"""Find the exhibits: programs named after the row of their claim, which their docstring states."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Entry", "entries", "named"]

FOLDER = Path(__file__).resolve().parent
_PROGRAM = re.compile(r"e(\d\d)_(\w+)")


class Entry(NamedTuple):
    """An exhibit that nobody has run yet: its row, its name, its module and its claim."""

    row: int
    name: str
    module: str
    claim: str


def entries() -> list[Entry]:
    """Return all exhibits by their rows; none is imported, so none can fail."""
    found = []
    for path in sorted(FOLDER.glob("e[0-9][0-9]_*.py")):
        if match := _PROGRAM.fullmatch(path.stem):
            claim = ast.get_docstring(ast.parse(path.read_bytes())) or ""
            first, _, _ = claim.partition("\n")
            found.append(Entry(int(match[1]), match[2], f"{__package__}.{path.stem}", first))
    return found


def named(names: list[str]) -> list[Entry]:
    """Return the exhibits of these names or rows, all if there are none; raises LookupError."""
    known = entries()
    if not names:
        return known
    wanted = {name: [one for one in known if name in {one.name, str(one.row)}] for name in names}
    if unknown := [name for name, found in wanted.items() if not found]:
        raise LookupError(
            f"no exhibit is named {', '.join(unknown)}: choose from "
            f"{', '.join(one.name for one in known)}"
        )
    return [one for one in known if any(one in found for found in wanted.values())]

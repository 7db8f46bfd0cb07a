"""Which Python runs what, and with which packages: our own, another, or that of `.venv-peers`."""

import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cell import BenchError

__all__ = ["FOLDER", "PINS", "Peers", "installed", "peers", "pinned"]

PINS = Path(__file__).resolve().parent / "peers.txt"
FOLDER = PINS.parent.parent / ".venv-peers"

_ASK = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps([platform.python_version(), found]))
"""


@dataclass(frozen=True)
class Peers:
    """The interpreter that finds other people's packages, and the versions of some of them."""

    python: str
    versions: dict[str, str]


def installed(command: Sequence[str], names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the version of the Python that *command* runs, and of those of *names* that it has.

    Raises BenchError if it cannot be run.
    """
    try:
        done = subprocess.run(
            [*command, "-c", _ASK, *names], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"{' '.join(command)} is no Python that can be run: {error}") from None
    python, versions = json.loads(done.stdout)
    return python, versions


def peers(names: Sequence[str], folder: Path = FOLDER) -> Peers:
    """Return the peers' interpreter; raises BenchError if it lacks one of the packages *names*."""
    python = folder / "bin" / "python"
    try:
        python_version, versions = installed([str(python)], names)
    except BenchError:
        raise BenchError(
            f"other people's packages are not set up in {folder.name}: run make peers"
        ) from None
    wanted = pinned()
    for name in names:
        if versions.get(name) != wanted[name.lower()]:
            raise BenchError(
                f"{folder.name} has {name} {versions.get(name, 'not at all')} instead of "
                f"{wanted[name.lower()]}: run make peers"
            )
    if python_version != platform.python_version():
        raise BenchError(
            f"{folder.name} has Python {python_version}, this is {platform.python_version()}: "
            f"remove {folder.name} and run make peers"
        )
    return Peers(str(python), versions)


def pinned(path: Path = PINS) -> dict[str, str]:
    """Return the version that is pinned for each package, by its name in lower case."""
    lines = path.read_text(encoding="ascii").splitlines()
    pins = (line.partition("==") for line in lines if "==" in line)
    return {name.lower(): version for name, _, version in pins}

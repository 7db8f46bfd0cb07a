"""Say where and with what a result was measured."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path

import msgspec

from crawler import Options

__all__ = ["Machine", "machine"]

_PACKAGES = ("crawl", "httpx", "httpcore", "uvloop", "selectolax", "msgspec")


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """The stamp on a result."""

    cores: int
    cpu: str
    system: str
    python: str
    loop: str
    versions: dict[str, str]
    date: str

    def sentence(self) -> str:
        """Return the stamp in one line."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.cores} cores ({self.cpu}), {self.system}, Python {self.python}, "
            f"loop {self.loop}, {versions}; {self.date}"
        )


def machine() -> Machine:
    """Return the stamp of this machine, here and now."""
    return Machine(
        cores=cpu_count() or 1,
        cpu=_cpu(),
        system=platform.system(),
        python=platform.python_version(),
        loop=Options().loop,
        versions={name: found for name in _PACKAGES if (found := _version(name))},
        date=datetime.now(UTC).date().isoformat(),
    )


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

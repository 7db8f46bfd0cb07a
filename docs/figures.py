"""Draw the figures of docs/load.md anew from the kept reports: `python -m docs.figures`."""

import re

import msgspec

from crawler.traffic.plots import plots
from docs.load_parts import FOLDER, report

__all__ = ["SHOWN", "drawn"]

#: Which plots of which kept report are shown.  The reports are made by `crawl load ... -o` as
#: docs/load.md says beside each, on a machine so quiet that no verdict is generator-limited.
SHOWN = {
    "stall-open": ("percentiles", "latency"),
    "stall-closed": ("percentiles",),
    "find-max": ("search", "scalability"),
}

_HEAD = re.compile(r'<svg ([^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*)>')
#: Pixels: two stand side by side on a page of GitHub's width.
_WIDTH = 400
_VARIABLE = re.compile(r"var\(--\w+, (#\w+)\)")
#: A page may be dark, and a figure of its own cannot know: it brings its paper.
_PAPER = '<rect width="100%" height="100%" fill="#ffffff"/>'


def drawn() -> dict[str, str]:
    """Return the text of each figure by the name of its file."""
    found = {}
    for name, wanted in SHOWN.items():
        one = report(name)
        if "latency" not in wanted:
            one = msgspec.structs.replace(one, series=())
        for plot in plots(one):
            if plot.name in wanted:
                found[f"{name}-{plot.name}.svg"] = _alone(plot.svg)
    return found


def _alone(element: str) -> str:
    """Return a figure of a page as a file: with size, colours and paper of its own."""
    coloured = _VARIABLE.sub(r"\1", element)
    return _HEAD.sub(_sized, coloured, count=1)


def _sized(head: re.Match[str]) -> str:
    """Return the head with a size, without which a browser takes any."""
    height = round(_WIDTH * float(head[3]) / float(head[2]))
    return f'<svg width="{_WIDTH}" height="{height}" {head[1]}>\n{_PAPER}'


if __name__ == "__main__":
    for file, text in drawn().items():
        (FOLDER / file).write_text(text, encoding="utf-8")

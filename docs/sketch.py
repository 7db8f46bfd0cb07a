"""A sheet to draw boxes, words and arrows on, as an SVG that is the same text each time."""

from html import escape

from bench.charts.style import COLOURS, INK, MODE_COLOURS, MUTED

__all__ = ["Sketch"]

Pair = tuple[float, float]

#: Paper and ink change together: a drawing can be read on a light page and on a dark one, also
#: where the reader's browser and the page disagree about which it is.
_LIGHT = {"paper": "#ffffff", "ink": INK, "muted": MUTED, "pale": "#e4e8ec", "rule": "#afb8c1"}
_DARK = {
    "paper": "#161b22", "ink": "#e6edf3", "muted": "#a3adb8", "pale": "#343c46", "rule": "#6e7681",
}  # fmt: skip
#: Modes, and parties that are none: as different as can be for everybody's eyes.
_COLOURED = MODE_COLOURS | {
    "first": COLOURS["blue"], "second": COLOURS["yellow"], "third": COLOURS["vermilion"],
}  # fmt: skip


def _style() -> str:
    def coloured(colours: dict[str, str]) -> str:
        return (
            f".paper{{fill:{colours['paper']}}}text{{fill:{colours['ink']}}}"
            f".muted{{fill:{colours['muted']}}}.wait{{fill:{colours['pale']}}}"
            f".ready{{fill:{colours['paper']};stroke:{colours['muted']};stroke-dasharray:3 2}}"
            f".frame{{fill:none;stroke:{colours['rule']}}}"
            f".line{{stroke:{colours['muted']}}}.tip{{fill:{colours['muted']}}}"
        )

    looks = "".join(f".{look}{{fill:{colour}}}" for look, colour in _COLOURED.items())
    fixed = (
        "text{font:13px 'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif}"
        ".strong{font-weight:bold}.small{font-size:11px}"
        f".border{{stroke:{COLOURS['vermilion']};stroke-width:2;stroke-dasharray:6 4}}"
        f"{looks}.on{{font-size:11px;text-anchor:middle}}.middle{{text-anchor:middle}}"
        ".end{text-anchor:end}"
    )
    dark = f"@media (prefers-color-scheme:dark){{{coloured(_DARK)}}}"
    letters = ".on{fill:#000000}.first+.on{fill:#ffffff}"
    return f"<style>{coloured(_LIGHT)}{fixed}{dark}{letters}</style>"


class Sketch:
    """A sheet of *width* by *height* pixels; places and sizes are pairs of pixels.

    What a thing looks like is a word of the style: `wait`, `ready`, `frame`, `first`, `second`,
    `third` or a mode for a box, `strong`, `muted`, `small`, `middle` or `end` for words.
    """

    def __init__(self, width: int, height: int, meaning: str):
        self._size = width, height
        self._meaning = meaning
        self._parts: list[str] = []

    def box(self, at: Pair, size: Pair, look: str, words: str = "") -> None:
        """Draw a box from its upper left corner, with *words* in its middle."""
        (x, y), (width, height) = at, size
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2" '
            f'class="{look}"/>'
        )
        if words:
            letters = "on" if look in _COLOURED else "small middle"
            self.words((x + width / 2, y + height / 2 + 4), words, letters)

    def words(self, at: Pair, words: str, look: str = "") -> None:
        """Write from *at*, on the base line."""
        named = f' class="{look}"' if look else ""
        self._parts.append(f'<text x="{at[0]:g}" y="{at[1]:g}"{named}>{escape(words)}</text>')

    def line(self, begin: Pair, end: Pair, look: str = "line") -> None:
        """Draw a straight line."""
        (x, y), (right, low) = begin, end
        self._parts.append(
            f'<line x1="{x:g}" y1="{y:g}" x2="{right:g}" y2="{low:g}" class="{look}"/>'
        )

    def arrow(self, begin: Pair, end: Pair) -> None:
        """Draw a line along an axis with a tip at its *end*."""
        self.line(begin, end)
        x, y = end
        if begin[1] == y:
            back = x - 8 if x > begin[0] else x + 8
            corners = f"{x:g},{y:g} {back:g},{y - 4:g} {back:g},{y + 4:g}"
        else:
            back = y - 8 if y > begin[1] else y + 8
            corners = f"{x:g},{y:g} {x - 4:g},{back:g} {x + 4:g},{back:g}"
        self._parts.append(f'<polygon points="{corners}" class="tip"/>')

    def key(self, at: Pair, meanings: dict[str, str], step: float) -> None:
        """Explain what boxes look like, from left to right, *step* pixels for each."""
        x, y = at
        for number, (look, words) in enumerate(meanings.items()):
            self.box((x + number * step, y), (22, 12), look)
            self.words((x + number * step + 30, y + 10), words, "small")

    def svg(self) -> str:
        """Return the file, with its meaning for those who do not see it."""
        width, height = self._size
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(self._meaning)}</title>",
            _style(),
            '<rect width="100%" height="100%" rx="8" class="paper"/>',
            *self._parts,
            "</svg>\n",
        ])  # fmt: skip

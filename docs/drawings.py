"""Draw what the models are, for the guide: `python -m docs.drawings`; nothing is measured here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from docs.sketch import Sketch

__all__ = ["FOLDER", "MEANINGS", "drawn", "stale"]

FOLDER = Path(__file__).parent / "drawings"
WIDTH, LEFT = 800, 172

#: Each drawing in words, for those who do not see it.
MEANINGS = {
    "concurrency": "Two tasks that each compute, wait and compute: one after the other; "
    "concurrent, where one computes while the other waits; and parallel, where both compute at "
    "the same time on two cores",
    "page": "The steps of a page from left to right: connect, wait for the answer and read the "
    "body, which all wait for the network; decode, parse, links and digests, which compute; "
    "write, which waits for the disk",
    "models": "The same four pages in five modes on one axis of time. Serial takes longest: each "
    "page waits and is computed before the next. In threads and async all four wait at once and "
    "are computed in turn. In processes two pages at a time wait and are computed. In hybrid all "
    "four wait at once and two at a time are computed",
    "gil": "Three threads and the GIL: two that compute hold it in turn, each until the other has "
    "waited for the switch interval; the third has its answer, and waits for the GIL to go on",
    "border": "A parent process and two workers, each with memory and a GIL of its own, and a "
    "border between them. In processes an address crosses and a record comes back; in hybrid a "
    "batch of bodies crosses and lines of JSON come back",
}


class Span(NamedTuple):
    """A part of a lane: what it looks like, from when to when, and a word on it."""

    look: str
    begin: float
    end: float
    word: str = ""


Lane = tuple[str, list[Span]]


def drawn() -> dict[str, str]:
    """Return the text of each drawing by the name of its file."""
    makers: dict[str, Callable[[str], Sketch]] = {
        "concurrency": _concurrency,
        "page": _page,
        "models": _models,
        "gil": _gil,
        "border": _border,
    }
    return {f"{name}.svg": make(MEANINGS[name]).svg() for name, make in makers.items()}


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the drawings that are not in *folder* as they would be drawn now."""
    return [
        name
        for name, text in drawn().items()
        if not (path := folder / name).exists() or path.read_text(encoding="utf-8") != text
    ]


def _lanes(sheet: Sketch, top: float, lanes: list[Lane], unit: float) -> float:
    """Draw lanes below each other, *unit* pixels for a moment; return where the next may begin."""
    for name, spans in lanes:
        sheet.words((LEFT - 10, top + 11), name, "small muted end")
        for look, begin, end, word in spans:
            sheet.box((LEFT + begin * unit, top), ((end - begin) * unit - 1, 15), look, word)
        top += 18
    return top


def _concurrency(meaning: str) -> Sketch:
    sheet, unit = Sketch(WIDTH, 262, meaning), 37.0

    def task(name: str, look: str, at: float, first: list[Span] | None = None) -> Lane:
        turns = [Span(look, at, at + 2, name), Span("wait", at + 2, at + 6)]
        return f"task {name}", [*(first or []), *turns, Span(look, at + 6, at + 8, name)]

    turn = [Span("ready", 0, 2)]
    top = 18.0
    for title, remark, lanes in (
        ("One after the other", "", [task("A", "first", 0), task("B", "second", 8)]),
        ("Concurrent: one core", "B computes while A waits",
         [task("A", "first", 0), task("B", "second", 2, turn)]),
        ("Parallel: two cores", "both compute at the same time",
         [task("A", "first", 0), task("B", "second", 0)]),
    ):  # fmt: skip
        sheet.words((20, top + 4), title, "strong")
        sheet.words((LEFT + 60, top + 4), remark, "small muted")
        top = _lanes(sheet, top + 14, lanes, unit) + 24
    looks = {
        "first": "A computes",
        "second": "B computes",
        "wait": "waits",
        "ready": "could go on, had it a core",
    }
    sheet.key((LEFT, 236), looks, 130)
    return sheet


def _page(meaning: str) -> Sketch:
    sheet = Sketch(WIDTH, 190, meaning)
    stages = (
        ("fetch", "wait", "waits for the network", "needs a connection",
         (("connect", 90), ("wait for the answer", 150), ("body", 70))),
        ("analyse", "first", "computes", "needs a core, and partly the GIL",
         (("decode", 66), ("parse", 66), ("links", 60), ("digests", 66))),
        ("write", "wait", "waits for the disk", "needs a file", (("write", 120),)),
    )  # fmt: skip
    left = 30.0
    for name, look, what, needs, steps in stages:
        begin = left
        for word, width in steps:
            sheet.box((left, 62), (width - 2, 34), look, word)
            left += width
        middle = (begin + left) / 2
        sheet.words((middle, 34), name, "strong middle")
        sheet.line((begin + 2, 46), (left - 4, 46))
        sheet.words((middle, 122), what, "middle")
        sheet.words((middle, 142), needs, "small muted middle")
        left += 21
    sheet.words((30, 176), "Time goes from left to right; the lengths are not to scale.",
                "small muted")  # fmt: skip
    return sheet


PAGES, CORES = 4, 2
#: Moments that a page waits and that it is computed, in the drawing of the models.
WAIT, THINK = 6, 2


def _models(meaning: str) -> Sketch:
    """Draw what a few lines of arithmetic give: nothing is placed by hand."""
    each, pages, cores = WAIT + THINK, range(PAGES), range(CORES)
    # When a page's turn comes where one at a time is computed, and where as many as cores are.
    alone = [WAIT + page * THINK for page in pages]
    side_by_side = [WAIT + page // CORES * THINK for page in pages]
    strips: dict[str, list[Lane]] = {
        "serial": [("the program", _whole("serial", {page: page * each for page in pages}))],
        "threads": [
            (f"thread {page + 1}", [
                *_waits(page, alone[page]), _think("threads", page, alone[page])
            ])
            for page in pages
        ],
        "async": [
            *((f"task {page + 1}", _waits(page, alone[page])) for page in pages),
            ("the loop", [_think("async", page, alone[page]) for page in pages]),
        ],
        "processes": [
            (f"worker {core + 1}", _whole("processes", {
                page: page // CORES * each for page in pages[core::CORES]
            }))
            for core in cores
        ],
        "hybrid": [
            *((f"task {page + 1}", _waits(page, side_by_side[page])) for page in pages),
            *((f"worker {core + 1}", [
                _think("hybrid", page, side_by_side[page]) for page in pages[core::CORES]
            ]) for core in cores),
        ],
    }  # fmt: skip
    sheet, unit, top = Sketch(WIDTH, 452, meaning), 17.5, 20.0
    for mode, lanes in strips.items():
        sheet.words((20, top + 11), mode, "strong")
        low = _lanes(sheet, top, lanes, unit)
        done = LEFT + unit * max(span.end for _, spans in lanes for span in spans)
        sheet.line((done + 2, top - 3), (done + 2, low))
        sheet.words((done + 8, low - 6), "done", "small muted")
        top = low + 16
    looks = {
        "wait": "waits for the network",
        "ready": "waits for its turn",
        "hybrid": "is computed, in the mode's colour",
    }
    sheet.key((LEFT, top + 2), looks, 170)
    return sheet


def _waits(page: int, turn: float) -> list[Span]:
    """Return that a page waits for its answer, and then for its turn."""
    waits = [Span("wait", 0, WAIT, str(page + 1))]
    return waits if turn == WAIT else [*waits, Span("ready", WAIT, turn)]


def _think(mode: str, page: int, begin: float) -> Span:
    return Span(mode, begin, begin + THINK, str(page + 1))


def _whole(mode: str, begins: dict[int, float]) -> list[Span]:
    """Return pages that are waited for and computed one after the other."""
    return [
        span
        for page, begin in begins.items()
        for span in (
            Span("wait", begin, begin + WAIT, str(page + 1)),
            _think(mode, page, begin + WAIT),
        )
    ]


def _gil(meaning: str) -> Sketch:
    sheet, unit = Sketch(WIDTH, 236, meaning), 29.0
    holds = [(1, 0, 5), (2, 5, 10), (3, 10, 11), (1, 11, 16), (3, 16, 17), (2, 17, 21)]
    looks = {1: "first", 2: "second", 3: "third"}

    def held(thread: int) -> list[Span]:
        return [Span(looks[who], begin, end, "") for who, begin, end in holds if who == thread]

    lanes: list[Lane] = [
        ("1 computes", [*held(1), Span("ready", 5, 11), Span("ready", 16, 21)]),
        ("2 computes", [*held(2), Span("ready", 0, 5), Span("ready", 10, 17)]),
        ("3 asks for pages", [
            Span("wait", 0, 6), Span("ready", 6, 10), Span("wait", 11, 14), Span("ready", 14, 16),
            Span("wait", 17, 21), *held(3),
        ]),
    ]  # fmt: skip
    sheet.words((20, 30), "Three threads, one GIL", "strong")
    sheet.line((LEFT, 52), (LEFT + 5 * unit - 1, 52))
    for end in (LEFT, LEFT + 5 * unit - 1):
        sheet.line((end, 48), (end, 56))
    sheet.words((LEFT + 2.5 * unit, 44), "switch interval", "small muted middle")
    low = _lanes(sheet, 64, lanes, unit)
    sheet.arrow((LEFT + 6 * unit, low + 26), (LEFT + 6 * unit, low))
    sheet.words(
        (LEFT + 6 * unit + 8, low + 24),
        "the answer is here, and thread 3 cannot go on: it waits for the GIL",
        "small muted",
    )
    owners: Lane = ("held by", [Span(looks[who], b, e, str(who)) for who, b, e in holds])
    low = _lanes(sheet, low + 44, [owners], unit)
    states = {"first": "holds the GIL, each in its colour", "ready": "waits for the GIL",
              "wait": "waits for the network, without it"}  # fmt: skip
    sheet.key((60, low + 18), states, 245)
    return sheet


def _border(meaning: str) -> Sketch:
    sheet = Sketch(WIDTH, 330, meaning)
    sheet.words((400, 24), "the border", "small muted middle")
    sheet.line((400, 32), (400, 286), "border")
    crossings = (
        ("processes", "decides and writes", "fetch and analyse a page",
         "an address", "a record"),
        ("hybrid", "decides, fetches and writes", "analyse pages",
         "a batch of bodies", "lines of JSON"),
    )  # fmt: skip
    for number, (mode, parent, workers, there, back) in enumerate(crossings):
        top = 40 + number * 128
        sheet.box((24, top), (230, 104), "frame")
        sheet.box((24, top), (8, 104), mode)
        sheet.words((46, top + 24), mode, "strong")
        sheet.words((46, top + 48), "the parent", "")
        sheet.words((46, top + 68), parent, "small")
        sheet.words((46, top + 88), "own memory, own GIL", "small muted")
        for worker in (0, 1):
            at = top + worker * 56
            sheet.box((546, at), (230, 48), "frame")
            sheet.box((546, at), (8, 48), mode)
            sheet.words((568, at + 20), f"worker {worker + 1}: {workers}", "small")
            sheet.words((568, at + 38), "own memory, own GIL", "small muted")
        sheet.arrow((264, top + 34), (536, top + 34))
        sheet.words((284, top + 26), there, "small")
        sheet.arrow((536, top + 78), (264, top + 78))
        sheet.words((516, top + 70), back, "small end")
    sheet.words(
        (400, 312),
        "Nothing is shared: what crosses is made into bytes, sent through a "
        "pipe, and made anew on the other side.",
        "small muted middle",
    )
    return sheet


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in drawn().items():
        (FOLDER / file).write_text(text, encoding="utf-8")

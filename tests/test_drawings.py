"""The drawings of the guide are fresh, say in words what they show, and keep to their paper."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from docs import drawings
from docs.sketch import Sketch

SVG = "{http://www.w3.org/2000/svg}"
PAGE = (drawings.FOLDER.parent / "models.md").read_text(encoding="utf-8")

each = pytest.mark.parametrize("name", drawings.drawn())


def test_the_drawings_are_as_they_would_be_drawn_now():
    assert drawings.stale() == []  # `make docs`
    assert sorted(path.name for path in drawings.FOLDER.iterdir()) == sorted(drawings.drawn())


def test_a_drawing_that_differs_or_is_missing_is_stale(tmp_path):
    first, *others = drawings.drawn().items()
    for name, text in others:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert drawings.stale(tmp_path) == [first[0]]

    (tmp_path / first[0]).write_text(first[1] + " ", encoding="utf-8")
    assert drawings.stale(tmp_path) == [first[0]]


@each
def test_a_drawing_is_shown_and_says_in_words_what_it_shows(name):
    meaning = drawings.MEANINGS[name.removesuffix(".svg")]
    assert f"![{meaning}](drawings/{name})" in PAGE
    assert ElementTree.fromstring(drawings.drawn()[name]).findtext(f"{SVG}title") == meaning


@each
def test_nothing_is_drawn_beyond_the_paper(name):
    sheet = ElementTree.fromstring(drawings.drawn()[name])
    width, height = float(sheet.attrib["width"]), float(sheet.attrib["height"])
    boxes = [box for box in sheet.iter(f"{SVG}rect") if "x" in box.attrib]
    assert boxes
    for box in boxes:
        assert 0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"])
        assert 0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"])
    for words in sheet.iter(f"{SVG}text"):
        assert 0 < float(words.attrib["x"]) < width
        assert 0 < float(words.attrib["y"]) < height


@each
def test_every_look_has_a_colour_in_light_and_in_dark(name):
    text = drawings.drawn()[name]
    light, _, dark = text.partition("@media (prefers-color-scheme:dark)")
    for look in ("paper", "wait", "ready", "frame", "line", "muted"):
        colours = [re.findall(rf"\.{look}\{{[^}}]*(#\w+)", style) for style in (light, dark)]
        assert colours[0][0] != colours[1][0], look
    used = {look for looks in re.findall(r'class="([^"]+)"', text) for look in looks.split()}
    assert {look for look in used if f".{look}{{" not in text} == set()


def test_the_models_end_in_the_order_that_their_arithmetic_gives():
    """All wait for the same pages: hybrid ends first, serial last, threads and async together."""
    sheet = ElementTree.fromstring(drawings.drawn()["models.svg"])
    parts = [(part.attrib, part.text) for part in sheet.iter(f"{SVG}text")]
    modes = [text for at, text in parts if at.get("class") == "strong"]
    ends = dict(zip(modes, (float(at["x"]) for at, text in parts if text == "done"), strict=True))
    assert ends["hybrid"] < ends["threads"] == ends["async"] < ends["processes"] < ends["serial"]


def test_every_page_is_computed_once_in_each_model():
    sheet = ElementTree.fromstring(drawings.drawn()["models.svg"])
    looks = [box.attrib["class"] for box in sheet.iter(f"{SVG}rect")]
    key = {"hybrid": 1}
    for mode in ("serial", "threads", "async", "processes", "hybrid"):
        assert looks.count(mode) == drawings.PAGES + key.get(mode, 0)


def test_the_gil_is_held_by_one_thread_at_any_time():
    sheet = ElementTree.fromstring(drawings.drawn()["gil.svg"])
    rows: dict[str, list[tuple[float, float]]] = {}
    for box in sheet.iter(f"{SVG}rect"):
        if box.attrib["class"] in {"first", "second", "third"} and box.attrib["height"] == "15":
            begin = float(box.attrib["x"])
            rows.setdefault(box.attrib["y"], []).append((begin, begin + float(box.attrib["width"])))
    *threads, held = (rows[row] for row in sorted(rows, key=float))
    together = sorted(span for thread in threads for span in thread)
    assert together == held
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(held))


def test_words_that_mean_something_to_svg_are_written_as_words():
    sheet = Sketch(10, 10, "a < b")
    sheet.words((1, 1), "a & b <c>")
    text = sheet.svg()
    assert "a &amp; b &lt;c&gt;" in text
    assert ElementTree.fromstring(text).findtext(f"{SVG}title") == "a < b"

"""The drawing of the errors is the tree of their classes."""

import re

from crawler.core import errors
from crawler.core.errors import ERRORS, CrawlError


def drawn():
    """The parent of each name in the drawing, by how far it is indented."""
    above: list[str] = []
    parents = {}
    for line in ERRORS.splitlines():
        found = re.match(r"((?:[│ ]   )*(?:[├└]── )?)(\w+Error)\b", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        del above[depth:]
        parents[found[2]] = above[-1] if above else None
        above.append(found[2])
    return parents


def built(error=CrawlError, parent=None):
    found = {error.__name__: parent}
    for child in error.__subclasses__():
        found |= built(child, error.__name__)
    return found


def test_the_drawing_is_the_tree():
    assert drawn() == {name: parent for name, parent in built().items() if hasattr(errors, name)}


def test_every_error_is_named_in_the_drawing_and_exported():
    assert {*drawn()} | {"ERRORS"} == {*errors.__all__}


def test_every_error_says_who_is_at_fault():
    assert all(getattr(errors, name).__doc__ for name in drawn())

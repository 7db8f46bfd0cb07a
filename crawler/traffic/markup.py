"""Write words, numbers and tables as HTML, whatever the words hold."""

from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import category

__all__ = ["count", "digits", "share", "size", "table", "words"]

#: Letters of what users or servers made up; more would bury the rest.
_LONGEST = 1_000
_GAP = "\N{NARROW NO-BREAK SPACE}"


def words(text: object) -> str:
    """Return *text* as it may stand in a page, also in an attribute, cut where it has no end."""
    whole = str(text)
    cut = whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"
    # Controls and lone surrogates, as from names of files, cannot stand in a page; marks that turn
    # the direction of writing would make another text of it.
    clean = (
        "\N{REPLACEMENT CHARACTER}" if category(letter)[0] == "C" else letter for letter in cut
    )
    return escape("".join(clean))


def count(number: int) -> str:
    """Return a whole number with a gap between thousands."""
    return f"{number:,}".replace(",", _GAP)


def digits(value: float | None) -> str:
    """Return *value* with four digits, and all that stand before the point; nothing for None."""
    if value is None:
        return ""
    after = 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{after}f}".replace(",", _GAP)


def share(part: float, whole: float) -> str:
    """Return a share in percent, nothing without a whole."""
    return f"{100 * part / whole:.3g}{_GAP}%" if whole else ""


def size(value: float) -> str:
    """Return a number of bytes with three digits and its unit."""
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.3g}{_GAP}{unit}"
        value /= 1000
    return f"{value:.3g}{_GAP}GB"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table of cells that are HTML; *kind* is its class."""
    heads = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{lines}</tbody></table></div>"
    )

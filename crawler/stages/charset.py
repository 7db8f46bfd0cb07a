"""Finds the character encoding of an HTML body as browsers do, and reads it as text."""

import codecs
import re
from functools import cache

import webencodings

__all__ = ["decode_html"]

#: HTML Standard, 13.2.3.2: how far into a body its own declaration is looked for.
PRESCAN_BYTES = 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
_XML_IN_UTF16 = ((b"<\0?\0x\0", "utf-16le"), (b"\0<\0?\0x", "utf-16be"))

#: Names whose spelling in the Encoding Standard is neither lower nor upper case.
_SPELLED = {"big5": "Big5", "shift_jis": "Shift_JIS"}
_UPPER = re.compile(r"(?:utf|iso|euc|koi8|ibm|gbk)")

_C1_CONTROLS = range(0x80, 0xA0)

_HEADER = re.compile(r""";[\t\n\r ]*charset=(?:"((?:[^"\\]|\\.)*)|([^;]*))""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]*?encoding[\0- ]*=[\0- ]*(["'])([^"'\0- >]+)\1[^>]*>""")
_CONTENT = re.compile(
    r"""charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r ;"'][^\t\n\f\r ;]*))""",
    re.IGNORECASE,
)

# What the prescan steps over or stops at.  A comment's two dashes may be its opening ones.
_MARKUP = re.compile(
    rb"<(?:!--(?:-?>|.*?-->)|(?P<meta>meta(?=[\t\n\f\r /]))"
    rb"|(?P<tag>/?[a-z][^\t\n\f\r >]*)|[!/?][^>]*>)",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    rb"""[\t\n\f\r /]*(?:(>)|(=?[^\t\n\f\r />=]*)"""
    rb"""(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)(?:"|\Z)|'([^']*)(?:'|\Z)"""
    rb"""|([^\t\n\f\r >"'][^\t\n\f\r >]*)|(?=>)))?)"""
)


def decode_html(
    body: bytes, content_type: str | None, fallback: str = "windows-1252"
) -> tuple[str, str]:
    """Return the text of *body* and the Encoding Standard's name of its encoding.

    The order is that of the HTML Standard, 13.2.3.2: byte order mark, ``charset`` of the
    *content_type* header, ``<meta>`` or XML declaration in the first 1024 bytes, *fallback*
    (a label; windows-1252 is the standard's own for western locales).  A declaration behind
    the first 1024 bytes is not honoured.  Labels are the Encoding Standard's, not Python's.

    Never raises: bytes without a meaning become U+FFFD.  Python's codecs for east Asian
    encodings differ from the standard in a few rare characters.
    """
    for mark, marked in _BOMS:
        if body.startswith(mark):
            return str(body[len(mark) :], marked, "replace"), _standard_name(marked)
    name = (
        _from_header(content_type) or _prescan(body[:PRESCAN_BYTES]) or _lookup(fallback) or "utf-8"
    )
    return _decode(body, name), _standard_name(name)


def _lookup(label: str) -> str | None:
    found = webencodings.lookup(label) if label.isascii() else None
    return None if found is None else str(found.name)


def _from_header(content_type: str | None) -> str | None:
    """Return the encoding named by the first charset parameter (MIME Sniffing, 4.4)."""
    found = _HEADER.search(content_type) if content_type else None
    if found is None:
        return None
    quoted, bare = found.groups()
    return _lookup(bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))


def _prescan(head: bytes) -> str | None:
    """Return the encoding that *head* declares for itself, or None."""
    for start, utf16 in _XML_IN_UTF16:
        if head.startswith(start):
            return utf16
    if b"charset" in head.lower():
        at = 0
        while found := _MARKUP.search(head, at):
            at = found.end()
            if found.lastgroup is None:
                continue
            at, attributes = _attributes(head, at)
            if at == len(head):
                break  # the standard gives up when it runs out of bytes
            if found.lastgroup == "meta" and (name := _declared(attributes)):
                return name
    declaration = _XML.match(head)
    return _inside(declaration[2].decode("latin-1")) if declaration else None


def _attributes(head: bytes, at: int) -> tuple[int, dict[str, str]]:
    """Return where the tag ends (``len(head)``: it does not) and its attributes."""
    attributes: dict[str, str] = {}
    while at < len(head) and (found := _ATTRIBUTE.match(head, at)):
        at = found.end()
        close, name, *values = found.groups()
        if close:
            return (at, attributes) if at < len(head) else (at - 1, attributes)
        value = next((value for value in values if value is not None), b"")
        attributes.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return len(head), attributes


def _declared(attributes: dict[str, str]) -> str | None:
    if "charset" in attributes:
        return _inside(attributes["charset"])
    found = _CONTENT.search(attributes.get("content", ""))
    if found is None or attributes.get("http-equiv", "").lower() != "content-type":
        return None
    return _inside(next(label for label in found.groups() if label is not None))


def _inside(label: str) -> str | None:
    """Look up a label found in the body: it was read as ASCII, so it cannot be UTF-16."""
    name = _lookup(label)
    if name in {"utf-16le", "utf-16be"}:
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name


def _decode(body: bytes, name: str) -> str:
    if name == "utf-8":
        return body.decode("utf-8", "replace")
    if name == "replacement":  # Encoding Standard, 14.1.1: one error, then the end
        return "\ufffd" if body else ""
    table = _single_byte_table(name)
    if table is not None:
        return codecs.charmap_decode(body, "replace", table)[0]
    codec = "gb18030" if name == "gbk" else name  # Encoding Standard, 10.1.1
    return str(webencodings.lookup(codec).codec_info.decode(body, "replace")[0])


@cache
def _single_byte_table(name: str) -> str | None:
    """Return the 256 characters of a single-byte encoding, or None for another kind.

    Where Python's table has a hole among 0x80–0x9F, the standard's has the C1 control.
    """
    if not name.startswith(("windows-", "iso-8859", "koi8", "ibm", "mac", "x-")):
        return None
    decode = webencodings.lookup(name).codec_info.decode
    characters = (decode(bytes([byte]), "replace")[0] for byte in range(256))
    return "".join(
        chr(byte) if character == "\ufffd" and byte in _C1_CONTROLS else character
        for byte, character in enumerate(characters)
    )


def _standard_name(name: str) -> str:
    return _SPELLED.get(name) or (name.upper() if _UPPER.match(name) else name)

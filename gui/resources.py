"""Contents that Qt is to know by the name of a file, as a style sheet names its pictures: in memory, so that no disk can be
full and nothing stays when the program is killed."""

from __future__ import annotations

import struct
from collections.abc import Callable

from PyQt6.QtCore import QResource

#: The language of what is there for all of them (``QLocale.Language.C``).
_ANY = 1

#: Qt reads them where they are, for as long as the program lives.
_kept: dict[str, bytes] = {}


def resource(name: str, content: Callable[[], bytes]) -> str:
    """The path under which Qt finds what ``content()`` makes from now on, ``":/NAME"``; a name keeps the content that it got
    first, and nothing is made for it again.
    """
    if name not in _kept:
        _kept[name] = _compiled(name, content())
        QResource.registerResourceData(_kept[name])
    return f":/{name}"


def _compiled(name: str, content: bytes) -> bytes:
    """What Qt's resource compiler (``rcc --binary --format-version 1``) makes of one file: a header, the tree (the root, of
    one child, and that child, for any country and language), the name with its hash, and the content behind its length; all
    of it big-endian.
    """
    names = struct.pack(">HI", len(name), _hash(name)) + name.encode("utf-16-be")
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHHHI", 0, 0, 0, _ANY, 0)
    start = 20  # bytes of the header
    header = struct.pack(">4sIIII", b"qres", 1, start, start + len(tree) + len(names), start + len(tree))
    return header + tree + names + struct.pack(">I", len(content)) + content


def _hash(name: str) -> int:
    """Qt's hash of a name in a tree of resources (``qt_hash``)."""
    result = 0
    for letter in name:
        result = (result << 4) + ord(letter)
        result ^= (result & 0xF0000000) >> 23
        result &= 0x0FFFFFFF
    return result

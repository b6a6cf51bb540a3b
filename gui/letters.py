"""The underlined letters: Alt and a letter chooses an entry of a menu, a button, or a field of a dialog. No two of one
menu, or of one dialog, are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QAbstractButton, QDialog, QLabel, QMenuBar, QWidget

#: A marked letter; two ampersands stand for one that is shown.
_MARK = re.compile(r"(?<!&)(?:&&)*&([^&\s])")

#: Which letters are wanted most: the first of the text, those of its words, any.
_PREFERRED = (r"^\W*([^\W_])", r"\b([^\W_])", r"([^\W_])")


def letter_of(text: str) -> str:
    """The letter that is marked in a text, in lower case; "" where none is."""
    found = _MARK.search(text)
    return found.group(1).lower() if found else ""


def plain(text: str) -> str:
    """A text as it is read: without the mark of its letter."""
    return re.sub("&(.)", r"\1", text)


def with_letters(texts: Sequence[str]) -> list[str]:
    """The texts with a letter marked in each, a different one: what is marked already stays, unless it is marked twice.

    First letters of texts are given first, then those of other words, then any. Where all letters of a text are taken,
    others give one up that have another; where none is left there is no mark. What follows a tab is a key that is only
    shown.
    """
    kept: dict[str, int] = {}
    for i, text in enumerate(texts):
        if letter := letter_of(text):
            kept.setdefault(letter, i)
    bare = [text if i in kept.values() else re.sub("(&&)|&", r"\1", text) for i, text in enumerate(texts)]
    wanting = [i for i in range(len(texts)) if i not in kept.values()]
    given: dict[str, int] = {}
    for pattern in _PREFERRED:
        for i in (i for i in wanting if i not in given.values()):
            letter = next((letter for letter in _spots(bare[i], pattern) if letter not in kept and letter not in given), "")
            if letter:
                given[letter] = i
    for i in (i for i in wanting if i not in given.values()):
        _make_room(i, bare, given, set(kept))
    found = list(bare)
    for letter, i in given.items():
        spot = next(spots[letter] for pattern in _PREFERRED if letter in (spots := _spots(bare[i], pattern)))
        found[i] = f"{bare[i][:spot]}&{bare[i][spot:]}"
    return found


def _make_room(text: int, texts: Sequence[str], given: dict[str, int], closed: set[str]) -> bool:
    """Give a text a letter that another has, if that one, or one after it, has another that is free: an augmenting path
    of bipartite matching (Kuhn, "The Hungarian method for the assignment problem", 1955). ``closed``: letters that are not
    to be asked for, or have been.
    """
    for letter in (letter for pattern in _PREFERRED for letter in _spots(texts[text], pattern)):
        if letter in closed:
            continue
        closed.add(letter)
        if letter not in given or _make_room(given[letter], texts, given, closed):
            given[letter] = text
            return True
    return False


def _spots(text: str, pattern: str) -> dict[str, int]:
    """Where the letters stand that a pattern finds, the first place of each."""
    found: dict[str, int] = {}
    for match in re.finditer(pattern, text.partition("\t")[0]):
        found.setdefault(match.group(1).lower(), match.start(1))
    return found


def mark_actions(actions: Iterable[QAction]) -> None:
    """Mark letters in the entries of a menu."""
    _mark([action for action in actions if not action.isSeparator() and action.text()])


def mark_bar(bar: QMenuBar) -> None:
    """Mark letters in the titles of the menus."""
    mark_actions(bar.actions())


def mark_dialog(dialog: QDialog) -> None:
    """Mark letters in the buttons of a dialog and in the labels of its fields."""
    _mark(marked_in(dialog))


def marked_in(dialog: QWidget) -> list[QAbstractButton | QLabel]:
    """What Alt and a letter reaches in a dialog: shown buttons with a text, and labels of fields that take the focus."""
    labels = [label for label in dialog.findChildren(QLabel) if _takes_focus(label.buddy())]
    return [part for part in (*dialog.findChildren(QAbstractButton), *labels) if part.isVisibleTo(dialog) and part.text()]


def _takes_focus(widget: QWidget | None) -> bool:
    return widget is not None and widget.focusPolicy() != Qt.FocusPolicy.NoFocus


def _mark(parts: Sequence[QAction | QAbstractButton | QLabel]) -> None:
    texts = [part.text() for part in parts]
    for part, old, new in zip(parts, texts, with_letters(texts), strict=True):
        if new != old:
            part.setText(new)

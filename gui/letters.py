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

    First letters of texts are given first, then those of other words, then any; where none is left there is no mark. What
    follows a tab is a key that is only shown.
    """
    kept: dict[str, int] = {}
    for i, text in enumerate(texts):
        if letter := letter_of(text):
            kept.setdefault(letter, i)
    bare = [text if i in kept.values() else re.sub("(&&)|&", r"\1", text) for i, text in enumerate(texts)]
    taken, found = set(kept), list(bare)
    wanting = [i for i in range(len(texts)) if i not in kept.values()]
    for pattern in _PREFERRED:
        for i in wanting:
            spots = _spots(bare[i], pattern)
            letter = next((letter for letter in spots if letter not in taken), None)
            if letter is not None and found[i] == bare[i]:
                taken.add(letter)
                found[i] = f"{bare[i][: spots[letter]]}&{bare[i][spots[letter] :]}"
    return found


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

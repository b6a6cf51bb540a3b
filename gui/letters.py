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
    taken: set[str] = set()
    done: dict[int, str] = {}
    bare = list(texts)
    for i, text in enumerate(texts):
        letter = letter_of(text)
        if letter and letter not in taken:
            taken.add(letter)
            done[i] = text
        elif letter:
            bare[i] = re.sub("&(?!&)", "", text)
    for pattern in (r"^\W*(\w)", r"\b(\w)", r"(\w)"):
        for i, text in enumerate(bare):
            if i in done:
                continue
            words = text.partition("\t")[0]
            spots = (found.start(1) for found in re.finditer(pattern, words))
            spot = next((at for at in spots if words[at].lower() not in taken and words[at] != "_"), None)
            if spot is not None:
                taken.add(words[spot].lower())
                done[i] = f"{text[:spot]}&{text[spot:]}"
    return [done.get(i, text) for i, text in enumerate(bare)]


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

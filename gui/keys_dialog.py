"""F1: all keys and what they do."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.actions import SPECS, shown_key
from gui.context import Context


class KeysDialog(QDialog):
    """A table by menus. ``more``: further lines (menu, key, text)."""

    def __init__(self, context: Context, parent: QWidget | None = None, more: Sequence[tuple[str, str, str]] = ()) -> None:
        super().__init__(parent)
        theme = context.theme
        self.setWindowTitle("Keys")
        table = QWidget()
        grid = QGridLayout(table)
        grid.setHorizontalSpacing(theme.space(16))
        grid.setVerticalSpacing(theme.space(4))
        rows: dict[str, list[tuple[str, str, str]]] = {}
        for spec in SPECS.values():
            if spec.keys:
                keys = ", ".join(shown_key(key) for key in spec.keys)
                rows.setdefault(spec.menu, []).append((keys, spec.text.rstrip("…"), spec.tip))
        for menu, key, text in more:
            rows.setdefault(menu, []).append((key, text, ""))
        line = 0
        for menu, entries in rows.items():
            heading = QLabel(menu)
            heading.setFont(theme.text_font("head", bold=True))
            heading.setContentsMargins(0, theme.space(8) if line else 0, 0, 0)
            grid.addWidget(heading, line, 0, 1, 3)
            for keys, text, tip in entries:
                line += 1
                key = QLabel(keys)
                key.setFont(theme.code_font("body"))
                hint = QLabel(tip)
                hint.setObjectName("muted")
                hint.setWordWrap(True)
                for i, label in enumerate((key, QLabel(text), hint)):
                    grid.addWidget(label, line, i)
            line += 1
        grid.setColumnStretch(2, 1)
        scroll = QScrollArea()
        scroll.setWidget(table)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll)
        room = parent.size() if parent is not None else QSize(1280, 800)
        self.resize(min(theme.space(760), room.width() - 64), min(theme.space(640), room.height() - 96))

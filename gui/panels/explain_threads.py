"""The part of the Explain panel about the GPU: which thread of which block computes the element, drawn and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.widgets.thread_view import ThreadView

#: By the engine's word for it: the kernel whose threads are drawn.
_KERNELS = {"naive": "the naive matrix product", "derived": "the kernel that follows from the definition"}


class ThreadsPart(QWidget):
    """Title, figure, how the thread finds its element, and of which kernel all that is told."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.title, self.arithmetic, self.note = QLabel(), QLabel(), QLabel()
        for label, name in (
            (self.title, "Thread of the GPU"), (self.arithmetic, "How the thread finds its element"),
            (self.note, "Which kernel this is told of"),
        ):  # fmt: skip
            label.setAccessibleName(name)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setMinimumWidth(1)
        self.note.setObjectName("muted")
        self.view = ThreadView(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.title, self.view, self.arithmetic, self.note):
            layout.addWidget(part)
        self.apply_theme(theme)

    def show_launch(self, launch: Mapping[str, Any] | None) -> None:
        """Show the launch of an explained element; nothing where no GPU computed it."""
        self.setVisible(launch is not None)
        if launch is None:
            return
        self.view.show_launch(launch)
        grid = self.view.grid
        assert grid is not None
        self.title.setText(grid.title)
        self.arithmetic.setText("\n".join(grid.arithmetic).replace("·", "·\u200b"))
        idle = "Hatched: threads for which no element is left. " if grid.idle else ""
        kernel = _KERNELS.get(launch["kernel"], launch["kernel"])
        self.note.setText(
            f"{idle}This is {kernel}: one thread for each element. The tuned kernel that ran may give a thread several."
        )

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self.title.setFont(theme.text_font("head", bold=True))
        self.arithmetic.setFont(theme.code_font("body"))
        self.note.setFont(theme.text_font("body"))
        self.view.apply_theme(theme)

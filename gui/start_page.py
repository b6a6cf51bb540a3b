"""The page before any script is open: samples, recent scripts, open, attach."""

from __future__ import annotations

import os
from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.actions import SPECS, shown_key
from gui.context import Context
from gui.icons import icon
from gui.panels.panel import ElidedLabel
from gui.samples import Sample, find_samples, short_path
from gui.saved_sessions.saving import kept_place
from gui.thumbnails import thumbnail

#: What the keys are that a newcomer needs.
_FIRST_KEYS = ("over", "into", "out", "back", "continue", "keys")

#: Keys, and which way they go.
_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


class StartPage(QScrollArea):
    """``open_file(path)`` is called with what is chosen."""

    def __init__(self, context: Context, open_file: Callable[[str], object]) -> None:
        super().__init__()
        self._context = context
        self._open = open_file
        self._samples: list[Sample] | None = None
        self._shown_columns = 1
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Start page")
        self.setObjectName("start-page")
        context.theme_changed.connect(self.rebuild)
        self.rebuild()

    def rebuild(self) -> None:
        """Show what there is now."""
        theme = self._context.theme
        page = QWidget()
        page.setObjectName("start")
        row = QHBoxLayout(page)
        around = theme.space(40 if self.width() >= theme.space(344 + 250 + 3 * 40 + 12) else 12)
        row.setContentsMargins(around, min(around, theme.space(32)), around, theme.space(24))
        row.setSpacing(around)
        row.addStretch(1)
        row.addLayout(self._left(), 0)
        row.addLayout(self._right(), 0)
        row.addStretch(1)
        self.setWidget(page)

    def resizeEvent(self, event: object) -> None:
        columns = self._columns()
        super().resizeEvent(event)  # type: ignore[arg-type]
        if columns != self._shown_columns:
            self.rebuild()

    def _columns(self) -> int:
        space = self._context.theme.space
        return next((columns for columns, least in ((3, 1500), (2, 1120)) if self.width() >= space(least)), 1)

    def _left(self) -> QVBoxLayout:
        theme = self._context.theme
        column = QVBoxLayout()
        column.setSpacing(theme.space(8))
        title = QLabel("Nablascope")
        title.setFont(theme.text_font("title", bold=True))
        column.addWidget(title)
        lead = QLabel("Step through the training of a neural network, forwards and backwards, down to the single number.")
        lead.setObjectName("muted")
        lead.setWordWrap(True)
        column.addWidget(lead)
        column.addSpacing(theme.space(12))
        column.addWidget(self._heading("Samples"))
        grid = QGridLayout()
        grid.setSpacing(theme.space(12))
        if self._samples is None:
            self._samples = find_samples()
        columns = self._shown_columns = self._columns()
        for i, sample in enumerate(self._samples):
            grid.addWidget(Card(self._context, sample, self._open), i // columns, i % columns)
        if not self._samples:
            column.addWidget(QLabel("The samples are not installed. Open a script of your own with Ctrl+O."))
        column.addLayout(grid)
        column.addStretch(1)
        return column

    def _right(self) -> QVBoxLayout:
        theme = self._context.theme
        column = QVBoxLayout()
        column.setSpacing(theme.space(4))
        column.addSpacing(theme.space(8))
        column.addWidget(self._heading("Begin"))
        for name in ("open", "attach"):
            column.addWidget(self._link(SPECS[name].text, self._context.action(name).trigger, SPECS[name].tip,
                                        shown_key(SPECS[name].keys[0])))  # fmt: skip
        column.addSpacing(theme.space(16))
        column.addWidget(self._heading("Recent"))
        recent = [path for path in self._context.settings.get("recent", ()) if isinstance(path, str)][:8]
        for path in recent:
            gone = not os.path.exists(path)
            link = self._link(os.path.basename(path), lambda path=path: self._open(path), short_path(path))
            link.setEnabled(not gone)
            column.addWidget(link)
            where = ElidedLabel("no longer there" if gone else short_path(os.path.dirname(path)))
            where.setObjectName("muted")
            where.setFont(theme.text_font("small"))
            where.setContentsMargins(0, 0, 0, theme.space(2))
            column.addWidget(where)
            if not gone and (place := kept_place(self._context.settings, path)):
                column.addWidget(self._place_link(*place))
        if not recent:
            hint = QLabel("Scripts that you open are listed here.")
            hint.setObjectName("muted")
            hint.setWordWrap(True)
            column.addWidget(hint)
        column.addSpacing(theme.space(16))
        column.addWidget(self._heading("Keys"))
        column.addLayout(self._keys())
        column.addStretch(1)
        holder = QVBoxLayout()
        side = QWidget()
        side.setFixedWidth(theme.space(250))
        side.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        holder.addWidget(side)
        return holder

    def _place_link(self, file: str, where: str) -> QPushButton:
        """Goes on where a script stood when the window was closed."""
        tip = "Reopen where you were: bring its runs, with their edits, back to where they stood when the window was closed"
        link = self._link(f"Reopen at {where}", lambda: self._open(file), tip)
        link.setFont(self._context.theme.text_font("small"))
        link.setIcon(icon("restart", self._context.theme))
        return link

    def _keys(self) -> QGridLayout:
        theme = self._context.theme
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(12))
        grid.setVerticalSpacing(theme.space(4))
        for i, name in enumerate(_FIRST_KEYS):
            key = QLabel(shown_key(SPECS[name].keys[0]))
            key.setFont(theme.code_font("small"))
            key.setObjectName("muted")
            grid.addWidget(key, i, 0)
            grid.addWidget(QLabel(SPECS[name].text), i, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _heading(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setFont(self._context.theme.text_font("head", bold=True))
        return label

    def _link(self, text: str, action: Callable[[], object], tip: str, key: str = "") -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("link")
        button.setAccessibleName(text)
        button.setToolTip(f"{tip} ({key})" if key else tip)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: action())
        return button


class Card(QPushButton):
    """A sample: picture, title, sentence."""

    def __init__(self, context: Context, sample: Sample, open_file: Callable[[str], object]) -> None:
        super().__init__()
        theme = context.theme
        self.setAutoDefault(True)  # Return opens it, as Space does
        self.setObjectName("card")
        self.setAccessibleName(sample.title)
        self.setAccessibleDescription(sample.sentence)
        self.setToolTip(f"Open {sample.path.name}: it stops at its first line")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._width = theme.space(344)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Minimum)
        picture = QLabel()
        picture.setPixmap(thumbnail(sample.name, theme, self.devicePixelRatioF()))
        title = QLabel(sample.title.replace("-", "\u2011"))  # no line ends within "Fashion-MNIST"
        title.setFont(theme.text_font("body", bold=True))
        sentence = QLabel(sample.sentence)
        sentence.setObjectName("muted")
        sentence.setFont(theme.text_font("small"))
        for label in (title, sentence):
            label.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(theme.space(2))
        words.addWidget(title)
        words.addWidget(sentence)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(*(theme.space(8),) * 4)
        row.setSpacing(theme.space(12))
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for label in (picture, title, sentence):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.clicked.connect(lambda: open_file(str(sample.path)))

    def sizeHint(self) -> QSize:
        layout = self.layout()
        assert layout is not None
        return QSize(self._width, layout.totalHeightForWidth(self._width) + 2)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        """Arrows go to the card that lies there; Qt's own would go along the rows."""
        way = _ARROWS.get(a0.key()) if a0 is not None else None
        page = self.parentWidget()
        if way is None or page is None:
            return super().keyPressEvent(a0)
        here, found = self.geometry().center(), []
        for card in page.findChildren(Card):
            far = card.geometry().center() - here
            along, aside = (far.x() * way[0], abs(far.y())) if way[0] else (far.y() * way[1], abs(far.x()))
            if along > 0 and card.isVisible():
                found.append((aside, along, id(card), card))
        if found:
            min(found)[-1].setFocus(Qt.FocusReason.TabFocusReason)

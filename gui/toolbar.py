"""The bar at the top: open, move in time, the level, the speed, the runs."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from gui.context import Context
from gui.stepping import CHOICES, FREE, steps_per_second

_GROUPS = (("open",), ("restart", "back", "continue", "pause", "stop"), ("over", "into", "out"))
_NAMED = {"open": "Open", "continue": "Continue", "over": "Over", "into": "Into", "out": "Out", "back": "Back"}


class Toolbar(QWidget):
    """See the module."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setObjectName("toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._layout.setSpacing(2)
        # Narrower than its content it drops texts instead of making the window wider.
        self._layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._buttons: list[QToolButton] = []
        self._named: list[QToolButton] = []
        self._labels: list[QWidget] = []
        for group in _GROUPS:
            for name in group:
                self._add_button(name)
            self._add_line()
        self._add_level()
        self._add_speed()
        self._layout.addStretch(1)
        self._add_runs()
        self.apply_theme()
        context.theme_changed.connect(self.apply_theme)
        context.state.subscribe("level", self._show_level)
        context.state.subscribe("runs", self._show_runs)
        self._show_level()
        self._show_runs()

    def _add_button(self, name: str) -> None:
        button = QToolButton()
        button.setDefaultAction(self._context.action(name))
        named = name in _NAMED
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if named else Qt.ToolButtonStyle.ToolButtonIconOnly
        button.setToolButtonStyle(style)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(self._context.action(name).text())
        if named:
            self._named.append(button)
            button.setText(_NAMED[name])
            # The action would write its own longer text whenever it changes.
            self._context.action(name).changed.connect(lambda: button.setText(_NAMED[name]))
        self._buttons.append(button)
        self._layout.addWidget(button)

    def _add_line(self) -> None:
        line = QFrame()
        line.setFixedWidth(1)
        line.setObjectName("toolbar-line")
        self._layout.addSpacing(6)
        self._layout.addWidget(line)
        self._layout.addSpacing(6)

    def _add_label(self, text: str, buddy: QWidget) -> None:
        label = QLabel(text)
        label.setObjectName("muted")
        label.setBuddy(buddy)
        self._labels.append(label)
        self._layout.addWidget(label)
        self._layout.addSpacing(4)
        self._layout.addWidget(buddy)

    def _add_level(self) -> None:
        self.level = QComboBox()
        self.level.addItems(CHOICES)
        self.level.setAccessibleName("Level of a step")
        self.level.setToolTip(
            "<b>Level</b> (Ctrl+[ coarser, Ctrl+] finer)<br>What one step over means: an epoch, a batch, a line of the "
            "script, a module, an op, or one multiply-add of an element"
        )
        self.level.activated.connect(lambda i: self._context.state.update(level=CHOICES[i]))
        self._add_label("level", self.level)
        self._layout.addSpacing(12)

    def _add_speed(self) -> None:
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, FREE)
        self.speed.setPageStep(10)
        self.speed.setAccessibleName("Speed of continue")
        self.speed.setValue(int(self._context.settings.get("speed", FREE)))
        self.speed.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.speed_text = QLabel()
        self.speed_text.setObjectName("muted")
        self.speed.valueChanged.connect(self._speed_changed)
        self._add_label("speed", self.speed)
        self._layout.addSpacing(4)
        self._layout.addWidget(self.speed_text)
        self._labels.append(self.speed_text)
        self._speed_changed(self.speed.value())

    def _speed_changed(self, position: int) -> None:
        self._context.settings["speed"] = position
        speed = steps_per_second(position)
        self.speed_text.setText("free" if speed is None else f"{speed:g} /s")
        meaning = "runs freely to the next breakpoint" if speed is None else f"makes {speed:g} steps of the level a second"
        self.speed.setToolTip(f"<b>Speed</b> (Ctrl+Shift+, and Ctrl+Shift+.)<br>Continue {meaning}")

    def _add_runs(self) -> None:
        self.runs = QComboBox()
        self.runs.setAccessibleName("Current run")
        self.runs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.runs.setToolTip(
            "<b>Run</b><br>The run that the panels show. Another one begins when a value is edited (a fork) or when the "
            "script is restarted with other parameters"
        )
        self.runs.activated.connect(self._run_chosen)
        self._add_label("run", self.runs)
        self._layout.addSpacing(4)
        self._add_button("compare")

    def _run_chosen(self, i: int) -> None:
        number = self.runs.itemData(i)
        if number is not None and not self._context.state.runs[i]["current"]:
            self._context.link.switch(number)

    def _show_level(self) -> None:
        level = self._context.state.level
        if level in CHOICES:
            self.level.setCurrentIndex(CHOICES.index(level))

    def _show_runs(self) -> None:
        runs = self._context.state.runs
        self.runs.blockSignals(True)
        self.runs.clear()
        for i, run in enumerate(runs):
            self.runs.addItem(run["name"] + (" (lost)" if run["state"] == "lost" else ""), run["number"])
            if run["current"]:
                self.runs.setCurrentIndex(i)
        if not runs:
            self.runs.addItem("none")
        self.runs.setEnabled(len(runs) > 1)
        self.runs.blockSignals(False)

    def apply_theme(self) -> None:
        """Sizes that depend on the text's."""
        theme = self._context.theme
        side = 20 if theme.point_size() > 12 else 16
        for button in self._buttons:
            button.setIconSize(QSize(side, side))
        self.speed.setFixedWidth(theme.space(84))
        self.speed_text.setFont(theme.code_font("small"))
        self.speed_text.setFixedWidth(self.speed_text.fontMetrics().horizontalAdvance("39.9 /s") + 4)
        self.setFixedHeight(theme.space(40))
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show the texts of buttons, and the labels, where there is room for them."""
        for texts, labels in ((True, True), (False, True), (False, False)):
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if texts else Qt.ToolButtonStyle.ToolButtonIconOnly
            for button in self._named:
                button.setToolButtonStyle(style)
            for label in self._labels:
                label.setVisible(labels)
            if self._layout.minimumSize().width() <= self.width():
                return

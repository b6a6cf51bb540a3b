"""``Stepper``: a whole number with a button on either side."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtWidgets import QAbstractSpinBox, QHBoxLayout, QSpinBox, QWidget

from gui.widgets.controls import tool_button

#: Pixels of the spin box beside its text.
_FRAME = 12


class Stepper(QWidget):
    """A number from 0 to ``extent`` - 1, or -1 for "all"; typed, with the arrow keys, the wheel, or the buttons.

    Signals:
        changed(int): the user has chosen another number.
    """

    changed = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spin = QSpinBox()
        self.spin.setObjectName("stepper")
        self.spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.spin.setKeyboardTracking(False)
        self.spin.setRange(-1, 0)
        self.spin.setValue(-1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._buttons = (tool_button("‹", "Previous", ""), tool_button("›", "Next", ""))
        layout.addWidget(self._buttons[0])
        layout.addWidget(self.spin)
        layout.addWidget(self._buttons[1])
        for button in self._buttons:
            button.setMaximumWidth(14)
        self._names = ("", "")
        self._short = False
        self._offered: tuple[str, str, int] | None = None
        self.spin.installEventFilter(self)
        self._buttons[0].clicked.connect(self.spin.stepDown)
        self._buttons[1].clicked.connect(self.spin.stepUp)
        self.spin.valueChanged.connect(self._changed)

    def value(self) -> int:
        """The number; -1 for all."""
        return self.spin.value()

    def set_value(self, value: int) -> None:
        """Show a number without saying that it was chosen."""
        self.spin.blockSignals(True)
        self.spin.setValue(value)
        self.spin.blockSignals(False)
        self._enable()

    def offer(self, name: str, letter: str, extent: int, value: int) -> None:
        """Let choose among ``extent`` entries called ``name``, in little room ``letter``; with fewer than two the widget
        hides."""
        self.spin.blockSignals(True)
        self.setVisible(extent > 1)
        self.spin.setRange(-1, max(0, extent - 1))
        self.spin.setValue(min(value, extent - 1))
        self.spin.blockSignals(False)
        self._enable()
        offered = name, letter, extent
        if offered != self._offered and (extent > 1 or self._offered is None):
            # To write it anew has the whole panel laid out again.
            self._offered = offered
            self._describe(name, letter, extent)

    def _describe(self, name: str, letter: str, extent: int) -> None:
        self.spin.setAccessibleName(name.capitalize())
        self.spin.setToolTip(f"Which {name} is shown, 0 to {extent - 1}; one below 0: all")
        for button, text in zip(self._buttons, ("Previous", "Next")):
            button.setAccessibleName(f"{text} {name}")
            button.setToolTip(f"{text} {name}")
        self._names = (name, letter)
        self._write()

    def set_short(self, short: bool) -> None:
        """Call the dimension by its letter, or by its name."""
        if short != self._short:
            self._short = short
            self._write()

    def width_with(self, short: bool) -> int:
        """Pixels that the widget takes with the letter, or with the name."""
        text = max(reversed(self._texts(short, str(self.spin.maximum()))), key=len)
        buttons = sum(min(button.sizeHint().width(), button.maximumWidth()) for button in self._buttons)
        return self.spin.fontMetrics().horizontalAdvance(text) + _FRAME + buttons

    def _texts(self, short: bool, number: str) -> tuple[str, str]:
        """What is written for a number, and for all. It is an index, in brackets as elsewhere."""
        name = self._names[short]
        return f"{name} [{number}]", f"{name} all"

    def _write(self) -> None:
        self.spin.blockSignals(True)
        number, every = self._texts(self._short, "0")
        self.spin.setPrefix(number.partition("0")[0])
        self.spin.setSuffix(number.partition("0")[2])
        self.spin.setSpecialValueText(every)
        self.spin.blockSignals(False)
        beside = sum(min(button.sizeHint().width(), button.maximumWidth()) for button in self._buttons)
        self.spin.setFixedWidth(self.width_with(self._short) - beside)
        self.updateGeometry()

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is not None and a1.type() == QEvent.Type.FontChange:
            self._write()
        return False

    def _changed(self, value: int) -> None:
        self._enable()
        self.changed.emit(value)

    def _enable(self) -> None:
        self._buttons[0].setEnabled(self.spin.value() > self.spin.minimum())
        self._buttons[1].setEnabled(self.spin.value() < self.spin.maximum())

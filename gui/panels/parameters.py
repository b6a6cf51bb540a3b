"""The script's parameters cell as a form: start anew with other values, or change them here in a fork."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context
from gui.panels.panel import Panel
from gui.parameters_cell import Parameter, read_parameters, read_value, setting
from gui.script_text import script_text
from gui.theme import Theme
from gui.widgets.flow_layout import FlowLayout

_WITHOUT = (
    'This script has no parameters cell.\n\nMark one with the line\n# %% tags=["parameters"]\nbefore the assignments '
    "that shall appear here, and restart."
)


class ParametersPanel(Panel):
    """One field a parameter; those that differ from the current run's are marked."""

    key = "parameters"
    title = "Parameters"
    area = "left-bottom"
    trails = True
    empty_text = "The values of the script's parameters cell appear here, to be changed.\n\nOpen a script (Ctrl+O)."
    needs_stop = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.parameters: list[Parameter] = []
        self.fields: dict[str, QLineEdit | QCheckBox] = {}
        self._read: tuple[str, str] | None = None
        self._shown: dict[str, Any] = {}
        self._labels: dict[str, QLabel] = {}
        self.problems: dict[str, QLabel] = {}
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(6)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        column.addLayout(self._form)
        column.addStretch(1)
        self.note = QLabel()
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        self.note.setMinimumWidth(1)
        self.note.setAccessibleName("Note about the parameters")
        self.restart = QPushButton("Restart with these")
        self.restart.setAccessibleName("Restart with these")
        self.restart.setToolTip("Begin anew with these values, as another run beside the current one, to compare")
        self.restart.clicked.connect(self.restart_run)
        self.fork = QPushButton("Fork here")
        self.fork.setAccessibleName("Fork here")
        self.fork.setToolTip(
            "Fork the run here and assign the changed values there. Learning rate, weight decay and the like of optimizers "
            "made with them follow, and the schedule of a rate; other things made with them (layers, data loaders) stay "
            "as they were."
        )
        self.fork.clicked.connect(self.fork_run)
        self.reset = QPushButton("Reset")
        self.reset.setAccessibleName("Reset to the values of this run")
        self.reset.setToolTip("Back to the values of the current run")
        self.reset.clicked.connect(self._fill)
        buttons = FlowLayout(spacing=8, margins=(0, 0, 0, 0))
        for button in (self.restart, self.fork, self.reset):
            buttons.addWidget(button)
        self._scroll = scroll = QScrollArea()
        scroll.setAccessibleName("Parameters")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(body)
        body.setAutoFillBackground(False)
        if (bar := scroll.verticalScrollBar()) is not None:
            bar.rangeChanged.connect(self._keep_in_sight)
        content = QWidget()
        whole = QVBoxLayout(content)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        foot = QVBoxLayout()  # stays in sight however many parameters there are
        foot.setContentsMargins(12, 8, 12, 8)
        foot.setSpacing(8)
        foot.addWidget(self.note)
        foot.addLayout(buttons)
        whole.addLayout(foot)
        self.set_content(content)
        self.state.subscribe(("program", "runs", "launched"), self._changed)

    # ---- what there is ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._changed()

    def show_running(self) -> None:
        self._changed()

    def _changed(self) -> None:
        if not self.isVisible():
            return
        program = self.state.program
        try:
            source = script_text(program) if program else ""
        except OSError:
            source = ""
        if program is None:
            self.show_empty()
            return
        if (program, source) != self._read:
            self._read = program, source
            self.parameters = read_parameters(source)
            self._build()
        elif self.current() != self._shown:
            self._fill()
        if self.parameters:
            self.show_content()
        else:
            self.show_empty(_WITHOUT)
        self._compare()

    def current(self) -> dict[str, Any]:
        """The values of the current run: the cell's, what it was started with, and what was changed under way."""
        return self._with(self.started(), self.state.current_run.get("assigned") or ())

    def started(self) -> dict[str, Any]:
        """The values that the current run was started with."""
        run = self.state.current_run
        given = run["parameters"] if run else self.state.launched.get("parameters") or ()
        return self._with({p.name: p.value for p in self.parameters}, given)

    def _with(self, values: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
        """``values`` (which are changed) with those that ``NAME=VALUE`` texts say."""
        for text in settings:
            name, _, value = str(text).partition("=")
            if values.get(name.strip(), ...) is not ...:
                try:
                    values[name.strip()] = read_value(value, values[name.strip()])
                except ValueError:
                    continue  # the engine has refused it
        return values

    def _build(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields.clear()
        self._labels.clear()
        self.problems.clear()
        for parameter in self.parameters:
            field: QLineEdit | QCheckBox
            if isinstance(parameter.value, bool):
                field = QCheckBox()
                field.toggled.connect(self._compare)
            else:
                field = QLineEdit()
                field.textChanged.connect(self._compare)
                field.returnPressed.connect(self.restart_run)
            field.setAccessibleName(parameter.name)
            literal = parameter.value is not ...
            field.setEnabled(literal)
            comment = parameter.comment or "No comment in the script"
            field.setToolTip(f"{comment}\nIn the script (line {parameter.line}): {parameter.text}")
            label = QLabel(parameter.name)
            label.setToolTip(field.toolTip())
            self.fields[parameter.name] = field
            self._labels[parameter.name] = label
            self._form.addRow(label, self._with_problem(parameter.name, field))
        # The fields are younger than the buttons below them and than all other panels.
        for one, other in pairwise((self._scroll, *self.fields.values(), self.restart, self.fork, self.reset)):
            QWidget.setTabOrder(one, other)
        self._fill()
        self.apply_theme(self.theme)

    def _with_problem(self, name: str, field: QWidget) -> QWidget:
        """A field with the line below it that says why its value is refused."""
        problem = QLabel()
        problem.setWordWrap(True)
        problem.setMinimumWidth(1)
        problem.setAccessibleName(f"Why {name} is refused")
        problem.hide()
        self.problems[name] = problem
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(field)
        column.addWidget(problem)
        return both

    def _fill(self) -> None:
        self._shown = self.current()
        for parameter in self.parameters:
            field, value = self.fields[parameter.name], self._shown[parameter.name]
            if isinstance(field, QCheckBox):
                field.setChecked(bool(value))
            else:
                field.setText(parameter.text if value is ... else value if isinstance(value, str) else repr(value))
        self._compare()

    def _keep_in_sight(self) -> None:
        """The field that is written in, where the note below has taken its room."""
        if (field := next((field for field in self.fields.values() if field.hasFocus()), None)) is not None:
            self._scroll.ensureWidgetVisible(field, 0, 4)

    # ---- what is changed ----

    def changed(self, before: dict[str, Any] | None = None) -> list[str]:
        """``NAME=VALUE`` of what differs from the run's values, or from those of ``before``. Raises ValueError: a field
        holds no such value.
        """
        found, refused = self._read_fields(self._shown if before is None else before)
        if refused:
            raise ValueError("; ".join(f"{name}: {why}" for name, why in refused.items()))
        return [setting(name, value) for name, value in found.items()]

    def _read_fields(self, before: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """What is other than ``before``, and why what stands in other fields is refused."""
        found: dict[str, Any] = {}
        refused: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.value is ...:
                continue
            name, field = parameter.name, self.fields[parameter.name]
            try:
                value = field.isChecked() if isinstance(field, QCheckBox) else read_value(field.text(), parameter.value)
            except ValueError as error:
                refused[name] = str(error)
                continue
            if value != before[name]:
                found[name] = value
        return found, refused

    def _compare(self) -> None:
        """Mark what is changed, and say what can be done with it."""
        if not self.parameters:
            return
        changed, refused = self._read_fields(self._shown)
        for name, problem in self.problems.items():
            problem.setText(refused.get(name, ""))
            problem.setStyleSheet(f"color: {self.theme.phase_text['alarm'].name()};")
            problem.setVisible(name in refused)
        for name, label in self._labels.items():
            strong = name in changed
            label.setFont(self.theme.code_font(bold=strong))
            label.setStyleSheet(f"color: {(self.theme.ink if strong else self.theme.muted).name()};")
        changes = [f"{name}: {self._shown[name]!r} → {value!r}" for name, value in changed.items()]
        self.note.setText(", ".join(changes))
        self.note.setVisible(bool(changes))
        self.restart.setEnabled(not refused)
        if not changed and (self.fork.hasFocus() or self.reset.hasFocus()):
            self.restart.setFocus()  # Qt would give it to another panel
        self.fork.setEnabled(bool(changed) and not refused and self.state.stop is not None)
        self.reset.setEnabled(bool(changed or refused))
        run = self.state.current_run
        self.head.set_subject(str(run["name"]) if run and len(self.state.runs) > 1 else "")

    def restart_run(self) -> None:
        """Begin anew with the values of the form."""
        try:
            changed = self.changed(self.started())
        except ValueError:
            return
        self.context.link.restart(changed or None, self._name_of_new() if changed else None)

    def _name_of_new(self) -> str | None:
        """What a run with the values of the form is called: what it has other than the first; None: by its number."""
        first = self.state.runs[0].get("parameters", ()) if self.state.runs else ()
        name = _words(self.changed(self._with({p.name: p.value for p in self.parameters}, first)))
        return None if not name or name in [run["name"] for run in self.state.runs] else name

    def fork_run(self) -> None:
        """Assign the changed values here, in a fork."""
        if changed := self.changed():
            self.context.link.fork([{"kind": "parameters", "settings": changed}], _words(changed))

    def apply_theme(self, theme: Theme) -> None:
        for field in self.fields.values():
            field.setFont(theme.code_font())
        for problem in self.problems.values():
            problem.setFont(theme.text_font("small"))
        for button in (self.restart, self.fork, self.reset):
            button.setFont(theme.text_font())
        self.note.setFont(theme.text_font())
        self.note.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self._compare()


def _words(settings: list[str]) -> str:
    return ", ".join(text.replace("=", " = ", 1) for text in settings)


PANEL = ParametersPanel

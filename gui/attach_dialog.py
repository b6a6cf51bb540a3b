"""The dialog that joins a process which listens for a debugger."""

from __future__ import annotations

from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QVBoxLayout, QWidget

_HELP = (
    "In the process: <code>import engine.debug; engine.debug.listen()</code>. It prints its address and its key. "
    "For one on another machine, forward the port with ssh and name 127.0.0.1 here."
)


class AttachDialog(QDialog):
    """Asks for host, port and key; :meth:`values` are these after ``exec()``."""

    def __init__(self, parent: QWidget | None = None, host: str = "127.0.0.1", port: int = 5679, key: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("Attach to a process")
        self.host = QLineEdit(host)
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(port)
        self.key = QLineEdit(key)
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        for name, field in (("Host", self.host), ("Port", self.port), ("Key", self.key)):
            field.setAccessibleName(name)
        form = QFormLayout()
        form.addRow("Host", self.host)
        form.addRow("Port", self.port)
        form.addRow("Key", self.key)
        text = QLabel(_HELP)
        text.setWordWrap(True)
        text.setObjectName("muted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        ok = buttons.addButton("Attach", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(text)
        layout.addLayout(form)
        layout.addWidget(buttons)
        if ok is not None:
            ok.setDefault(True)  # only in the dialog does it stay so when the focus comes back from another button
        self.key.setFocus()
        self.setMinimumWidth(420)

    def values(self) -> tuple[str, int, str]:
        """Host, port, key."""
        return self.host.text().strip() or "127.0.0.1", self.port.value(), self.key.text().strip()

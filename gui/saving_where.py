"""Asking where a file is to be written: its name ends on the format's letters, and no other file is lost unasked."""

from __future__ import annotations

import os

from PyQt6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_path(parent: QWidget, title: str, suggestion: str, letters: str, formats: str) -> str:
    """A path that the user chooses, ending on ``letters`` (".png"); "" for none. ``formats``: the dialog's filter."""
    path, _ = QFileDialog.getSaveFileName(parent, title, suggestion, formats)
    if not path or path.lower().endswith(letters):
        return path
    path += letters
    # The dialog has asked for the name as it was typed: this one may be another file's.
    return path if not os.path.lexists(path) or _may_replace(parent, title, path) else ""


def _may_replace(parent: QWidget, title: str, path: str) -> bool:
    button = QMessageBox.StandardButton
    text = f"{path} is there already. Do you want to replace it?"
    return QMessageBox.warning(parent, title, text, button.Yes | button.No, button.No) == button.Yes

"""Buttons of panel heads, made in one line."""

from __future__ import annotations

from PyQt6.QtWidgets import QToolButton


def tool_button(text: str, name: str, tip: str, checkable: bool = False, checked: bool = False) -> QToolButton:
    """A button with ``text``; ``name`` is what it is called aloud, ``tip`` says what it does."""
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setChecked(checked)
    return button

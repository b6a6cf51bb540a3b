"""The theme as a palette and one style sheet for the whole window."""

from __future__ import annotations

import atexit
import re
from functools import cache

from PyQt6.QtCore import QTemporaryDir
from PyQt6.QtGui import QColor, QFontMetrics, QPalette

from gui.icons import pixmap
from gui.theme import Theme, mixed, with_alpha


def css(color: QColor) -> str:
    """A colour as a style sheet writes it."""
    return f"rgba({color.red()}, {color.green()}, {color.blue()}, {color.alpha()})"


def palette(theme: Theme) -> QPalette:
    """Qt's colours for what the style sheet does not reach."""
    result = QPalette()
    role = QPalette.ColorRole
    for key, color in {
        role.Window: theme.paper, role.WindowText: theme.ink, role.Base: theme.panel, role.AlternateBase: theme.paper,
        role.Text: theme.ink, role.Button: theme.raised, role.ButtonText: theme.ink, role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.ink, role.PlaceholderText: theme.muted, role.Highlight: theme.accent,
        role.HighlightedText: theme.panel, role.Link: theme.accent, role.BrightText: theme.phase["alarm"],
        role.Mid: mixed(theme.panel, theme.ink, 0.25), role.Light: theme.raised, role.Dark: theme.muted,
    }.items():  # fmt: skip
        result.setColor(key, color)
    pale = mixed(theme.panel, theme.ink, 0.38)
    for key in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, key, pale)
    return result


def style_sheet(theme: Theme) -> str:
    """The one style sheet."""
    values = {
        "paper": css(theme.paper), "panel": css(theme.panel), "raised": css(theme.raised), "ink": css(theme.ink),
        "muted": css(theme.muted), "hairline": css(theme.hairline), "accent": css(theme.accent),
        "hover": css(with_alpha(theme.ink, 0.07)), "pressed": css(with_alpha(theme.ink, 0.14)),
        "picked": css(with_alpha(theme.accent, 0.20 if theme.dark else 0.13)), "alarm": css(theme.phase_text["alarm"]),
        "line": css(with_alpha(theme.ink, 0.24)), "handle": css(with_alpha(theme.ink, 0.28)),
        "row": f"{max(18, QFontMetrics(theme.text_font()).height())}px",
        "pale": css(mixed(theme.panel, theme.ink, 0.38)),
        "info": css(mixed(theme.panel, theme.accent, 0.10)),
        "warning": css(mixed(theme.panel, theme.phase["loss"], 0.16)),
        "error": css(mixed(theme.panel, theme.phase["alarm"], 0.14)),
    }  # fmt: skip
    values |= {key: _picture(name, theme.muted) for key, name in (("arrow", "down"), ("up", "up"), ("right", "chevron"))}
    return re.sub(r"@(\w+)", lambda match: values[match[1]], _SHEET)


@cache
def _folder() -> QTemporaryDir:
    """Where the few pictures lie that a style sheet can only name as files; gone with the process."""
    folder = QTemporaryDir()
    atexit.register(folder.remove)  # it lives as long as the process, and nobody destroys it at its end
    return folder


def _picture(name: str, color: QColor) -> str:
    """The path of an icon of 12 pixels as a file."""
    path = _folder().filePath(f"{name}-{color.name()[1:]}.png")
    pixmap(name, color, 12).save(path)
    pixmap(name, color, 12, 2.0).save(path.replace(".png", "@2x.png"))
    return path.replace("\\", "/")


_SHEET = """
QMainWindow, QDialog, #start, #workspace { background: @paper; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QMainWindow::separator { background: @hairline; width: 1px; height: 1px; margin: 1px; }
QMainWindow::separator:hover { background: @accent; }
QToolTip { background: @raised; color: @ink; border: 1px solid @line; padding: 6px; }

QMenuBar { background: @paper; padding: 0 4px; }
QMenuBar::item { padding: 4px 8px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: @hover; }
QMenu { background: @raised; border: 1px solid @line; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 24px; border-radius: 4px; }
QMenu::item:selected { background: @picked; }
QMenu::item:disabled { color: @pale; }
QMenu::separator { height: 1px; background: @hairline; margin: 4px 8px; }
QMenu::icon { padding-left: 4px; }

#toolbar { background: @paper; border-bottom: 1px solid @hairline; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 3px; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked, QToolButton:open { background: @pressed; }
QToolButton:focus { border-color: @accent; }
QToolButton:disabled { color: @pale; }
QToolButton::menu-indicator { image: none; }
QToolButton[popupMode="1"] { padding-right: 8px; }
QToolButton::menu-button { border: none; width: 16px; }
QToolButton::menu-arrow { image: url(@arrow); width: 12px; height: 12px; }
QToolButton[choice="true"] { background: @raised; border-color: @line; padding: 3px 6px; }
QToolButton[choice="true"]:focus { border-color: @accent; }

QPushButton { background: @raised; border: 1px solid @line; border-radius: 6px; padding: 4px 12px; min-height: @row; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @pressed; }
QPushButton:focus, QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 1px solid @accent; }
QPushButton:default { border: 1px solid @accent; color: @accent; }
QPushButton:disabled { color: @pale; border-color: @hairline; }

QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox {
    background: @raised; border: 1px solid @line; border-radius: 6px; padding: 2px 8px; min-height: @row;
    selection-background-color: @picked; selection-color: @ink; }
QComboBox:disabled, QLineEdit:disabled { color: @pale; border-color: @hairline; }
#stepper { padding: 2px 4px; }
QComboBox::drop-down { border: none; width: 18px; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url(@arrow); width: 12px; height: 12px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url(@up); width: 12px; height: 12px; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    border: none; background: transparent; width: 16px; }
QMenu::right-arrow { image: url(@right); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @line; selection-background-color: @picked;
    selection-color: @ink; outline: 0; }

QCheckBox, QRadioButton { spacing: 6px; }
QGroupBox { border: none; margin: 0; }

#panel-head { background: @panel; border-bottom: 1px solid @hairline; }
#panel-head[active="true"] { border-bottom: 2px solid @accent; }
#panel-title { color: @ink; }
#panel-subject { color: @muted; }
#panel-subject[problem="true"] { color: @alarm; }
#empty { color: @muted; background: @panel; padding: 16px; }
QDockWidget { background: @panel; }
QDockWidget > QWidget, #place > QWidget { background: @panel; }

QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: @muted; padding: 5px 6px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: @ink; border-bottom: 2px solid @accent; }
QTabBar::tab:hover { color: @ink; }
QTabBar::tab:focus { color: @accent; }
QTabBar QToolButton { background: @paper; border: none; padding: 0; }
QTabWidget::pane { border: none; }

QAbstractItemView, QPlainTextEdit, QTextEdit, QTextBrowser, QGraphicsView, QAbstractScrollArea {
    background: @panel; border: none; selection-background-color: @picked; selection-color: @ink; }
#start-page { background: @paper; }
QAbstractItemView { outline: 0; alternate-background-color: @paper; }
QAbstractItemView::item { padding: 2px 4px; }
QAbstractItemView::item:hover { background: @hover; }
QAbstractItemView::item:selected { background: @picked; color: @ink; }
QHeaderView { background: @panel; border: none; }
QHeaderView::section { background: @panel; color: @muted; border: none; padding: 3px 4px;
    border-bottom: 1px solid @hairline; }
QTableCornerButton::section { background: @panel; border: none; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @handle; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 2px; background: @line; border-radius: 1px; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; background: @ink; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: @accent; }
QSlider:disabled { color: @pale; }
QProgressBar { background: @hairline; border: none; border-radius: 2px; max-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
QSplitter::handle { background: @hairline; }

QStatusBar { background: @paper; border-top: 1px solid @hairline; }
QStatusBar::item { border: none; }
#muted { color: @muted; }
#status { color: @muted; }

#crumb { border: none; background: transparent; padding: 2px 4px; border-radius: 4px; }
#crumb:hover { background: @hover; }
#crumb:focus { background: @hover; color: @accent; }

#message { border-bottom: 1px solid @hairline; }
#message[severity="info"] { background: @info; }
#message[severity="warning"] { background: @warning; }
#message[severity="error"] { background: @error; }

#card { background: @panel; border: 1px solid @hairline; border-radius: 6px; text-align: left; padding: 0; }
#card:hover { border-color: @line; background: @raised; }
#card:focus { border: 1px solid @accent; }
#link { border: none; border-radius: 0; background: transparent; color: @accent; text-align: left; padding: 3px 4px 3px 0; }
#link:hover { text-decoration: underline; }
#link:focus { text-decoration: underline; }
#link:disabled { color: @pale; }
#toolbar-line { background: @hairline; }
"""

"""The theme as a palette and one style sheet for the whole window."""

from __future__ import annotations

import re
from functools import partial

from PyQt6.QtCore import QBuffer
from PyQt6.QtGui import QColor, QFontMetrics, QPalette

from gui.icons import pixmap
from gui.resources import resource
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
    glyph = min(theme.space(12), 18)  # larger ones would take room from the words beside them
    sizes = {"glyph": glyph, "wide": glyph + 6, "slim": glyph + 4, "pad": glyph - 4, "box": theme.space(13)}
    sizes["round"] = (sizes["box"] + 2) // 2
    values |= {key: f"{pixels}px" for key, pixels in sizes.items()}
    values |= {name: _picture(name, theme.ink, theme.space(13)) for name in ("check", "dot")}
    values |= {
        key: _picture(name, theme.muted, glyph)
        for key, name in (("arrow", "down"), ("up", "up"), ("right", "chevron"), ("left", "back-chevron"))
    }
    return re.sub(r"@(\w+)", lambda match: values[match[1]], _SHEET)


def _picture(name: str, color: QColor, side: int) -> str:
    """An icon of ``side`` pixels as a style sheet names it: ``url(...)``."""
    stem = f"{name}-{color.name()[1:]}-{side}"
    paths = [
        resource(f"{stem}{suffix}.png", partial(_png, name, color, side, ratio))
        for suffix, ratio in (("", 1.0), ("@2x", 2.0))
    ]
    return f'url("{paths[0]}")'


def _png(name: str, color: QColor, side: int, ratio: float) -> bytes:
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    pixmap(name, color, side, ratio).save(buffer, "PNG")
    return buffer.data().data()


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
QMenu::indicator { width: @glyph; height: @glyph; padding-left: 6px; }
QMenu::indicator:checked { image: @check; }
QMenu::icon { padding-left: 4px; }

#toolbar { background: @paper; border-bottom: 1px solid @hairline; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 3px; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked, QToolButton:open { background: @pressed; }
QToolButton:focus { border-color: @accent; }
QToolButton:disabled { color: @pale; }
QToolButton::menu-indicator { image: none; }
QToolButton[popupMode="1"] { padding-right: @pad; }
QToolButton::menu-button { border: none; width: @slim; }
QToolButton::menu-arrow { image: @arrow; width: @glyph; height: @glyph; }
QToolButton[choice="true"] { background: @raised; border-color: @line; padding: 3px 6px; }
QToolButton[choice="true"]:focus { border-color: @accent; }

QPushButton { background: @raised; border: 1px solid @line; border-radius: 6px; padding: 4px 12px; min-height: @row; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @pressed; }
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 1px solid @accent; }
QPushButton:default { border: 1px solid @accent; color: @accent; }
QPushButton:focus { border: 2px solid @accent; padding: 3px 11px; outline: none; }
QPushButton:disabled { color: @pale; border-color: @hairline; }

QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox {
    background: @raised; border: 1px solid @line; border-radius: 6px; padding: 2px 8px; min-height: @row;
    selection-background-color: @picked; selection-color: @ink; }
QComboBox:disabled, QLineEdit:disabled { color: @pale; border-color: @hairline; }
#stepper { padding: 2px 4px; }
QComboBox::drop-down { border: none; width: @wide; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
    image: @arrow; width: @glyph; height: @glyph; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: @up; width: @glyph; height: @glyph; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    border: none; background: transparent; width: @wide; }
QMenu::right-arrow { image: @right; width: @glyph; height: @glyph; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @line; selection-background-color: @picked;
    selection-color: @ink; outline: 0; }

QCheckBox, QRadioButton { spacing: 6px; border: 1px solid transparent; border-radius: 4px; padding: 1px 3px; }
QCheckBox:focus, QRadioButton:focus { border-color: @accent; }
QCheckBox::indicator, QAbstractItemView::indicator {
    width: @box; height: @box; background: @raised; border: 1px solid @muted; border-radius: 3px; }
QRadioButton::indicator { width: @box; height: @box; background: @raised; border: 1px solid @muted; border-radius: @round; }
QRadioButton::indicator:checked { image: @dot; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked { image: @check; }
QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled { border-color: @hairline; }
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
QTabBar QToolButton::left-arrow { image: @left; width: @glyph; height: @glyph; }
QTabBar QToolButton::right-arrow { image: @right; width: @glyph; height: @glyph; }
QTabBar::scroller { width: @wide; }
QTabWidget::pane { border: none; }

QAbstractItemView, QPlainTextEdit, QTextEdit, QTextBrowser, QGraphicsView, QAbstractScrollArea {
    background: @panel; border: none; selection-background-color: @picked; selection-color: @ink; }
#start-page { background: @paper; }
QAbstractItemView { outline: 0; alternate-background-color: @paper; }
QAbstractItemView::item { padding: 2px 4px; }
QAbstractItemView::item:hover { background: @hover; }
QAbstractItemView::item:selected { background: @picked; color: @ink; }
QTreeView::branch:has-children:closed { image: @right; }
QTreeView::branch:has-children:open { image: @arrow; }
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
QAbstractScrollArea::corner { background: transparent; border: none; }
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

#crumb { border: 1px solid transparent; background: transparent; padding: 1px 3px; border-radius: 4px; }
#crumb:hover { background: @hover; }
#crumb:focus { border: 1px solid @accent; background: @hover; }

#message { border-top: 1px solid @hairline; border-left: 1px solid @hairline; }
#message QPushButton { padding: 0 10px; }
#message QPushButton:focus { padding: 0 9px; }
#message QToolButton { padding: 2px; }
#message #more { border-color: @line; background: @raised; padding: 0 6px; }
#message #more:focus { border-color: @accent; }
#message[severity="info"] { background: @info; }
#message[severity="warning"] { background: @warning; }
#message[severity="error"] { background: @error; }

#card { background: @panel; border: 1px solid @hairline; border-radius: 6px; text-align: left; padding: 0; }
#card:hover { border-color: @line; background: @raised; }
#card:focus { border: 2px solid @accent; padding: 0; }
#link { border: 1px solid transparent; border-radius: 4px; background: transparent; color: @accent; text-align: left;
    padding: 2px 3px 2px 0; }
#link:hover { text-decoration: underline; }
#link:focus { border: 1px solid @accent; text-decoration: underline; }
#link:disabled { color: @pale; }
#toolbar-line { background: @hairline; }
"""

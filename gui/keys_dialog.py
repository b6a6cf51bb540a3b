"""F1: all keys and what they do, read from the actions themselves."""

from __future__ import annotations

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QWidget

from gui.actions import SPECS
from gui.context import Context
from gui.letters import plain
from gui.table_dialog import Row, TableDialog

#: What keys do in the widget that has the focus, where they belong to no action: (panel, keys, what, more).
IN_PANELS = (
    ("Everywhere", "Tab, Shift+Tab", "Next control, the one before", ""),
    ("Everywhere", "Space, Return", "Press the button", ""),
    ("Everywhere", "Alt+letter", "The menu, button or field", "Whose letter is underlined"),
    ("Everywhere", "Menu, Shift+F10", "Open the context menu", "Of what has the focus"),
    ("Everywhere", "Esc", "Close the message or the dialog", ""),
    ("Start page", "Arrows", "Next card", ""),
    ("Start page", "Return", "Open it", ""),
    ("Toolbar", "F2", "Rename the run", "In the list of runs"),
    ("Toolbar", "Return, Esc", "Take the name, or the old one", "While it is typed"),
    ("Code", "F9", "Toggle breakpoint", "At the line of the cursor; Shift+F10 opens the menu of the line"),
    ("Code", "Return, Shift+Return", "Next place, the one before", "While a text is looked for"),
    ("Code", "Esc", "Close the search", ""),
    ("Network", "Arrows", "Select the next part", "Of the drawing, in that direction"),
    ("Network", "Return, Esc", "Into the part, and out again", "From a layer to its elements"),
    ("Network", "+, -, 0", "Zoom in, out, fit", ""),
    ("Network", "F2", "Set the element", "Another value, in a fork of the run"),
    ("Tensor", "Arrows", "Select the next element", "Its neighbour in that direction"),
    ("Tensor", "Return", "Explain the element", "Formula, numbers and contributors"),
    ("Tensor", "F2", "Set the element", "Another value, in a fork of the run"),
    ("Tensor", "+, -, 0", "Zoom in, out, reset", "Near enough, the cells show their numbers"),
    ("Tensor", "Ctrl+C", "Copy the number", "That is selected; without one, those in view"),
    ("Explain", "Up, Down", "Next term", "The contributors are lit in the other panels"),
    ("Explain", "Left, Right", "Next factor", "Of the term"),
    ("Explain", "Return", "Select the factor", "And see it explained in turn"),
    ("Timeline", "Left, Right", "One event back or on", ""),
    ("Timeline", "Ctrl+Left, Ctrl+Right", "One step back or on", "Of the optimizer"),
    ("Timeline", "Home, End", "First and newest event", "Of those that are kept"),
    ("Timeline", "+, -, 0", "Zoom in, out, fit", "The strip of events"),
    ("Curves", "Left, Right", "Read the point beside", ""),
    ("Curves", "Up, Down", "Show other plots", "Those that have no room in a low panel"),
    ("Curves", "Return", "Go to that step", "The script is taken there"),
    ("Curves", "Esc", "Read no point", ""),
    ("Curves", "+, -, 0", "Zoom in, out, all steps", ""),
    ("Data", "Arrows", "Select the next sample", "All panels show it"),
    ("Data", "Return", "Change its label", "In a fork of the run"),
    ("Variables", "Return, F2", "Change the value", "In a fork of the run; of a watch, its expression"),
    ("Variables", "Space", "Select the tensor", "All panels show it"),
    ("Variables", "Del", "Remove the watch", ""),
    ("Breakpoints", "Return", "Change the breakpoint", "Condition, hit count, log message"),
    ("Breakpoints", "Esc", "Change nothing", "While a breakpoint is being changed"),
    ("Breakpoints", "Space", "Switch it off or on", ""),
    ("Breakpoints", "Del", "Remove the breakpoint", ""),
)


def key_rows(context: Context, window: QWidget) -> list[Row]:
    """A line for each key of each action of ``window``, by menu, and those of the panels."""
    rows, known = [], set()
    for name, spec in SPECS.items():
        action = context.action(name)
        known.add(action)
        if keys := _keys(action):
            rows.append(Row(spec.menu.partition(" › ")[0], (keys, plain(action.text()).rstrip("…"), spec.tip)))
    order = {group: i for i, group in enumerate(dict.fromkeys(row.group for row in rows))}
    rows.sort(key=lambda row: order[row.group])
    for action in window.findChildren(QAction):
        if action not in known and (keys := _keys(action)):
            rows.append(Row("Panels", (keys, plain(action.text()).rstrip("…"), action.statusTip())))
    rows.extend(Row(panel, (keys, text, more)) for panel, keys, text, more in IN_PANELS)
    return rows


def _keys(action: QAction) -> str:
    return ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts())


class KeysDialog(TableDialog):
    """The table of the keys of ``parent``."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(context, parent, "Keys", ("Key", "What it does", ""), key_rows(context, parent), code=0)

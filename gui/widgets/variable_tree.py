"""``VariableTree``: scopes, variables and watches, unfolded as wanted, updated in place so that nothing jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QPoint, QRect, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)  # fmt: skip

from gui.theme import Theme

#: Types whose text is also what one would type to set them.
_LITERAL = ("int", "float", "bool", "str", "NoneType", "list", "tuple", "dict")


class Node(QTreeWidgetItem):
    """A row.

    Attributes:
        kind: "group", "scope", "variable", "watch", "array", "add" or "more".
        name: unique among its siblings; path: the names from the top.
        body: the protocol's Scope, Variable or answer to evaluate, or a tensor of the stop.
        changed: whether the value was another one at the stop before.
    """

    def __init__(self, kind: str, name: str, parent: Node | None) -> None:
        super().__init__()
        self.kind, self.name = kind, name
        self.path: tuple[str, ...] = (*(parent.path if parent is not None else ()), name)
        self.body: Mapping[str, Any] = {}
        self.changed = False
        self.setText(0, name)

    def rename(self, name: str) -> None:
        """Be the row of something else, beside the same siblings."""
        self.name, self.path, self.body, self.changed = name, (*self.path[:-1], name), {}, False
        self.setText(0, name)

    @property
    def reference(self) -> int:
        """Under which number what is inside can be asked for; 0 where there is nothing."""
        return int(self.body.get("variablesReference") or 0)

    @property
    def expression(self) -> str | None:
        """What the script can evaluate to it."""
        return self.name if self.kind == "watch" else self.body.get("evaluateName")

    @property
    def is_tensor(self) -> bool:
        return "tensor" in self.body or self.kind == "array"


class VariableTree(QTreeWidget):
    """Signals: unfolded(node): what is inside is wanted. edited(node, column, text): a cell was edited.
    picked(node): a row was clicked or reached by key. removed(node): Delete was pressed.
    """

    unfolded = pyqtSignal(object)
    edited = pyqtSignal(object, int, str)
    picked = pyqtSignal(object)
    removed = pyqtSignal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderLabels(["Name", "Value"])
        self.setAccessibleName("Variables and watches")
        self.setUniformRowHeights(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setItemDelegate(_Delegate(self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setExpandsOnDoubleClick(False)
        header = self.header()
        assert header is not None
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setMinimumSectionSize(60)
        self.open_paths: set[tuple[str, ...]] = set()
        self._quiet = False
        self._stale = False
        self._theme: Theme | None = None
        self.itemExpanded.connect(self._expanded)
        self.itemCollapsed.connect(lambda item: self.open_paths.discard(item.path))
        self.itemDoubleClicked.connect(self.edit_cell)
        self.itemClicked.connect(self._clicked)
        self.apply_theme(theme)
        for viewport in (self.viewport(), header.viewport()):
            if viewport is not None:
                # It paints all of itself: the panel, the dock and the window under it need not be.
                viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.setColumnWidth(0, _name_width(theme))

    def paintEvent(self, e: QPaintEvent | None) -> None:
        viewport = self.viewport()
        assert viewport is not None and self._theme is not None
        painter = QPainter(viewport)
        painter.fillRect(viewport.rect(), self._theme.panel)
        painter.end()
        super().paintEvent(e)
        if (last := self._cut_row()) is not None:
            painter = QPainter(viewport)
            painter.fillRect(last, self._theme.panel)
            painter.end()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        if viewport := self.viewport():
            viewport.update()  # a row that was left out may now be whole, and Qt only moves what was painted

    def _cut_row(self) -> QRect | None:
        """Where a row is of which only the upper part can be seen: it is left out, as the source's last line is."""
        viewport = self.viewport()
        assert viewport is not None
        row = self.visualRect(self.indexAt(QPoint(0, viewport.height() - 1)))
        if row.isEmpty() or row.bottom() < viewport.height() or row.top() <= 0:
            return None
        return QRect(0, row.top(), viewport.width(), row.height())

    # ---- rows ----

    def put(self, parent: Node | None, entries: Sequence[tuple[str, str, Mapping[str, Any]]], fresh: bool) -> list[Node]:
        """Make the children of ``parent`` (None: of the top) those of ``entries`` (kind, name, body), reusing rows.

        ``fresh``: values that differ from those shown are marked as changed; otherwise marks stay as they are.
        """
        owner = parent if parent is not None else self.invisibleRootItem()
        assert owner is not None
        old = {child.name: child for child in (owner.child(i) for i in range(owner.childCount())) if isinstance(child, Node)}
        names = [name for _, name, _ in entries]
        if names != list(old) and {kind for kind, _, _ in entries} == {"array"} == {child.kind for child in old.values()}:
            # The arrays of another op: its rows take the place of these.
            rows = list(old.values())
            for child, name in zip(rows, names):
                child.rename(name)
            for child in rows[len(names) :]:
                owner.removeChild(child)
            old = {child.name: child for child in rows[: len(names)]}
        if [child for child in old if child in names] != [name for name in names if name in old]:
            owner.takeChildren()  # another order
            old = {}
        for name, child in old.items():
            if name not in names:
                owner.removeChild(child)
        nodes = []
        for i, (kind, name, body) in enumerate(entries):
            node = old.get(name)
            if node is None or node.kind != kind:
                if node is not None:
                    owner.removeChild(node)
                node = Node(kind, name, parent)
                owner.insertChild(i, node)
                # What has no value beside it has the whole width.
                node.setFirstColumnSpanned(kind in ("add", "scope") or (kind == "group" and not body.get("value")))
                fresh_row = True
            else:
                fresh_row = False
            self._fill(node, body, fresh and not fresh_row)
            nodes.append(node)
        if parent is not None and parent.kind in ("variable", "watch"):
            self._make_room(nodes)
        return nodes

    def _make_room(self, nodes: Sequence[Node]) -> None:
        """Names inside of what was unfolded begin far to the right: they get up to half of the width, and keep it."""
        viewport, metrics, indentation = self.viewport(), self.fontMetrics(), self.indentation()
        assert viewport is not None
        wanted = max((len(node.path) * indentation + metrics.horizontalAdvance(node.name) for node in nodes), default=0)
        self.setColumnWidth(0, max(self.columnWidth(0), min(wanted + indentation, viewport.width() // 2)))

    def _fill(self, node: Node, body: Mapping[str, Any], compare: bool) -> None:
        value, before = _value_text(body), (node.body, node.changed)
        if compare:
            node.changed = bool(node.body) and value != node.text(1)
        node.body = body
        if (body, node.changed) != before or not body or node.text(1) != value:
            self._write(node, value)
        inside = node.reference > 0 or node.kind in ("group", "scope")
        if not inside and node.childCount():
            node.takeChildren()
        wanted = node.path in self.open_paths and inside
        if node.isExpanded() != wanted:
            self._quiet = True
            node.setExpanded(wanted)
            self._quiet = False
        if wanted and node.kind != "group":
            self.unfolded.emit(node)

    def _write(self, node: Node, value: str) -> None:
        body = node.body
        node.setText(1, value)
        tip = _tip(node, body)
        node.setToolTip(0, tip)
        node.setToolTip(1, tip)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if node.kind in ("variable", "watch", "add"):
            flags |= Qt.ItemFlag.ItemIsEditable
        node.setFlags(flags)
        self._color(node)
        inside = node.reference > 0 or node.kind in ("group", "scope")
        indicator = QTreeWidgetItem.ChildIndicatorPolicy
        node.setChildIndicatorPolicy(indicator.ShowIndicator if inside else indicator.DontShowIndicatorWhenChildless)

    def _color(self, node: Node) -> None:
        theme = self._theme
        assert theme is not None
        node.setFont(1, theme.code_font(bold=node.changed))
        if self._stale and node.kind != "add":
            node.setForeground(0, theme.muted)
            node.setForeground(1, theme.muted)
            return
        node.setForeground(0, theme.muted if node.kind in ("group", "scope", "add", "more") else theme.ink)
        color = theme.accent if node.changed else theme.muted if node.kind in ("group", "array", "more") else theme.ink
        node.setForeground(1, theme.phase_text["alarm"] if node.body.get("problem") else color)

    def _expanded(self, item: QTreeWidgetItem) -> None:
        if isinstance(item, Node):
            self.open_paths.add(item.path)
            if not self._quiet and item.kind != "group":
                self.unfolded.emit(item)

    def node_at(self, path: Sequence[str]) -> Node | None:
        """The row with that path."""
        owner: QTreeWidgetItem | None = self.invisibleRootItem()
        for name in path:
            children = [owner.child(i) for i in range(owner.childCount())] if owner is not None else []
            owner = next((child for child in children if isinstance(child, Node) and child.name == name), None)
        return owner if isinstance(owner, Node) else None

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        before, self._theme = self._theme, theme
        self.setFont(theme.code_font())
        self.setIndentation(theme.space(14))
        if before is not None:  # larger text wants as much wider a column
            self.setColumnWidth(0, round(self.columnWidth(0) * _name_width(theme) / _name_width(before)))
        if (header := self.header()) is not None:
            header.setStyleSheet(f"QHeaderView::section {{ font-size: {theme.point_size('small')}pt; }}")
        self._color_all()

    def set_stale(self, stale: bool) -> None:
        """Show that the values are those of an earlier stop."""
        if stale != self._stale:
            self._stale = stale
            self._color_all()

    def _color_all(self) -> None:
        waiting = [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Node):
                self._color(item)
                waiting += [item.child(i) for i in range(item.childCount())]

    # ---- editing ----

    def edit_cell(self, item: QTreeWidgetItem | None, column: int = 1) -> None:
        """Begin to edit a cell, where it can be."""
        if not isinstance(item, Node):
            return
        if item.kind == "more":
            self.unfolded.emit(item)
        elif item.kind == "add":
            self._open_editor(item, 0)
        elif item.kind == "watch" or (item.kind == "variable" and column == 1):
            self._open_editor(item, column)
        elif item.kind in ("group", "scope", "variable"):
            item.setExpanded(not item.isExpanded())

    def _clicked(self, item: QTreeWidgetItem) -> None:
        # What reads as a button is one: what is typed after a click that only selects goes to whatever row begins so.
        if isinstance(item, Node) and item.kind == "add":
            self.edit_cell(item)
        else:
            self.picked.emit(item)

    def _open_editor(self, node: Node, column: int) -> None:
        if self.state() == QAbstractItemView.State.EditingState:
            self.setFocus()  # ends the other editor, as a click elsewhere does: else what is typed would go on going there
        # Not editItem: Qt complains on the console where a row cannot be edited now (in the past, say), or is already.
        self.edit(self.indexFromItem(node, column), QAbstractItemView.EditTrigger.AllEditTriggers, None)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        item = self.currentItem()
        if event is not None and isinstance(item, Node) and self.state() != QAbstractItemView.State.EditingState:
            if event.key() == Qt.Key.Key_Delete:
                self.removed.emit(item)
                return
            if event.key() in (Qt.Key.Key_F2, Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.edit_cell(item, 1 if item.kind == "variable" else 0)
                return
            if event.key() == Qt.Key.Key_Space:
                self.picked.emit(item)
                return
        super().keyPressEvent(event)


class _Delegate(QStyledItemDelegate):
    """Line edits whose text goes to the tree's signal, not into the row."""

    def __init__(self, tree: VariableTree) -> None:
        super().__init__(tree)
        self._tree = tree

    def createEditor(self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setFont(self._tree.font())
        editor.setStyleSheet("QLineEdit { padding: 0 2px; border-radius: 2px; min-height: 0; }")
        node = self._tree.itemFromIndex(index)
        watch = isinstance(node, Node) and node.kind in ("add", "watch") and index.column() == 0
        editor.setPlaceholderText("Python expression" if watch else "New value, a Python expression")
        editor.setAccessibleName("Watch expression" if watch else "New value")
        return editor

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        node = self._tree.itemFromIndex(index)
        if isinstance(editor, QLineEdit) and isinstance(node, Node):
            editor.setText(edit_text(node, index.column()))
            editor.selectAll()

    def setModelData(self, editor: QWidget | None, model: QAbstractItemModel | None, index: QModelIndex) -> None:
        node = self._tree.itemFromIndex(index)
        if isinstance(editor, QLineEdit) and isinstance(node, Node) and editor.text() != edit_text(node, index.column()):
            self._tree.edited.emit(node, index.column(), editor.text().strip())


def edit_text(node: Node, column: int) -> str:
    """What stands in a cell's editor at first."""
    if column == 0:
        return "" if node.kind == "add" else node.name
    if node.body.get("type") in _LITERAL and "…" not in node.text(1):
        return node.text(1)
    return ""


def _value_text(body: Mapping[str, Any]) -> str:
    if "problem" in body:
        return str(body["problem"])
    return str(body.get("value", body.get("result", ""))).replace("\n", " ")


def _tip(node: Node, body: Mapping[str, Any]) -> str:
    if node.kind == "add":
        return "Click (Enter) and write an expression; it is evaluated at every stop."
    if node.kind in ("group", "scope"):
        return ""
    if node.kind == "more":
        return "Double-click (Enter) to show more"
    hints = {
        "variable": "Double-click (F2) the value to change it: a new run begins here with it, this one stays",
        "watch": "Double-click (Enter) to change the expression; Delete removes it",
        "array": "Click (Space) to see the tensor",
    }
    tensor = "Click (Space) to see the tensor\n" if "tensor" in body else ""
    return f"{body.get('type', '')}  {_value_text(body)[:400]}\n{tensor}{hints.get(node.kind, '')}".strip()


def _name_width(theme: Theme) -> int:
    """Width of the column of names: room for "learning_rate"; large text must leave some for the values."""
    return min(theme.space(144), 240)

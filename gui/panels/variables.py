"""The script's variables at the stop, the arrays of the op, and expressions to watch."""

from __future__ import annotations

from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMenu, QToolButton

from gui.context import Context
from gui.numbers import format_shape
from gui.panels.panel import Panel
from gui.panels.variables_edit import edit_of
from gui.places import places_of
from gui.state import Selection
from gui.theme import Theme
from gui.timers import single_shot
from gui.widgets.menu import Menu
from gui.widgets.variable_tree import Node, VariableTree

WATCHES, ARRAYS, ADD = "Watches", "This op", "+ add an expression"

#: Variables that are shown of a container at first, and how many more at each time.
_PAGE = 100

#: Milliseconds after which values of a script that runs are shown as old ones: a longer step is no reason to flicker.
_STALE = 250


class VariablesPanel(Panel):
    """Everything with a name. Clicking a tensor selects it, double-clicking a value changes it."""

    key = "variables"
    title = "Variables"
    area = "left-bottom"
    trails = True
    empty_text = "The script's variables appear here, and expressions to watch.\n\nOpen a script (Ctrl+O) and step (F10)."

    def __init__(self, context: Context) -> None:
        places_of(context)  # hears of stops before the panel does
        super().__init__(context)
        self._results: dict[str, dict[str, Any]] = {}
        self._limits: dict[tuple[str, ...], int] = {}
        self._here: Any = None
        self._retried: Any = None
        self._fresh = False
        self._grey = single_shot(self, _STALE, self._show_stale)
        self.tree = VariableTree(self.theme)
        self.tree.open_paths = {(WATCHES,), (ARRAYS,), ("Locals",), ("Globals",)}
        self.tree.unfolded.connect(self._unfold)
        # Later: rows may come and go then, and the editor of this one is still open now.
        self.tree.edited.connect(self._edited, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]
        self.tree.picked.connect(self._pick)
        self.tree.removed.connect(self._remove)
        self.tree.customContextMenuRequested.connect(self._show_menu)
        self.set_content(self.tree)
        self.add = QToolButton()
        self.add.setText("+")
        self.add.setAccessibleName("Add a watch")
        self.add.setToolTip("Watch an expression: it is evaluated at every stop")
        self.add.clicked.connect(self.begin_watch)
        self.head.add_control(self.add)
        places_of(context).frame_changed.connect(self._frame_changed)
        self.state.subscribe("watches", self._watches_changed)

    # ---- stops ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._grey.stop()
        self.tree.set_stale(False)
        if stop is None:
            return
        here = (self.state.current_run.get("number"), stop.get("position"), stop.get("seq"))
        self._fresh, self._here = here != self._here or bool(stop.get("revision")), here
        if not stop.get("live"):
            self._show_scopes([], stop)
            self.head.set_subject("in the past: the op's arrays")
            return
        frame = places_of(self.context).frame
        function = "top level" if stop.get("function") == "<module>" else str(stop.get("function") or "")
        ended = "" if stop.get("reason") not in ("end", "exited") else "the script has ended: its variables are gone"
        self.head.set_subject(ended or (f"frame {frame}" if frame else function))
        asked = {"frameId": frame}
        found = lambda body: self._show_scopes(body["scopes"], stop)  # noqa: E731
        self.ask("scopes", "scopes", asked, found, lambda _: self._show_scopes([], stop))

    def show_running(self) -> None:
        self._grey.start()

    def _show_stale(self) -> None:
        if self.state.running:
            self.tree.set_stale(True)
            self.head.set_subject("running: pause (F6) to see new values")

    def _frame_changed(self) -> None:
        if self.isVisible() and self.state.stop is not None and not self.state.running:
            self._here = None
            self.show_stop(self.state.stop)

    def _show_scopes(self, scopes: list[dict[str, Any]], stop: dict[str, Any]) -> None:
        entries: list[tuple[str, str, dict[str, Any]]] = [("group", WATCHES, {})]
        if stop.get("tensors"):
            entries.append(("group", ARRAYS, {"value": _op_text(stop)}))
        entries += [("scope", scope["name"], scope) for scope in scopes]
        nodes = {node.name: node for node in self.tree.put(None, entries, False)}
        self._show_watches()
        if ARRAYS in nodes:
            arrays = [("array", tensor["name"], {**tensor, "value": _array_text(tensor)}) for tensor in stop["tensors"]]
            self.tree.put(nodes[ARRAYS], arrays, False)
        for expression in self.watches:
            self._evaluate(expression)

    def _unfold(self, node: Node) -> None:
        """Ask for what is inside of a row; of one that says that there is more, for more of its parent."""
        parent = node.parent()
        if node.kind == "more" and isinstance(parent, Node):
            self._limits[parent.path] = self._limits.get(parent.path, _PAGE) + 4 * _PAGE
            node = parent
        if not node.reference:
            return
        path, count = node.path, self._limits.get(node.path, _PAGE)
        arguments = {"variablesReference": node.reference, "start": 0, "count": count + 1}
        shown = lambda body: self._show_inside(path, body["variables"], count)  # noqa: E731
        asked_at = self.state.stop

        def refused(message: str) -> None:
            # Numbers of variables are those of one stop; at the next one all that is open is asked for anew.
            if self.state.stop is not asked_at or self.state.running or self.context.link.moving:
                return
            if self._retried is not asked_at:
                self._retried = asked_at
                self.show_stop(asked_at)
            else:
                self.head.set_problem(message)

        self.ask(f"inside {path}", "variables", arguments, shown, refused)

    def _show_inside(self, path: tuple[str, ...], variables: list[dict[str, Any]], count: int) -> None:
        node = self.tree.node_at(path)
        if node is None:
            return
        entries: list[tuple[str, str, dict[str, Any]]] = [("variable", entry["name"], entry) for entry in variables[:count]]
        if len(variables) > count:
            total = sum(int(node.body.get(key) or 0) for key in ("namedVariables", "indexedVariables"))
            text = f"{total - count:,} more" if total > count else "more"
            entries.append(("more", "…", {"value": text}))
        self.tree.put(node, entries, self._fresh)

    # ---- watches ----

    @property
    def watches(self) -> list[str]:
        """The expressions; they belong to the script, and the state has them."""
        return self.state.watches

    def _watches_changed(self) -> None:
        self._results = {text: result for text, result in self._results.items() if text in self.watches}
        self._show_watches()
        if self.isVisible() and self.state.stop is not None and not self.state.running:
            for expression in self.watches:
                if expression not in self._results:
                    self._evaluate(expression)

    def _show_watches(self) -> None:
        node = self.tree.node_at((WATCHES,))
        if node is not None:
            entries: list[tuple[str, str, dict[str, Any]]] = [
                ("watch", text, self._results.get(text, {})) for text in self.watches
            ]
            self.tree.put(node, [*entries, ("add", ADD, {})], self._fresh)

    def _evaluate(self, expression: str) -> None:
        arguments: dict[str, Any] = {"expression": expression, "context": "watch"}
        if (self.state.stop or {}).get("live"):
            arguments["frameId"] = places_of(self.context).frame

        def shown(body: dict[str, Any]) -> None:
            self._results[expression] = body
            self._show_watches()

        def failed(message: str) -> None:
            if not self.state.running:
                shown({"problem": message})

        self.ask(f"watch {expression}", "evaluate", arguments, shown, failed)

    def begin_watch(self) -> None:
        """Begin to write an expression."""
        node = self.tree.node_at((WATCHES, ADD))
        if node is not None:
            self.tree.setCurrentItem(node)
            self.tree.edit_cell(node, 0)

    def watch(self, expression: str) -> None:
        """Watch an expression from now on."""
        if expression and expression not in self.watches:
            self.state.update(watches=[*self.watches, expression])

    def _remove(self, node: Node) -> None:
        if node.kind == "watch":
            self.state.update(watches=[old for old in self.watches if old != node.name])

    # ---- editing and selecting ----

    def _edited(self, node: Node, column: int, text: str) -> None:
        if sip.isdeleted(node):
            return
        if node.kind == "add":
            self.watch(text)
        elif node.kind == "watch" and column == 0:
            at = self.watches.index(node.name)
            self.state.update(watches=list(dict.fromkeys(filter(None, [*self.watches[:at], text, *self.watches[at + 1 :]]))))
            if (changed := self.tree.node_at((WATCHES, text))) is not None:  # the row is a new one: the keys stay on it
                self.tree.setCurrentItem(changed)
        elif text:
            self.set_value(node, text)

    def set_value(self, node: Node, text: str) -> None:
        """Give a variable the value of an expression: in a fork, which becomes current; this run stays as it is.

        Where the run cannot be replayed, or an outer frame is looked at, the variable is changed in this run.
        """
        about = f"edit of {node.name}"
        self.context.unsay(about)
        edit = edit_of(node, text)
        run = self.state.current_run
        if edit is not None and run.get("replayable") and not places_of(self.context).frame:
            self.context.link.fork([edit], f"{node.expression} = {text}")
            return
        parent = node.parent()
        if node.kind == "watch":
            command, arguments = "setExpression", {
                "expression": node.name, "value": text, "frameId": places_of(self.context).frame,
            }  # fmt: skip
        elif isinstance(parent, Node):
            command, arguments = "setVariable", {"variablesReference": parent.reference, "name": node.name, "value": text}
        else:
            return
        refused = lambda message: self.context.say(f"{node.name} keeps its value. {message}", "error", about)  # noqa: E731
        self.ask("edit", command, arguments, lambda _: self.context.link.touch(), refused)

    def _pick(self, node: Node) -> None:
        stop = self.state.stop or {}
        if node.kind == "array":
            name = str(node.body["name"])
            self.state.select(
                event=stop.get("seq"), name=name, sample=self.state.selection.sample, module=stop.get("module"),
                label=node.body.get("label") or f"{stop.get('module') or stop.get('op')} {name}",
            )  # fmt: skip
        elif node.is_tensor and node.expression:
            self.state.select(expression=node.expression, label=node.expression, sample=self.state.selection.sample)

    def show_selection(self, selection: Selection) -> None:
        """Show the selected tensor's row, if it is there, without scrolling to it."""
        current = self.tree.currentItem()
        if isinstance(current, Node) and current.is_tensor:
            name = selection.name if current.kind == "array" else selection.expression
            if name != (current.body.get("name") if current.kind == "array" else current.expression):
                self.tree.setCurrentItem(None)

    def _show_menu(self, place: QPoint) -> None:
        node = self.tree.itemAt(place)
        viewport = self.tree.viewport()
        if isinstance(node, Node) and viewport is not None:
            self.menu(node).popup(viewport.mapToGlobal(place))
        elif viewport is not None:  # no row is pointed at: the panel's own menu
            self.customContextMenuRequested.emit(viewport.mapTo(self, place))

    def menu(self, node: Node) -> QMenu:
        """What can be done with a row."""
        menu = Menu(self)

        def add(text: str, call: Any, on: bool) -> None:
            action = menu.addAction(text)
            if action is not None:
                action.setEnabled(on)
                action.triggered.connect(lambda _=False: None if sip.isdeleted(node) else call())

        editable = node.kind in ("variable", "watch") and bool((self.state.stop or {}).get("live"))
        add("Show tensor\tSpace", lambda: self._pick(node), node.is_tensor)
        if node.kind == "watch":
            add("Change expression…\tF2", lambda: self.tree.edit_cell(node, 0), True)
        key = "" if node.kind == "watch" else "\tF2"
        add(f"Change value…{key}", lambda: self.tree.edit_cell(node, 1), editable)
        add("Watch", lambda: self.watch(str(node.expression)), node.kind == "variable" and bool(node.expression))
        add("Remove watch\tDelete", lambda: self._remove(node), node.kind == "watch")
        menu.addSeparator()
        add("Copy value", lambda: _copy(node.text(1)), bool(node.text(1)))
        add("Copy expression", lambda: _copy(str(node.expression)), bool(node.expression))
        return menu

    # ---- the rest ----

    def apply_theme(self, theme: Theme) -> None:
        self.tree.apply_theme(theme)
        self.add.setFont(theme.text_font("head"))

    def save(self) -> dict[str, Any]:
        header = self.tree.header()
        width = header.sectionSize(0) if header is not None else 0
        return {"open": [list(path) for path in sorted(self.tree.open_paths)], "width": width}

    def restore(self, saved: dict[str, Any]) -> None:
        if isinstance(paths := saved.get("open"), list):
            self.tree.open_paths = {tuple(map(str, path)) for path in paths if isinstance(path, list)}
        if isinstance(width := saved.get("width"), int) and 40 < width < 2000:
            self.tree.setColumnWidth(0, width)


def _op_text(stop: dict[str, Any]) -> str:
    module = f" · {stop['module']}" if stop.get("module") else ""
    return f"{stop.get('op') or stop.get('name')} {stop.get('direction') or ''}".strip() + module


def _array_text(tensor: dict[str, Any]) -> str:
    label = f" · {tensor['label']}" if tensor.get("label") else ""
    return f"{tensor['dtype']} {format_shape(tensor['shape'])}{label}"


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)


PANEL = VariablesPanel

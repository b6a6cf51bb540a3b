"""``Panel``: what all panels are. A panel shows one stop and holds no truth; it never speaks to another panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetrics, QHideEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui.context import Context
from gui.exporting_pictures import write_png
from gui.exporting_svg import write_svg
from gui.state import Selection, State
from gui.theme import Theme
from gui.timers import READABLE, Paced
from gui.widgets.hint import Hint


class Panel(QWidget):
    """Base of the panels. A subclass builds its widgets, hands the outermost to :meth:`set_content`, and overrides
    :meth:`show_stop` and whatever else it needs. These are called only while the panel is visible, with the newest
    values; a panel that becomes visible again is told what it has missed.

    Class attributes:
        key, title: its name in code and on the screen.
        area: where it stands at first: "left", "left-bottom", "center", "bottom", "right" or "right-bottom".
        empty_text: what it will show and how to get there; shown while there is no stop (and by :meth:`show_empty`).
        needs_stop: False where it has something to show without a stop; then ``show_stop(None)`` may be called.
        shows_every_stop: False where ``show_stop`` says whether there is something to show: to turn to it and back at
            each stop takes long.
        trails: whether it is there to be read rather than looked at: while the timeline is dragged along it follows some
            times a second, for the pictures to follow at once.
        prompt: whether it is told of a stop before those that are not: it asks the engine for much.
    """

    key = ""
    title = ""
    area = "right"
    empty_text = "Open a script (Ctrl+O); this panel shows where it stops."
    needs_stop = True
    trails = False
    prompt = False
    shows_every_stop = True

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.setObjectName(f"panel-{self.key}")
        self.setAccessibleName(self.title)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.head = PanelHead(self.title, context)
        #: What gets the focus with the panel, where it can; None: the first widget that takes it by Tab.
        self.first: QWidget | None = None
        self._stack = QStackedWidget()
        #: What the engine process is doing until it is ready: then nobody has to open a script.
        self._begins = context.link.begins and f"{context.link.begins} …"
        self._empty = Hint(self._begins or self.empty_text)
        self._empty.setAccessibleName(f"{self.title}: hint")
        self._stack.addWidget(self._empty)
        # A panel may be made small; it is for its content to say what there is no room for.
        self.setMinimumSize(60, 40)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self._stack, 1)
        self._content: QWidget | None = None
        self._due = {"theme", "stop", "selection"}
        self._behind = Paced(self, READABLE, self._show_due)
        context.theme_changed.connect(self._theme_changed)
        context.link.starting.connect(self._starts)
        self.state.subscribe(("stop", "running"), self._stop_changed, self.prompt)
        self.state.subscribe("selection", self._selection_changed)
        if type(self).show_live is not Panel.show_live:
            self.state.subscribe("snapshot", self._snapshot_changed)
        if self.trails:
            self.state.subscribe("scrubbing", self._show_due)

    # ---- for subclasses ----

    @property
    def state(self) -> State:
        return self.context.state

    @property
    def theme(self) -> Theme:
        return self.context.theme

    def set_content(self, widget: QWidget) -> None:
        """Show this below the head whenever there is something to show."""
        if self._content is not None:
            self._stack.removeWidget(self._content)
        self._content = widget
        if not widget.accessibleName():
            widget.setAccessibleName(self.title)
        self._stack.addWidget(widget)
        self._turn_to(self._empty if self.needs_stop and self.state.stop is None else widget)

    def show_empty(self, text: str | None = None) -> None:
        """Show a hint instead of the content (``empty_text`` without one); :meth:`show_content` ends that."""
        self._empty.setText(text or self._begins or self.empty_text)
        self._turn_to(self._empty)

    def show_content(self) -> None:
        """Show the content again."""
        if self._content is not None:
            self._turn_to(self._content)

    def _starts(self, what: str) -> None:
        """The engine process is doing this, or is ready (""), or cannot be started."""
        general = self._empty.text() in (self._begins, self.empty_text)
        self._begins = what and f"{what} …"
        if general and self.state.stop is None:
            self._empty.setText(self._begins or self.empty_text)

    def _turn_to(self, widget: QWidget) -> None:
        if self._stack.currentWidget() is not widget:
            self._stack.setCurrentWidget(widget)

    def ask(
        self,
        slot: str,
        command: str,
        arguments: dict[str, Any],
        then: Callable[[dict[str, Any]], object],
        otherwise: Callable[[str], object] | None = None,
        run: int | None = None,
    ) -> None:
        """Ask the engine; ``then(body)`` is called later unless the same slot has been asked again, or this panel is gone.

        ``run``: the number of the run that is asked; the current one without it.

        A refusal is shown in the head's tooltip where ``otherwise`` is None.
        """

        def answered(body: dict[str, Any]) -> None:
            if not sip.isdeleted(self):
                then(body)

        def refused(message: str) -> None:
            if not sip.isdeleted(self):
                (otherwise or self.head.set_problem)(message)

        self.context.link.ask((self.key, slot), command, arguments, answered, refused, run)

    # ---- to override ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        """The script stands here now (also called when it has stopped running)."""

    def show_running(self) -> None:
        """The script runs: what is shown is old."""

    def show_selection(self, selection: Selection) -> None:
        """Something else is selected."""

    def live_views(self) -> list[dict[str, Any]]:
        """What to ask of the steps of a script that runs freely: ``{"id", "command", "arguments", "every"?}`` as of the
        protocol's View, with ids of this panel's own. Asked when it begins to run, and after :meth:`renew_live`.
        """
        return []

    def take_structure(self, snapshot: dict[str, Any]) -> None:
        """The structure of the steps is known: ``snapshot["events"]``, and ``state.graph``; the views are asked for anew."""

    def show_live(self, views: dict[str, dict[str, Any]]) -> None:
        """What a step has looked like: by id, the answers to those of the views that come with this picture, if any."""

    def apply_theme(self, theme: Theme) -> None:
        """Take on other colours and fonts. What style sheets reach needs nothing."""

    def save(self) -> dict[str, Any]:
        """What shall be remembered between two sessions, as JSON."""
        return {}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what :meth:`save` has returned once; it may come from an older version."""

    # ---- a script that runs freely ----

    def renew_live(self) -> None:
        """Ask for :meth:`live_views` again."""
        if self.state.running and self.isVisible():
            own = [{**view, "id": f"{self.key}:{view['id']}"} for view in self.live_views()]
            self.state.update(live={**self.state.live, self.key: own})

    def _snapshot_changed(self) -> None:
        snapshot = self.state.snapshot
        if sip.isdeleted(self) or not self.isVisible() or snapshot is None or not self.state.running:
            return
        if "events" in snapshot:
            wanted = self.state.live.get(self.key)
            self.take_structure(snapshot)
            self.renew_live()
            if self.state.live.get(self.key) != wanted:
                return  # what has come with it answers other wishes
        start = f"{self.key}:"
        own = {id.removeprefix(start): body for id, body in snapshot["views"].items() if id.startswith(start)}
        if own or "events" not in snapshot:  # else it tells the structure only
            self.show_live(own)

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        if self.key in self.state.live:
            self.state.update(live={key: views for key, views in self.state.live.items() if key != self.key})

    # ---- pictures ----

    def export_png(self, path: str | Path, scale: float = 2.0) -> None:
        """Write what the panel shows as a PNG, ``scale`` times as large. Raises OSError where it cannot be written."""
        write_png(self, path, scale)

    def export_svg(self, path: str | Path) -> None:
        """Write what the panel shows as SVG. Raises OSError where it cannot be written."""
        write_svg(self, path)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Pressed where nothing in it takes a press, or on what takes no focus."""
        super().mousePressEvent(event)
        self.head.pressed.emit()

    # ---- when to show ----

    def _theme_changed(self) -> None:
        self._due.add("theme")
        self._show_due()

    def _stop_changed(self) -> None:
        self._due.add("stop")
        self._follow()

    def _selection_changed(self) -> None:
        self._due.add("selection")
        self._follow()

    def _follow(self) -> None:
        self._behind.call(at_once=not (self.trails and self.state.scrubbing))

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._show_due()

    def _show_due(self) -> None:
        if sip.isdeleted(self) or not self.isVisible():
            return
        due, self._due = self._due, set()
        if "theme" in due:
            self.head.apply_theme(self.theme)
            self._empty.apply_theme(self.theme)
            self.apply_theme(self.theme)
        if "stop" in due:
            self._show_stop()
        if "selection" in due and (self.state.stop is not None or not self.needs_stop):
            self.show_selection(self.state.selection)
        if due & {"stop", "selection"} and self.state.running:
            self.renew_live()

    def _show_stop(self) -> None:
        stop = self.state.stop
        if stop is None and self.needs_stop:
            self.head.set_subject("")
            self.show_empty()
        elif self.state.running:
            self.show_running()
        else:
            if self.shows_every_stop:
                self.show_content()
            self.head.set_problem("")
            self.show_stop(stop)


class PanelHead(QWidget):
    """One line: the panel's name, what it shows, and at the right its controls.

    Signals:
        pressed(): the mouse was pressed on it, or on a place in its panel where nothing takes that.
    """

    pressed = pyqtSignal()

    def __init__(self, title: str, context: Context) -> None:
        super().__init__()
        self.setObjectName("panel-head")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.title = QLabel(title)
        self.title.setObjectName("panel-title")
        self.subject = ElidedLabel()
        self.subject.setObjectName("panel-subject")
        self.subject.setAccessibleName(f"{title}: what it shows")
        self._layout = QHBoxLayout(self)
        # Above the line at the lower edge, which is 2 pixels wide where the panel is active.
        self._layout.setContentsMargins(8, 2, 4, 2)
        self._layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        self._layout.setSpacing(8)
        self._layout.addWidget(self.title)
        self._layout.addWidget(self.subject, 1)
        self.apply_theme(context.theme)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        super().mousePressEvent(a0)  # which leaves it to the dock: it may be moved by its head
        self.pressed.emit()

    def minimumSizeHint(self) -> QSize:
        return QSize(1, self.minimumHeight())

    def sizeHint(self) -> QSize:
        # A dock gives its title bar the height of the hint, whatever height was fixed.
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def set_subject(self, text: str, kept: str = "", brief: str | Sequence[str] = "") -> None:
        """What the panel shows: a tensor's name; ``brief``: what is written, whole, instead where there is no room for it
        all: of several texts the first that has room; ``kept``: its shape and dtype, which are cut last.
        """
        self.subject.set_text(text, kept, brief)

    def set_problem(self, text: str) -> None:
        """Why the panel cannot show what was asked for; "" when it can."""
        self.subject.set_problem(text)

    def add_control(self, widget: QWidget) -> None:
        """Put a control at the right, after those that are there."""
        self._layout.addWidget(widget)

    def apply_theme(self, theme: Theme) -> None:
        self.title.setFont(theme.text_font("body", bold=True))
        self.subject.setFont(theme.code_font("small"))
        self.subject.set_ground(theme.panel)
        self.setFixedHeight(theme.row(32))


#: Share of a text below which what is left of it is not shown at all.
_LEAST = 0.5


class ElidedLabel(QLabel):
    """A label that cuts its text with an ellipsis where there is no room, and shows the whole as a tooltip.

    Another text only paints it anew. Where a QLabel gets one, the whole window is laid out again: too much for texts that
    change thirty times a second.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._whole = ""
        self._kept = self._problem = ""
        self._brief: tuple[str, ...] = ()
        self._ground: QColor | None = None
        self.shown = ""
        self.setMinimumWidth(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        """The whole text."""
        return self._whole

    def setText(self, text: str | None) -> None:
        self.set_text(text or "")

    def set_text(self, text: str, kept: str = "", brief: str | Sequence[str] = "") -> None:
        """Show ``text`` followed by ``kept``; in little room the first text of ``brief`` that has room instead of both, or
        ``text`` cut in its middle while ``kept`` stays whole.
        """
        briefs = tuple(filter(None, (brief,) if isinstance(brief, str) else brief))
        if (text + kept, kept, briefs) != (self._whole, self._kept, self._brief):
            self._whole, self._kept, self._brief = text + kept, kept, briefs
            self._fit()

    def set_problem(self, text: str) -> None:
        """Show a problem instead of the text, or the text again with ""."""
        if text != self._problem:
            self._problem = text
            self.setProperty("problem", bool(text))
            if style := self.style():
                style.polish(self)
            self._fit()

    def set_ground(self, color: QColor) -> None:
        """Paint this under the text: what lies below need not be painted anew with each text."""
        self._ground = color
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.update()

    def sizeHint(self) -> QSize:
        # A QLabel that was never told a text keeps the hint of the font that it had.
        margins = self.contentsMargins()
        return QSize(1, QFontMetrics(self.font()).height() + margins.top() + margins.bottom())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self._fit()

    def _fit(self) -> None:
        text = (self._problem or self._whole).replace("\n", " ")
        metrics, room = QFontMetrics(self.font()), max(self.contentsRect().width(), 1)
        kept = "" if self._problem else self._kept
        name = text.removesuffix(kept)
        briefs = () if self._problem else self._brief
        if metrics.horizontalAdvance(text) <= room:
            shown = text
        elif brief := next((brief for brief in briefs if metrics.horizontalAdvance(brief) <= room), ""):
            shown = brief
        elif briefs and not kept:
            shown = ""
        elif kept and metrics.horizontalAdvance(name[:1] + "…" + name[-2:] + kept) <= room:
            left = room - metrics.horizontalAdvance(kept)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, left) + kept
        else:
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        if shown.endswith("…") and len(shown) <= _LEAST * len(text) and not self._problem:
            shown = ""  # "a…" says nothing; the tooltip says it all
        if shown != self.shown:
            self.shown = shown
            self.update()
        tip = self._problem or self._whole if shown != text or self._problem else ""
        if tip != self.toolTip():
            self.setToolTip(tip)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if not self.shown and self._ground is None:
            return
        painter = QPainter(self)
        if self._ground is not None:
            painter.fillRect(self.rect(), self._ground)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment()) | Qt.TextFlag.TextSingleLine.value, self.shown)
        painter.end()

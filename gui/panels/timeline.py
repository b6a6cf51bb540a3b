"""Timeline: the recorded events as a strip that one can zoom, scrub and travel along."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QSize
from PyQt6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy, QToolButton

from gui.context import Context
from gui.findings import newest
from gui.panels.panel import Panel
from gui.steps import begins
from gui.theme import Theme
from gui.timeline.alarms import Alarms
from gui.timeline.marks import Events, forks, hits
from gui.timeline.paint import least_height
from gui.timeline.travel import TimelineStrip
from gui.timers import repeating

#: Events asked for at once.
_PAGE = 4000

#: Milliseconds between two looks at how far a script that runs has come.
_LOOK = 400


class TimelinePanel(Panel):
    """The strip shows what the engine process remembers; what lies before can be reached by a replay."""

    key = "timeline"
    title = "Timeline"
    area = "bottom"
    empty_text = "What has happened appears here, event by event; drag along it to travel in time."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.events = Events()
        self._alarms = Alarms(self.events, self.ask, self._marks_changed)
        self._run: Any = None
        self._subject = ""
        #: What is under the pointer.
        self._pointed = ""
        self._marked = -1
        self.strip = TimelineStrip(self.theme)
        self.strip.wanted.connect(self._go)
        self.strip.earlier.connect(self._replay)
        self.strip.stepped.connect(self._step)
        self.strip.leaped.connect(self._leap)
        self.strip.pointed.connect(self._point)
        self.strip.dragged.connect(lambda on: self.state.update(scrubbing=on))
        self.legend = Legend()
        fit = QToolButton()
        fit.setText("Fit")
        fit.setAccessibleName("Show all recorded events")
        fit.setToolTip(
            "Show all recorded events (double-click, or key 0 in the strip; the wheel zooms, with Shift it moves)"
        )
        fit.clicked.connect(self.strip.fit)
        self.head.add_control(self.legend)
        self.head.add_control(fit)
        self.set_content(self.strip)
        self._look = repeating(self, _LOOK, self._show_progress)
        self.state.subscribe(("runs", "findings", "breakpoints"), self._marks_changed)

    def show_running(self) -> None:
        self._look.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        self._look.stop()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        if self.state.running:
            self._look.start()

    def _show_progress(self) -> None:
        """The script runs freely: its events are not recorded, but how far it is can be told."""
        step = self.state.progress.get("step")
        if not self.state.running:
            self._look.stop()
        elif step is not None:
            self._subject = "running: pause (F6) to see events"
            self._say()
            self.strip.run_on(int(step))

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._look.stop()
        self.strip.run_on(None)
        if stop is None:
            return
        current = self.state.current_run
        # Each process that stands for a run numbers its events anew, and so does one that comes back.
        run = current.get("number"), current.get("process"), self.state.restoring
        first, seq = self.events.first, stop.get("seq")
        anew = begins(stop) or (first is not None and seq is not None and seq < first)
        if anew or run != self._run or not self.events.fits(stop):
            self.events.clear()
            self._alarms.clear()
            self._run = run
        self.events.visit(stop)
        self._show()
        self._ask()

    def _ask(self) -> None:
        start, stop = self.events.next, self.state.stop or {}
        if not stop.get("live", True) and self.events.get(stop.get("seq")) is not None:
            return  # only the cursor has moved
        arguments = {"count": _PAGE, **({"from": start} if start else {})}

        def answered(body: dict[str, Any]) -> None:
            fresh = self.events.extend(body)
            self._show()
            if start and fresh >= _PAGE:
                self._ask()

        self.ask("events", "events", arguments, answered)

    def _show(self) -> None:
        stop = self.state.stop
        if stop is None:
            return
        self.strip.show_events(self.events, stop.get("seq"), bool(stop.get("live", True)))
        # While a session is restored its runs are about to be replayed.
        self.strip.set_replayable(bool(self.state.current_run.get("replayable", True) or self.state.restoring))
        self._subject = self.events.summary(stop)
        self._say()
        if self.events.version != self._marked:
            self._marks_changed()

    def _marks_changed(self) -> None:
        self._marked = self.events.version
        self.strip.show_marks(
            forks(self.state.runs, self.events), hits(self.state.breakpoints, self.events),
            self._alarms.places(newest(self.state.findings)),
        )  # fmt: skip

    def _point(self, text: str) -> None:
        self._pointed = text
        self._say()

    def _say(self) -> None:
        brief = "" if self._pointed else self._subject.partition(" · kept")[0].partition(":")[0]
        self.head.set_subject(self._pointed or self._subject, brief=brief)

    # ---- the user ----

    def _go(self, seq: int) -> None:
        stop = self.state.stop
        # A move that is under way leads elsewhere: back to here, too, is a move then.
        if stop is not None and (stop.get("seq") != seq or self.context.link.moving):
            self.context.link.move("goto", seq=seq)

    def _replay(self, step: int) -> None:
        """Go to the end of a step before what is remembered."""
        self.ask("locate", "locate", {"step": step}, lambda body: self._located(step, body))

    def _located(self, step: int, body: dict[str, Any]) -> None:
        if body["position"] is not None:
            where = f"the end of step {step:,}" if step else "the beginning"
            self.context.say(f"Replaying up to {where}: a fresh process computes the run again, bit by bit the same.")
            self.context.link.move("goto", position=body["position"])
        elif step > body["steps"]:
            self.context.link.move("runTo", step=step)

    def _step(self, back: bool) -> None:
        self.context.link.move("stepBack" if back else "next", granularity="op")

    def _leap(self, back: bool) -> None:
        """To the end of the step before the first that is remembered, or of the step that is to come."""
        here = int((self.state.stop or {}).get("step") or 0)
        if not back or here > 0:
            self._replay(here - 1 if back else here + 1)

    # ---- theme, memory ----

    def apply_theme(self, theme: Theme) -> None:
        self.strip.apply_theme(theme)
        self.setMinimumHeight(least_height(theme))
        self.legend.apply_theme(theme)

    def save(self) -> dict[str, Any]:
        return {"span": self.strip.span_shown()}

    def restore(self, saved: dict[str, Any]) -> None:
        span = saved.get("span")
        if isinstance(span, (int, float)) and span > 1:
            self.strip.set_span(float(span))


class Legend(QLabel):
    """The hues of the phases. In little room only that of the loss: the lanes of the others bear their names."""

    _PHASES = ("forward", "loss", "backward", "update")

    def __init__(self) -> None:
        super().__init__()
        self._texts = ("", "")
        self.setAccessibleName("Legend: hues of forward, loss, backward and update")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(1)

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and font."""
        self.setFont(theme.text_font("small"))
        signs = {name: f'<span style="color:{theme.phase[name].name()}">■</span>&nbsp;{name}' for name in self._PHASES}
        self._texts = ("&nbsp; ".join(signs.values()), signs["loss"])
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(self._width(self._PHASES), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(1, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _width(self, names: tuple[str, ...]) -> int:
        metrics = self.fontMetrics()
        return 4 + metrics.horizontalAdvance("\u00a0 ".join(f"■\u00a0{name}" for name in names))

    def _fit(self) -> None:
        fits = self.width() >= self.sizeHint().width()
        text = self._texts[0] if fits else self._texts[1] if self.width() >= self._width(("loss",)) else ""
        if text != self.text():
            self.setText(text)


PANEL = TimelinePanel

"""Sending pictures without letting the script wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from engine.debug.live.picture import COPIED
from engine.debug.live.views import Answer, Later

#: Bytes of all parts of a picture up to which it is made and sent at once; of each part they are COPIED.
_TOGETHER = 4 * COPIED


class Outbox:
    """Finishes and sends pictures: at once where that takes little time, else on a thread of its own, for which the script
    would have to wait several times for each of them. Of what waits the newest is kept, together with what only the older
    one holds.

    Args:
        send: ``send(body, at_once)``: whether it was sent. May take long, but for ``at_once``: then it is not sent where
            something has to be waited for.
        failed: told of an error in making a view.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any], bool], bool],
        failed: Callable[[Exception], object] = lambda error: None,
    ) -> None:
        self._send, self._failed = send, failed
        self._changed = threading.Condition()
        self._waiting: dict[str, Any] | None = None
        self._sending = False
        self._thread: threading.Thread | None = None

    def put(self, body: dict[str, Any]) -> None:
        """Have ``body`` sent, now or soon."""
        idle = self._waiting is None and not self._sending
        if idle and "graph" not in body and _is_quick(body["views"]) and self._finish(body, True):
            return
        with self._changed:
            self._waiting = joined(self._waiting, body)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="nablascope-pictures", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None)
                self._sending, body, self._waiting = True, self._waiting, None
            assert body is not None
            self._finish(body, False)
            self._sending = False

    def _finish(self, body: dict[str, Any], at_once: bool) -> bool:
        """Make the views and send them; False where that has to be done later."""
        try:
            made = finished(body)
        except Exception as error:
            self._failed(error)
            return True
        return self._send(made, at_once)


def _is_quick(views: dict[str, Answer]) -> bool:
    """Whether to make and send the views takes no longer than to hand them to another thread."""
    parts = [made.part.nbytes for _, made in views.values() if isinstance(made, Later)]
    return max(parts, default=0) <= COPIED and sum(parts) <= _TOGETHER


def finished(body: dict[str, Any]) -> dict[str, Any]:
    """A picture with those views made that were still to be, each with its step."""
    views = {}
    for id, (step, made) in body["views"].items():
        view: Any = made() if callable(made) else made
        if view is not None:
            views[id] = {**view, "step": step}
    return {**body, "views": views}


def joined(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Two pictures as one: the newer one, with the structure and the views that only the older one has."""
    if old is None or old["subscription"] != new["subscription"]:
        return new
    return {**old, **new, "views": {**old["views"], **new["views"]}}

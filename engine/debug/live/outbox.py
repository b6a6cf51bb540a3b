"""Sending pictures without letting the script wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Outbox:
    """Finishes and sends pictures on a thread of its own; of what waits the newest is kept, together with what only the
    older one holds.

    Args:
        send: may take long. failed: told of an error in making a view.
    """

    def __init__(
        self, send: Callable[[dict[str, Any]], object], failed: Callable[[Exception], object] = lambda error: None
    ) -> None:
        self._send, self._failed = send, failed
        self._changed = threading.Condition()
        self._waiting: dict[str, Any] | None = None
        self._thread: threading.Thread | None = None

    def put(self, body: dict[str, Any]) -> None:
        """Have ``body`` sent soon."""
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
                body, self._waiting = self._waiting, None
            assert body is not None
            try:
                body = finished(body)
            except Exception as error:
                self._failed(error)
            else:
                self._send(body)


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

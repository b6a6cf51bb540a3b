"""The files that the Code panel has read, and which of them have been changed on disk since."""

from __future__ import annotations

import os
from collections.abc import Callable

from PyQt6.QtCore import QFileSystemWatcher, QObject, pyqtSignal

from gui.script_text import script_text

#: Asks somebody else for the text of a file that cannot be read here: (path, what gets the text).
Elsewhere = Callable[[str, Callable[[str], object]], object]


class Files(QObject):
    """Texts by path, as they were when they were read.

    Signals:
        changed(): a file is, or is no longer, another one on disk.
    """

    changed = pyqtSignal()

    def __init__(self, elsewhere: Elsewhere, parent: QObject) -> None:
        super().__init__(parent)
        self._elsewhere = elsewhere
        self._texts: dict[str, str] = {}
        self._stale: set[str] = set()
        #: The true paths of those that were read.
        self._real: dict[str, str] = {}
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._file_changed)
        self._watcher.directoryChanged.connect(self._folder_changed)
        #: Those of the stale ones that are not there any more.
        self._gone: set[str] = set()

    def text(self, path: str) -> str:
        """The text of a file that was read."""
        return self._texts[path]

    def read(self, path: str, then: Callable[[str], object]) -> None:
        """Read a file, if that was not done before; ``then`` gets its true path, now or later."""
        if path not in self._real:
            self._real[path] = os.path.realpath(path) if os.path.exists(path) else path
        path = self._real[path]
        if path not in self._texts:
            try:
                self._texts[path] = script_text(path)
            except OSError:
                self._elsewhere(path, lambda text: self._received(path, text, then))
                return
            self._watcher.addPath(path)
        then(path)

    def _received(self, path: str, text: str, then: Callable[[str], object]) -> None:
        self._texts[path] = text
        then(path)

    def take(self, path: str, text: str) -> str | None:
        """What runs has this text of a file, whatever its file has now; its true path, where it was another one so far."""
        path = self._real.setdefault(path, os.path.realpath(path) if os.path.exists(path) else path)
        known = self._texts.get(path)
        self._texts[path] = text
        self._file_changed(path)
        return path if known not in (None, text) else None

    def is_stale(self, path: str | None) -> bool:
        """Whether a file is another one on disk."""
        return path in self._stale

    def is_gone(self, path: str | None) -> bool:
        """Whether a file is not there any more."""
        return path in self._gone

    def forget_stale(self) -> None:
        """Read those that have changed anew when they are wanted."""
        for path in self._stale:
            self._texts.pop(path, None)
        self._stale.clear()
        self._gone.clear()
        self._real.clear()

    def _file_changed(self, path: str) -> None:
        if os.path.exists(path):
            self._watcher.addPath(path)  # an editor that writes a new file ends the watching of the old one
            self._gone.discard(path)
        else:
            self._watcher.addPath(os.path.dirname(path))  # it may come back
            self._gone.add(path)
        try:
            same = script_text(path) == self._texts.get(path)
        except OSError:
            same = False
        (self._stale.discard if same else self._stale.add)(path)
        self.changed.emit()

    def _folder_changed(self, _folder: str) -> None:
        for path in [path for path in self._gone if os.path.exists(path)]:
            self._file_changed(path)

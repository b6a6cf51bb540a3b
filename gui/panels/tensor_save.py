"""Saving a tensor: its numbers as a NumPy file, its map as a picture."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QBuffer, QIODevice
from PyQt6.QtGui import QPainter

from gui.asking import unless_lost
from gui.exporting_files import explained, whole_file, write_whole
from gui.exporting_pictures import png_bytes
from gui.panels.tensor_export import fetch
from gui.panels.tensor_view import difference
from gui.saving_where import ask_path

if TYPE_CHECKING:
    from gui.panels.tensor import TensorPanel

_FILTERS = {"npy": "NumPy array (*.npy)", "png": "PNG picture (*.png)", "svg": "SVG picture (*.svg)"}

_RUNS = "the script runs. Pause it (F6), then save again."
_MOVED = "the script moved on before all of its numbers were here. Save it again where the script stands."


class TensorSave:
    """Writes what ``panel`` shows to files, and says in the window's message bar that it did."""

    def __init__(self, panel: TensorPanel) -> None:
        self._panel = panel
        #: Where a file was saved last: the next one is likely to belong beside it.
        self._folder = Path.cwd()
        #: The file of numbers that are on their way, part after part.
        self._waiting: Path | None = None
        panel.state.subscribe(("stop", "running"), self._moved)

    def ask(self, kind: str) -> None:
        """Ask for a file name, then write; ``kind``: "npy", "png" or "svg"."""
        name = re.sub(r"[^\w.-]+", "_", self._panel.source.title) or "tensor"
        suggestion = str(self._folder / f"{name}.{kind}")
        if chosen := ask_path(self._panel, "Save", suggestion, f".{kind}", _FILTERS[kind]):
            self._folder = Path(chosen).parent
            self.write(kind, Path(chosen))

    def write(self, kind: str, path: Path) -> None:
        """Write the file; a refusal is a message."""
        try:
            if kind == "npy":
                self._numbers(path)
                return
            self._picture(kind, path)
        except OSError as error:
            self._panel.context.say(explained(error, path), "error", str(path))
        else:
            self._panel.context.say(f"Saved {path}", about=str(path))

    def _numbers(self, path: Path) -> None:
        panel = self._panel
        if panel.shown is None:
            return

        if panel.state.running:
            panel.context.say(f"{path} was not written: {_RUNS}", "error", str(path))
            return

        def write(array: np.ndarray) -> None:
            self._waiting = None
            try:
                with whole_file(path) as part, open(part, "wb") as file:
                    np.save(file, array, allow_pickle=False)
            except OSError as error:
                panel.context.say(explained(error, path), "error", str(path))
            else:
                panel.context.say(f"Saved {path}", about=str(path))

        tell = unless_lost(lambda why: panel.context.say(f"{path} was not written: {why}", "error", str(path)))

        def refused(why: str) -> None:
            self._waiting = None
            tell(why)

        references, shape, arrays = panel.source.references, panel.shown.shape, list[np.ndarray]()

        def next_array(array: np.ndarray | None = None) -> None:
            if array is not None:
                arrays.append(array)
            if len(arrays) == len(references):
                write(arrays[0] if len(arrays) == 1 else difference(*arrays))
            else:
                run = panel.source.run_of(len(arrays))
                fetch(references[len(arrays)], shape, partial(panel.ask, "save", run=run, otherwise=refused), next_array)

        self._waiting = path
        next_array()

    def _moved(self) -> None:
        """Parts of two moments make no tensor, and a script that runs answers no more: say so, and begin no file."""
        if self._waiting is not None:
            path, self._waiting = self._waiting, None
            self._panel.context.link.forget((self._panel.key, "save"))
            self._panel.context.say(f"{path} was not written: {_MOVED}", "error", str(path))

    def _picture(self, kind: str, path: Path) -> None:
        widget = self._panel.map
        if kind == "png":
            write_whole(path, png_bytes(widget.grab().toImage()))
            return
        from PyQt6.QtSvg import QSvgGenerator

        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setSize(widget.size())
        generator.setViewBox(widget.rect())
        generator.setTitle(self._panel.source.title)
        painter = QPainter(generator)
        widget.render(painter)
        painter.end()
        write_whole(path, bytes(buffer.data().data()))

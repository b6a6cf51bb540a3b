"""Pictures of the true window at chosen places, for looking at: ``python -m tests.gui.shots OUT``.

Files are named PLACE-WIDTHxHEIGHT-THEME-TEXT.png; with ``-grey`` and ``-deuteranopia`` those that show them so.
What text has no room is listed in OUT/clipped.txt.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PyQt6.QtGui import QImage

    from tests.gui.shot_driver import Driver

ROOT = Path(__file__).parents[2]

#: Deuteranopia, severity 1.0, on linear RGB: Machado, Oliveira and Fernandes, "A physiologically-based model for
#: simulation of color vision deficiency" (2009), table 1.
DEUTERANOPIA = np.array([
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
])  # fmt: skip
#: Luminance of linear sRGB (IEC 61966-2-1) in all three channels.
GREY = np.array([[0.2126, 0.7152, 0.0722]] * 3)
FILTERS = {"grey": GREY, "deuteranopia": DEUTERANOPIA}

#: Where the filtered pictures are taken.
_FILTERED = ("forward", "backward", "update", "compared")


def filtered(image: QImage, matrix: np.ndarray) -> QImage:
    """A picture as ``matrix`` (3, 3) turns its linear RGB."""
    from PyQt6.QtGui import QImage

    image = image.convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    assert bits is not None
    pixels = np.frombuffer(bytes(bits.asarray(image.sizeInBytes())), np.uint8).reshape(image.height(), -1, 4)
    table = np.arange(256) / 255
    table = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    linear = np.clip(table[pixels[..., 2::-1]] @ matrix.T, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb = np.ascontiguousarray(np.rint(coded * 255).astype(np.uint8))
    return QImage(rgb.tobytes(), image.width(), image.height(), 3 * image.width(), QImage.Format.Format_RGB888).copy()


def shoot(driver: Driver, place: str, options: argparse.Namespace, out: Path) -> list[Path]:
    """Pictures of what the window shows now, in all sizes, themes and text sizes."""
    from PyQt6.QtWidgets import QApplication

    from tests.gui.clipping import clipped

    window, written = driver.window, []
    for size in options.sizes:
        width, height = (int(part) for part in size.split("x"))
        window.resize(width, height)
        driver.live(0.02)
        for theme in options.themes:
            for percent in options.texts:
                window.looks.set_theme(theme)
                window.looks.set_scale(percent / 100)
                if window.workspace is not None:
                    window.workspace.arrange(window.workspace.fits_wide)
                    for key in driver.front:
                        window.workspace.docks[key].raise_()
                if (dialog := QApplication.activeModalWidget()) is not None:
                    dialog.close()  # it has the fonts and the size of when it was opened
                    getattr(driver, place)()
                driver.settle()
                shown = QApplication.activeModalWidget() or window
                image = shown.grab().toImage()
                name = f"{place}-{size}-{theme}-{percent}"
                if faults := clipped(shown):
                    with open(out / "clipped.txt", "a", encoding="utf-8") as file:
                        file.writelines(f"{name}: {fault}\n" for fault in faults)
                versions = {"": image}
                if options.filters and place in _FILTERED and percent == 100 and size == options.sizes[0]:
                    versions |= {f"-{kind}": filtered(image, matrix) for kind, matrix in FILTERS.items()}
                for suffix, picture in versions.items():
                    written.append(out / f"{name}{suffix}.png")
                    if not picture.save(str(written[-1])):
                        raise OSError(f"{written[-1]} cannot be written")
    return written


def _say(_kind: object, _context: object, text: str | None) -> None:
    """What Qt has to say, but for what its offscreen platform says of itself."""
    if text and not text.startswith("This plugin does not support"):
        print(f"Qt: {text}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """See the module."""
    words = lambda text: text.split(",")  # noqa: E731
    parser = argparse.ArgumentParser(prog="python -m tests.gui.shots", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--script", type=Path, default=ROOT / "samples" / "fashion_cnn.py")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the script")
    parser.add_argument("--as-torch", action="store_true", help="the script is one for PyTorch")
    parser.add_argument("--places", type=words, default=None, help="of these only (those before are gone through)")
    parser.add_argument("--sizes", type=words, default=["1280x800", "1920x1080"])
    parser.add_argument("--themes", type=words, default=["light", "dark", "projector"])
    parser.add_argument("--texts", type=lambda text: [int(p) for p in text.split(",")], default=[100, 150])
    parser.add_argument("--no-filters", dest="filters", action="store_false", help="no grey and deuteranopia versions")
    options = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("NABLASCOPE_QUIET", "1")
    out, script = options.out.resolve(), options.script.resolve()
    out.mkdir(parents=True, exist_ok=True)

    from PyQt6.QtCore import qInstallMessageHandler
    from PyQt6.QtWidgets import QApplication

    from tests.gui.shot_driver import PLACES, Driver

    qInstallMessageHandler(_say)
    app = QApplication.instance() or QApplication(["nablascope"])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    wanted = options.places or list(PLACES)
    if unknown := set(wanted) - set(PLACES):
        parser.error(f"there is no place {', '.join(sorted(unknown))}; there are {', '.join(PLACES)}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        unsaved = ["folder="] if "folder = " in script.read_text(encoding="utf-8") else []
        driver = Driver(script, [*unsaved, *options.parameter], Path(folder), options.as_torch)
        try:
            last = max(PLACES.index(place) for place in wanted)
            for place in PLACES[: last + 1]:
                if place in ("running", "compared", "nan", "keys") and place not in wanted:
                    continue
                getattr(driver, place)()
                if place in wanted:
                    driver.settle()
                    for path in shoot(driver, place, options, out):
                        print(path, flush=True)
                    if driver.troubles:
                        print(f"{place}: {driver.troubles}", file=sys.stderr)
                        driver.troubles.clear()
        finally:
            driver.close()
            os.chdir(ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())

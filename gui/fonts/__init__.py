"""The fonts that are shipped: Inter 3.19 for text, JetBrains Mono 2.242 for code and numbers; unchanged files.

Both are under the SIL Open Font License 1.1; see OFL-Inter.txt and OFL-JetBrainsMono.txt beside the files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PyQt6.QtGui import QFontDatabase

TEXT, CODE = "Inter", "JetBrains Mono"

FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf", "JetBrainsMono-SemiBold.ttf")


@cache
def load() -> tuple[str, str]:
    """Make the fonts known to Qt, once; returns the families of text and of code. Needs a QApplication.

    Where a file is missing the system's fonts take its place.
    """
    folder = Path(__file__).parent
    for name in FILES:
        QFontDatabase.addApplicationFont(str(folder / name))
    installed = set(QFontDatabase.families())
    system = QFontDatabase.SystemFont
    return (
        TEXT if TEXT in installed else QFontDatabase.systemFont(system.GeneralFont).family(),
        CODE if CODE in installed else QFontDatabase.systemFont(system.FixedFont).family(),
    )

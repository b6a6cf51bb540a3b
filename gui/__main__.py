"""``python -m gui [FILE]``: the window."""

from __future__ import annotations

import sys

from gui.app import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else None, arguments=sys.argv[2:]))

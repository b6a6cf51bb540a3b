"""``python -m gui [FILE]``: as ``nablascope [FILE]``."""

from __future__ import annotations

import sys

from engine.cli.window import window_command

if __name__ == "__main__":
    sys.exit(window_command(sys.argv[1] if len(sys.argv) > 1 else None, sys.argv[2:]))

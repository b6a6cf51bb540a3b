"""The panels by their modules, imported when the window is built. Each module names its panel ``PANEL``.

The order is that of the tabs within an area.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging

from gui.panels.panel import Panel

#: key -> module; a module that is not there is left out.
MODULES = {
    "code": "gui.panels.code",
    "variables": "gui.panels.variables",
    "stack": "gui.panels.stack",
    "breakpoints": "gui.panels.breakpoints",
    "parameters": "gui.panels.parameters",
    "network": "gui.panels.network",
    "timeline": "gui.panels.timeline",
    "output": "gui.panels.output",
    "tensor": "gui.panels.tensor",
    "explain": "gui.panels.explain",
    "curves": "gui.panels.curves",
    "layers": "gui.panels.layers",
    "data": "gui.panels.data",
    "diagnostics": "gui.panels.diagnostics",
}

__all__ = ["MODULES", "Panel", "panel_class", "panel_classes"]


def panel_class(key: str) -> type[Panel] | None:
    """The panel of that key: ``PANEL`` of its module, or the module's one subclass of Panel; None where it is missing."""
    name = MODULES[key]
    if importlib.util.find_spec(name) is None:
        return None
    try:
        module = importlib.import_module(name)
    except Exception:
        logging.getLogger(__name__).exception("the panel %r cannot be loaded", key)
        return None
    if found := getattr(module, "PANEL", None):
        return found
    classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Panel)]
    own = [found for found in classes if found.__module__ == name and found.key == key]
    return own[0] if own else None


def panel_classes() -> dict[str, type[Panel]]:
    """All panels that there are, by key."""
    found = {key: panel_class(key) for key in MODULES}
    return {key: value for key, value in found.items() if value is not None}

"""Monitors of an X server that come and go: RandR's, by its C library, so that no tool has to be installed."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_int, c_ulong, c_void_p
from typing import Any


class _Monitor(Structure):
    """XRRMonitorInfo."""

    _fields_ = [
        ("name", c_ulong), ("primary", c_int), ("automatic", c_int), ("noutput", c_int), ("x", c_int), ("y", c_int),
        ("width", c_int), ("height", c_int), ("mwidth", c_int), ("mheight", c_int), ("outputs", POINTER(c_ulong)),
    ]  # fmt: skip


class _Resources(Structure):
    """The head of XRRScreenResources."""

    _fields_ = [
        ("timestamp", c_ulong), ("config", c_ulong), ("ncrtc", c_int), ("crtcs", POINTER(c_ulong)), ("noutput", c_int),
        ("outputs", POINTER(c_ulong)),
    ]  # fmt: skip


class Monitors:
    """Cuts the one screen of an X server into monitors: Qt's ``screenAdded``, ``screenRemoved`` and ``geometryChanged`` come
    as of plugs that are pulled.

    Args:
        display: such as ``":7"``.

    Raises:
        OSError: no libX11, no libXrandr, or no such display.
    """

    def __init__(self, display: str) -> None:
        self._x, self._r = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXrandr.so.2")
        self._declare()
        self._display = self._x.XOpenDisplay(display.encode())
        if not self._display:
            raise OSError(f"the display {display} cannot be opened")
        self._root = self._x.XDefaultRootWindow(self._display)
        resources = self._r.XRRGetScreenResources(self._display, self._root)
        self._output = c_ulong(resources.contents.outputs[0])
        self._r.XRRFreeScreenResources(resources)

    def _declare(self) -> None:
        x, r, display = self._x, self._r, c_void_p
        signatures: list[tuple[Any, Any, list[Any]]] = [
            (x.XOpenDisplay, c_void_p, [c_char_p]), (x.XDefaultRootWindow, c_ulong, [display]),
            (x.XInternAtom, c_ulong, [display, c_char_p, c_int]), (x.XSync, c_int, [display, c_int]),
            (x.XCloseDisplay, c_int, [display]),
            (r.XRRGetScreenResources, POINTER(_Resources), [display, c_ulong]),
            (r.XRRFreeScreenResources, None, [POINTER(_Resources)]),
            (r.XRRSetMonitor, None, [display, c_ulong, POINTER(_Monitor)]),
            (r.XRRDeleteMonitor, None, [display, c_ulong, c_ulong]),
        ]  # fmt: skip
        for function, result, arguments in signatures:
            function.restype, function.argtypes = result, arguments

    def plug(self, name: str, place: tuple[int, int, int, int], first: bool = False) -> None:
        """A monitor at ``place`` (x, y, width, height); one that is there changes its place. The ``first`` is the primary
        one, and takes the server's own monitor away.
        """
        x, y, width, height = place
        monitor = _Monitor(
            self._atom(name), first, False, int(first), x, y, width, height, width // 4, height // 4,
            ctypes.pointer(self._output),
        )  # fmt: skip
        self._r.XRRSetMonitor(self._display, self._root, ctypes.byref(monitor))
        self._x.XSync(self._display, 0)

    def unplug(self, name: str) -> None:
        """Take a monitor away that is there."""
        self._r.XRRDeleteMonitor(self._display, self._root, self._atom(name))
        self._x.XSync(self._display, 0)

    def close(self) -> None:
        """Close the connection; the monitors stay."""
        self._x.XCloseDisplay(self._display)

    def _atom(self, name: str) -> int:
        return self._x.XInternAtom(self._display, name.encode(), 0)
